/** Danger: entries that are deleted leave something behind, and a process that runs for weeks runs out of memory. */

import { describe, expect, it } from 'vitest';
import { sizeOf } from '../lib/run-size.js';
import { runProgramIn } from '../threads/threads.js';

const COUNT = sizeOf('SHARDMAP_TEST_CHURN', 10_000_000);
const MIB = 2 ** 20;

interface Growth {
  readonly bytesGrown: number;
  readonly rssGrown: number;
  readonly size: number;
}

describe(`${COUNT} times set and delete`, () => {
  it('leave no growth behind, in the store or in the process', async () => {
    // V8's own young generation would grow too, and hide a leak of its size.
    const nodeOptions = ['--expose-gc', '--max-semi-space-size=1'];
    const outcome = await runProgramIn(import.meta.url, 'churn', [String(COUNT)], nodeOptions);
    expect(outcome).toMatchObject({ code: 0, signal: null });
    const report = JSON.parse(outcome.output) as Record<string, Growth>;
    expect(Object.keys(report)).toHaveLength(3);
    for (const { bytesGrown, rssGrown, size } of Object.values(report)) {
      expect(size).toBeLessThanOrEqual(1000);
      expect(bytesGrown).toBeLessThan(2 * MIB);
      expect(rssGrown).toBeLessThan(8 * MIB);
    }
  }, 120_000);
});
