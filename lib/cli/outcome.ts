/** What a command has to say when it is done. */

export interface Outcome {
  readonly exitCode: number;
  /** For people; goes to standard output, or to standard error where that has other things in it. */
  readonly lines: readonly string[];
  readonly usesStderr?: boolean;
  /** For programs: what `--json` prints, behind the command's name and exit code. */
  readonly document: object;
}
