/**
 * Danger: a worker that is terminated in the middle of an operation leaves a lock held, memory torn or the process
 * crashed.
 */

import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Key, ShardMap } from '../../lib/index.js';
import { seed, sizeOf } from '../lib/run-size.js';
import { createRandom } from './random.js';
import { runProgram, Thread } from './threads.js';

const TERMINATIONS = sizeOf('SHARDMAP_TEST_TERMINATIONS', 100);

describe(`a busy worker (SHARDMAP_TEST_SEED=${seed})`, () => {
  it(`can be terminated at a random moment, ${TERMINATIONS} times`, async () => {
    const random = createRandom(seed);
    const map = new ShardMap<Key, unknown>(null, { shards: 4 });
    for (let index = 0; index < 200; index++) map.set(`stable ${index}`, index);
    const given = { handle: map.handle, stop: new SharedArrayBuffer(4) };
    const writer = await Thread.start('churner', given);
    for (let round = 0; round < TERMINATIONS; round++) {
      const thread = await Thread.start('churner', given);
      await setTimeout(random() * 4);
      const end = thread.end();
      for (let index = 0; index < 200; index++) map.set(`stable ${index}`, index);
      await end;
      expect(map.get(`stable ${round % 200}`)).toBe(round % 200);
    }
    await writer.end();
    const stable = [...map].filter(([key]) => String(key).startsWith('stable'));
    expect(stable).toEqual(Array.from({ length: 200 }, (_, index) => [`stable ${index}`, index]));
    expect(map.size).toBe([...map].length);
    map.clear();
    expect(map.size).toBe(0);
  }, 180_000);
});

describe('a worker whose dropped maps are being collected', () => {
  it('can be terminated in the middle of that', async () => {
    const outcome = await runProgram('dropping', [String(Math.ceil(TERMINATIONS / 2))]);
    expect(outcome).toEqual({ code: 0, signal: null, output: 'done\n' });
  }, 180_000);
});
