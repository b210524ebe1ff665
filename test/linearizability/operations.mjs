// Which operations there are on one key, and what values are written by them: for those who record and for those who
// check.

/**
 * What an operation is given, in the order of its arguments, and what it tells. A batch, a `clear` and an iteration are
 * an operation on each key: a `get`, a `set`, a `has`, or a `clear`, which is a deletion that tells nothing.
 *
 * `expected` is the value that a compare-and-set wants to be there, or that the function given to `update` was shown last;
 * `argument` is the value to write, or for `increment` what to add.
 *
 * Nobody calls `expire`: it is what the deadline of a value does to that value, if it is still there.
 *
 * @typedef {{ takes: readonly ('expected' | 'argument')[], tells: 'value' | 'boolean' | 'nothing' }} Form
 */

/** @satisfies {Record<string, Form>} */
export const FORMS = /** @type {const} */ ({
  get: { takes: [], tells: 'value' },
  has: { takes: [], tells: 'boolean' },
  set: { takes: ['argument'], tells: 'nothing' },
  delete: { takes: [], tells: 'boolean' },
  clear: { takes: [], tells: 'nothing' },
  getOrInsert: { takes: ['argument'], tells: 'value' },
  getOrInsertComputed: { takes: ['argument'], tells: 'value' },
  getAndSet: { takes: ['argument'], tells: 'value' },
  getAndDelete: { takes: [], tells: 'value' },
  compareAndSet: { takes: ['expected', 'argument'], tells: 'boolean' },
  compareAndDelete: { takes: ['expected'], tells: 'boolean' },
  increment: { takes: ['argument'], tells: 'value' },
  update: { takes: ['expected', 'argument'], tells: 'value' },
  expire: { takes: ['expected'], tells: 'nothing' },
});

/** @typedef {keyof typeof FORMS} Kind */

export const KINDS = /** @type {readonly Kind[]} */ (Object.keys(FORMS));

/** What "no value" is, given or told. `increment` counts from it. */
export const ABSENT = 0;

// A value is a whole number that is written once, so that what is told tells which write it comes from: the worker's
// number, that of the write, and room for increments.
const WORKER = 2 ** 48;
const WRITE = 2 ** 20;

/**
 * @param {number} worker
 * @param {number} write from 1 on
 */
export function valueWritten(worker, write) {
  return (worker + 1) * WORKER + write * WRITE;
}

/**
 * As people read it: `b12+3` is the 12th value that worker 1 wrote, three times incremented.
 *
 * @param {number} value
 */
export function nameOf(value) {
  if (value === ABSENT) return 'absent';
  if (!(value >= WORKER)) return String(value);
  const worker = String.fromCharCode(96 + Math.floor(value / WORKER));
  const increments = value % WRITE;
  return `${worker}${Math.floor((value % WORKER) / WRITE)}${increments > 0 ? `+${increments}` : ''}`;
}

/**
 * The inverse of `nameOf`.
 *
 * @param {string} name
 */
export function valueNamed(name) {
  if (name === 'absent') return ABSENT;
  const [, worker = '', write = '', increments = '0'] = /^([a-o])(\d+)(?:\+(\d+))?$/.exec(name) ?? [];
  return worker === '' ? Number(name) : valueWritten(worker.charCodeAt(0) - 97, Number(write)) + Number(increments);
}
