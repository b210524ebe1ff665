/** Danger: a worker that is terminated while it flushes crashes the process, or keeps its store open for ever. */

import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { seed, sizeOf } from '../lib/run-size.js';
import { createRandom } from '../threads/random.js';
import { Thread } from '../threads/threads.js';
import { newDirectory } from './directories.js';

// What workers use is in dist/: the same addon, which knows one store for a directory.
const { ShardMap } = (await import(
  new URL('../../dist/index.js', import.meta.url).href
)) as typeof import('../../lib/index.js');

const TERMINATIONS = sizeOf('SHARDMAP_TEST_TERMINATIONS', 25);

describe(`a worker with a durable map (SHARDMAP_TEST_SEED=${seed})`, () => {
  it(`can be terminated at a random moment, ${TERMINATIONS} times, while another thread has it open`, async () => {
    const random = createRandom(seed);
    const dir = newDirectory();
    const map = await ShardMap.open<string, number>({ dir });
    for (let round = 0; round < TERMINATIONS; round++) {
      const thread = await Thread.startIn(import.meta.url, 'writer', { dir, name: `worker ${round}` });
      map.set('round', round);
      await setTimeout(random() * 20);
      await thread.end();
      await map.flush();
    }
    expect(map.get('round')).toBe(TERMINATIONS - 1);
    const before = [...map];
    map.close();
    const again = await ShardMap.open<string, number>({ dir });
    expect([...again]).toEqual(before);
    again.close();
  }, 120_000);

  it('alone can be, and the directory can be opened again', async () => {
    const random = createRandom(seed + 1);
    const dir = newDirectory();
    for (let round = 0; round < TERMINATIONS; round++) {
      const thread = await Thread.startIn(import.meta.url, 'writer', { dir, name: 'worker' });
      await setTimeout(random() * 20);
      await thread.end();
      const map = await ShardMap.open<string, number>({ dir });
      expect(map.size).toBeGreaterThan(0);
      map.close();
    }
  }, 120_000);
});
