/**
 * The examples of a Markdown page, as programs.
 *
 * A program is what is between ```js and ```. It runs as it is printed, in a process and a folder of its own, on the package
 * as users import it. A line that ends in a comment claims something: `map.get('a'); // 1` that this is the value, and
 * `console.log(map.size); // 2` that this is printed; what follows a colon in the comment is for people. A block whose
 * first line names a file, `// worker.js`, is put beside the programs of its page and not run by itself.
 */

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const ROOT = path.resolve(import.meta.dirname, '../..');
const CHECK = path.join(import.meta.dirname, 'check-claim.mjs');
/** Below the package, so that `import 'shardmap'` leads to it. */
const FOLDER = path.join(ROOT, '.build/pages');

const STATEMENT = /^(?!const |let |import |for |if |class |function |return |\}|\/\/)(\S.*); \/\/ (.*)$/;
const PRINTED = /\bconsole\.log\(/;
const TIME_LEFT = /\.ttl\([^)]*\)$/;
/** How the value of an expression begins that claims something; else the comment is prose. */
const VALUE = /^(?:-?\d|['"[{]|(?:true|false|null|undefined|NaN|Infinity)\b|\w+Array \[)/;

export interface Block {
  readonly language: string;
  readonly text: string;
  /** Of its first line in the page. */
  readonly line: number;
}

export interface Program extends Block {
  /** Files beside it. */
  readonly files: readonly Block[];
}

/** All blocks of code of a page. */
export function blocksOf(page: string): Block[] {
  const text = readFileSync(path.join(ROOT, page), 'utf8');
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(({ 1: language = '', 2: block = '', index }) => ({
    language,
    text: block,
    line: text.slice(0, index).split('\n').length + 1,
  }));
}

/** Those of a page that are run. */
export function programsOf(page: string): Program[] {
  const blocks = blocksOf(page).filter(({ language }) => language === 'js');
  const files = blocks.filter((block) => nameOf(block) !== undefined);
  return blocks.filter((block) => nameOf(block) === undefined).map((block) => ({ ...block, files }));
}

const nameOf = ({ text }: Block): string | undefined => /^\/\/ (\w[\w-]*\.js)$/m.exec(text.split('\n')[0] ?? '')?.[1];

/** How many claims a program makes that are checked. */
export function claimsOf({ text }: Block): number {
  return text.split('\n').filter((line) => claimOf(line) !== undefined).length;
}

/** Runs a program; throws where it fails, or a claim is wrong. */
export async function runProgram(program: Program): Promise<void> {
  mkdirSync(FOLDER, { recursive: true });
  const folder = mkdtempSync(path.join(FOLDER, 'page-'));
  try {
    for (const file of program.files) writeFileSync(path.join(folder, nameOf(file) as string), withImports(file.text));
    const main = path.join(folder, 'main.mjs');
    writeFileSync(main, withImports(withClaims(program.text)));
    const { stdout } = await promisify(execFile)(process.execPath, [main], { cwd: folder, timeout: 60_000 });
    const missing = printedBy(program).filter((line) => !stdout.split('\n').includes(line));
    if (missing.length > 0) throw new Error(`not printed: ${missing.join('; ')}, but:\n${stdout}`);
    const checked = Number(/^(\d+) claims checked$/m.exec(stdout)?.[1] ?? 0);
    const claims = claimsOf(program) - printedBy(program).length;
    if (checked !== claims) throw new Error(`${claims} claims were made, ${checked} checked`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A line's expression, and what it is claimed to be. */
function claimOf(line: string): { readonly expression: string; readonly value: string } | undefined {
  const [, expression = '', comment = ''] = STATEMENT.exec(line.trimStart()) ?? [];
  const value = valueIn(comment);
  if (expression === '' || (!VALUE.test(value) && !PRINTED.test(expression))) return undefined;
  return { expression, value: value.replace(/^(\w+Array) (\[.*\])$/, '$1.from($2)') };
}

/** What is before the first colon that is in no bracket. */
function valueIn(comment: string): string {
  const isWhole = (text: string): boolean =>
    (text.match(/[[{(]/g) ?? []).length === (text.match(/[\]})]/g) ?? []).length;
  const parts = comment.split(': ');
  const ends = parts.map((_, index) => parts.slice(0, index + 1).join(': '));
  return ends.find(isWhole) ?? comment;
}

/** Examples that need nothing else leave out this line, after the page's first. */
function withImports(text: string): string {
  return /\bShardMap\b/.test(text) && !/\bimport \{[^}]*\bShardMap\b/.test(text)
    ? `import { ShardMap } from 'shardmap'; ${text}`
    : text;
}

function withClaims(text: string): string {
  const lines = text.split('\n').map((line) => {
    const claim = claimOf(line);
    if (claim === undefined || PRINTED.test(claim.expression)) return line;
    return `${TIME_LEFT.test(claim.expression) ? 'checkTimeLeft' : 'check'}(${claim.expression}, ${claim.value});`;
  });
  return `import { check, checkTimeLeft } from ${JSON.stringify(CHECK)}; ${lines.join('\n')}`;
}

function printedBy({ text }: Block): string[] {
  const claims = text.split('\n').flatMap((line) => claimOf(line) ?? []);
  return claims.filter(({ expression }) => PRINTED.test(expression)).map(({ value }) => value);
}
