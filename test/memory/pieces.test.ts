/** Danger: a key that was looked up keeps the large string alive of which it was a piece. */

import { expect, it } from 'vitest';
import { sizeOf } from '../lib/run-size.js';
import { runProgramIn } from '../threads/threads.js';

const COUNT = sizeOf('SHARDMAP_TEST_PIECES', 1000);

interface Report {
  readonly wrong: number;
  readonly heapGrown: number;
  readonly charsRead: number;
}

it('keeps no string of which a key was a piece', async () => {
  const outcome = await runProgramIn(import.meta.url, 'pieces', [String(COUNT)], ['--expose-gc']);
  expect(outcome).toMatchObject({ code: 0, signal: null });
  const { wrong, heapGrown, charsRead } = JSON.parse(outcome.output) as Report;
  expect(wrong).toBe(0);
  expect(heapGrown).toBeLessThan(charsRead / 20);
});
