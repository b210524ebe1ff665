// What the programs of pages call with each value that they claim; counted, so that none is left out unseen.
import { deepStrictEqual } from 'node:assert/strict';
import { isMainThread } from 'node:worker_threads';

let checked = 0;

/**
 * @param {unknown} value
 * @param {unknown} claimed
 */
export function check(value, claimed) {
  deepStrictEqual(value, claimed);
  checked++;
}

/**
 * Of milliseconds that are left, some have passed.
 *
 * @param {unknown} value
 * @param {unknown} claimed
 */
export function checkTimeLeft(value, claimed) {
  const isAlmost = typeof value === 'number' && value <= Number(claimed) && value > Number(claimed) / 2;
  check(isAlmost ? claimed : value, claimed);
}

if (isMainThread) process.on('exit', () => console.log(`${checked} claims checked`));
