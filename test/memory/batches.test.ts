/** Danger: a batch keeps what it was given, when it is done or when it fails. */

import { expect, it } from 'vitest';
import { sizeOf } from '../lib/run-size.js';
import { runProgramIn } from '../threads/threads.js';

const COUNT = sizeOf('SHARDMAP_TEST_BATCHES', 1500);
const MIB = 2 ** 20;

it(`${COUNT} batches leave no growth behind, in the store or in the process`, async () => {
  const outcome = await runProgramIn(
    import.meta.url,
    'batches',
    [String(COUNT)],
    ['--expose-gc', '--max-semi-space-size=1'],
  );
  expect(outcome).toMatchObject({ code: 0, signal: null });
  const report = JSON.parse(outcome.output) as Record<string, { bytesGrown: number; rssGrown: number; size: number }>;
  expect(Object.keys(report)).toHaveLength(2);
  for (const { bytesGrown, rssGrown, size } of Object.values(report)) {
    expect(size).toBe(0);
    expect(bytesGrown).toBeLessThan(2 * MIB);
    expect(rssGrown).toBeLessThan(16 * MIB);
  }
}, 120_000);
