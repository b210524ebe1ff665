/** What ends a command before its time, in a line, and the exit codes. docs/command-line.md lists both. */

export const EXIT = {
  done: 0,
  /** A store is damaged, something of it is lost, or a line to be imported is not valid. */
  damaged: 1,
  /** The command was called wrongly. */
  usage: 2,
  /** What the command needs cannot be read or written, or is in use. */
  unavailable: 3,
  /** And the number of the signal. */
  signal: 128,
} as const;

/** The command's own errors; others come from the library and from the system. */
const EXIT_CODES = {
  ERR_CLI_USAGE: EXIT.usage,
  ERR_CLI_EXISTS: EXIT.usage,
  ERR_CLI_INVALID_LINE: EXIT.damaged,
  ERR_CLI_NO_MANIFEST: EXIT.damaged,
  ERR_CLI_NO_STORE: EXIT.unavailable,
  ERR_CLI_LINE_TOO_LONG: EXIT.unavailable,
} as const;

export type CommandErrorCode = keyof typeof EXIT_CODES;

export class CommandError extends Error {
  readonly code: CommandErrorCode;
  /** More members for the JSON document. */
  readonly details: object;

  constructor(code: CommandErrorCode, message: string, details: object = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

/** An error as users are told of it. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly exitCode: number;
  readonly details: object;
  readonly stack: string;
}

/** What to tell of anything that was thrown. */
export function describeFailure(error: unknown): Failure {
  const known: NodeJS.ErrnoException = error instanceof Error ? error : new Error(String(error));
  const { code, message, stack } = known;
  return {
    code: code ?? 'ERR_CLI_UNEXPECTED',
    message: message.replaceAll(/\s*\n\s*/g, ' '),
    exitCode: exitCodeOf(code),
    details: error instanceof CommandError ? error.details : {},
    stack: stack ?? message,
  };
}

function exitCodeOf(code: string | undefined): number {
  if (code !== undefined && code in EXIT_CODES) return EXIT_CODES[code as CommandErrorCode];
  if (code === 'ERR_SHARDMAP_CORRUPT') return EXIT.damaged;
  if (code === 'ERR_SHARDMAP_INVALID_ARGUMENT' || code === 'ERR_SHARDMAP_OUT_OF_RANGE') return EXIT.usage;
  return EXIT.unavailable;
}

/** The code of an error, if it has one. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}
