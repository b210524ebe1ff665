// What the programs of pages call with each value that they claim; counted, so that none is left out unseen.
import { deepStrictEqual } from 'node:assert/strict';
import { isMainThread } from 'node:worker_threads';

let checked = 0;

/**
 * @param {unknown} value
 * @param {unknown} claimed
 */
export function check(value, claimed) {
  if (!isAlmost(value, claimed)) deepStrictEqual(value, claimed);
  checked++;
}

/**
 * Of milliseconds that are left, some may have passed.
 *
 * @param {unknown} value
 * @param {unknown} claimed
 */
function isAlmost(value, claimed) {
  if (typeof value !== 'number' || typeof claimed !== 'number' || claimed < 60_000) return false;
  return value <= claimed && value / claimed > 0.5;
}

if (isMainThread) process.on('exit', () => console.log(`${checked} claims checked`));
