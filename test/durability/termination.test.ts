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

const TERMINATIONS = sizeOf('SHARDMAP_TEST_TERMINATIONS', 200);
const SHARED = Math.ceil((TERMINATIONS * 3) / 4);
const ALONE = Math.ceil(TERMINATIONS / 4);
const TIMEOUT_MS = 60_000 + TERMINATIONS * 1000;
/** A few at a time, so that they meet one another at their ends. */
const LIVE = 4;

describe(`a worker with a durable map (SHARDMAP_TEST_SEED=${seed})`, () => {
  it(
    `can be terminated at a random moment, ${SHARED} times, while other threads have it open`,
    async () => {
      const random = createRandom(seed);
      const dir = newDirectory();
      const map = await ShardMap.open<string, number>({ dir });
      let rounds = 0;
      const terminateAgainAndAgain = async (): Promise<void> => {
        while (rounds < SHARED) {
          const round = rounds++;
          const thread = await Thread.startIn(import.meta.url, 'writer', { dir, name: `worker ${round % LIVE}` });
          map.set('round', round);
          await setTimeout(random() * 20);
          await thread.end();
          await map.flush();
        }
      };
      await Promise.all(Array.from({ length: LIVE }, terminateAgainAndAgain));
      expect(map.get('round')).toBeGreaterThanOrEqual(SHARED - LIVE);
      const before = [...map];
      expect(before.length).toBeGreaterThan(LIVE);
      map.close();
      const again = await ShardMap.open<string, number>({ dir });
      expect([...again]).toEqual(before);
      again.close();
    },
    TIMEOUT_MS,
  );

  it(
    `alone can be, ${ALONE} times, and the directory can be opened again`,
    async () => {
      const random = createRandom(seed + 1);
      const dir = newDirectory();
      for (let round = 0; round < ALONE; round++) {
        const thread = await Thread.startIn(import.meta.url, 'writer', { dir, name: 'worker' });
        await setTimeout(random() * 20);
        await thread.end();
        const map = await ShardMap.open<string, number>({ dir });
        expect(map.size).toBeGreaterThan(0);
        map.close();
      }
    },
    TIMEOUT_MS,
  );
});
