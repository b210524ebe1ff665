/** A history: what workers asked of single keys, when, and what they were told. Times are of one monotonic clock. */

import { ABSENT, FORMS, type Kind, nameOf, valueNamed } from './operations.mjs';

/** Numbers are values as `valueWritten` makes them, or `ABSENT`; told a boolean, `result` is 1 or 0. */
export interface Operation {
  readonly kind: Kind;
  readonly worker: number;
  readonly key: number;
  readonly invoked: number;
  /** `Infinity`: nobody knows whether it happened, but if it did, it was told this result. */
  readonly returned: number;
  readonly expected: number;
  readonly argument: number;
  readonly result: number;
}

export type History = readonly Operation[];

const COLUMNS = ['worker', 'called', 'returned', 'operation'];

/** One line for each operation, times relative to the first call. A history of one key: it is not told. */
export function formatHistory(history: History): string {
  const begin = Math.min(...history.map((operation) => operation.invoked));
  const rows = history.map((each) => [each.worker, each.invoked - begin, each.returned - begin, formatCall(each)]);
  const lines = [COLUMNS, ...rows].map((row) => row.map(String));
  const widths = COLUMNS.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines.map((line) => line.map((cell, column) => pad(cell, column, widths)).join('  ')).join('\n');
}

/** Times to the right, text to the left. */
function pad(cell: string, column: number, widths: readonly number[]): string {
  return column === COLUMNS.length - 1 ? cell : cell.padStart(widths[column] ?? 0);
}

function formatCall(operation: Operation): string {
  const { takes, tells } = FORMS[operation.kind];
  const call = [operation.kind, ...takes.map((name) => nameOf(operation[name]))].join(' ');
  if (tells === 'nothing') return call;
  return `${call} = ${tells === 'value' ? nameOf(operation.result) : operation.result === 1}`;
}

/** Reads what `formatHistory` writes, without its heading too; so a window that was printed is a test case. */
export function parseHistory(text: string, key = 0): History {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '' && !line.startsWith('worker')).map((line) => parseOperation(line, key));
}

function parseOperation(line: string, key: number): Operation {
  const [worker, invoked, returned, name, ...rest] = line.split(/\s+/);
  const kind = name as Kind;
  const form = FORMS[kind];
  const isTold = form !== undefined && form.tells !== 'nothing';
  const operation: Operation = {
    kind,
    worker: Number(worker),
    key,
    invoked: Number(invoked),
    returned: Number(returned),
    expected: ABSENT,
    argument: ABSENT,
    ...Object.fromEntries(form?.takes.map((column, index) => [column, valueNamed(rest[index] ?? '')]) ?? []),
    result: isTold ? resultNamed(rest.at(-1) ?? '') : ABSENT,
  };
  const isWhole = form !== undefined && rest.length === form.takes.length + (isTold ? 2 : 0);
  const numbers = Object.values(operation).filter((value) => typeof value === 'number');
  if (!isWhole || numbers.some(Number.isNaN)) throw new Error(`no operation: ${line}`);
  return operation;
}

function resultNamed(text: string): number {
  return text === 'true' ? 1 : text === 'false' ? 0 : valueNamed(text);
}
