// What each thread of a storm does, over and over: looks at another's count, notes what it saw, and then counts itself.
// So a count that is there proves the notes before it, and a note what was seen of another.
//
// As a worker, waits for the handle of the map and does the same.
import { strictEqual } from 'node:assert';
import { writeSync } from 'node:fs';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { ShardMap } from '../../../dist/index.js';

/** Steps of which each thread keeps its notes. */
const RING = 100;
const FLUSH_STEPS = 40;
const TEXT_MAX = 700;

/**
 * @typedef {{ step: number, of: number, count: number, text: string }} Note
 * @typedef {InstanceType<typeof ShardMap<string, any>>} StormMap
 */

/** @param {number} thread */
const countOf = (thread) => `count ${thread}`;
/**
 * @param {number} thread
 * @param {number} step
 */
const noteOf = (thread, step) => `note ${thread} ${step % RING}`;

/**
 * What a note of this step says beside what was seen: long enough to tell a whole one from parts of two.
 *
 * @param {number} thread
 * @param {number} step
 */
const textOf = (thread, step) => `${thread}.${step} `.repeat((step * 7) % (TEXT_MAX / 10));

/**
 * @param {StormMap} map
 * @param {number} thread
 * @param {number} threads
 * @param {number} seed
 */
export async function storm(map, thread, threads, seed) {
  let draw = seed + thread;
  for (let step = (map.get(countOf(thread)) ?? 0) + 1; ; step++) {
    draw = (Math.imul(draw, 1_103_515_245) + 12_345) >>> 0;
    const of = (draw >>> 16) % threads;
    map.set(noteOf(thread, step), { step, of, count: map.get(countOf(of)) ?? 0, text: textOf(thread, step) });
    map.set(countOf(thread), step);
    if (step % FLUSH_STEPS !== 0) continue;
    await map.flush();
    writeSync(1, `flushed ${thread} ${step}\n`);
  }
}

/**
 * Throws where what is in the map is no prefix of what the threads did. Returns their counts.
 *
 * @param {StormMap} map
 * @param {number} threads
 * @returns {number[]}
 */
export function checkPrefix(map, threads) {
  const counts = Array.from({ length: threads }, (_, thread) => map.get(countOf(thread)) ?? 0);
  let entries = counts.filter((count) => count > 0).length;
  for (const [thread, count] of counts.entries()) {
    // A note comes before its count: one more may be there.
    const next = map.get(noteOf(thread, count + 1))?.step === count + 1 ? 1 : 0;
    const last = count + next;
    for (let step = Math.max(1, last - RING + 1); step <= last; step++) {
      const note = /** @type {Note | undefined} */ (map.get(noteOf(thread, step)));
      const where = `thread ${thread} has counted to ${count}; its note of step ${step}`;
      strictEqual(note?.step, step, `${where} is not there`);
      strictEqual(note.text, textOf(thread, step), `${where} is mixed`);
      const seen = counts[note.of] ?? 0;
      strictEqual(note.count <= seen, true, `${where} saw thread ${note.of} at ${note.count}, which is at ${seen}`);
    }
    entries += Math.min(last, RING);
  }
  strictEqual(map.size, entries, 'there is what nobody wrote');
  return counts;
}

if (!isMainThread && workerData?.thread !== undefined) {
  const { thread, threads, seed } = workerData;
  parentPort?.once('message', (handle) => storm(ShardMap.from(handle), thread, Number(threads), Number(seed)));
  parentPort?.postMessage('ready');
}
