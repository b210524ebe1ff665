/**
 * Danger: maps that nobody closes, and nobody can reach any more, keep their entries for ever; or those that others can
 * reach do not.
 */

import { describe, expect, it } from 'vitest';
import { sizeOf } from '../lib/run-size.js';
import { runProgramIn } from '../threads/threads.js';

const COUNT = sizeOf('SHARDMAP_TEST_DROPS', 1000);

interface Report {
  readonly open: number;
  readonly rssGrown: number;
  readonly bytesMade: number;
}

async function drop(mode: string, count: number, nodeOptions: readonly string[]): Promise<Report> {
  const outcome = await runProgramIn(import.meta.url, 'drop', [String(count), mode], nodeOptions);
  expect(outcome).toMatchObject({ code: 0, signal: null });
  return JSON.parse(outcome.output) as Report;
}

describe('maps that are dropped', () => {
  it.each(['unnamed', 'iterated', 'written'])('are freed by garbage collection: %s', async (mode) => {
    const { open, rssGrown, bytesMade } = await drop(mode, COUNT, ['--expose-gc']);
    expect(open).toBe(0);
    expect(rssGrown).toBeLessThan(bytesMade / 3);
  });

  it('are freed without anybody asking for garbage collection, as the memory of the map counts for it', async () => {
    const { rssGrown, bytesMade } = await drop('unhurried', COUNT * 4, []);
    expect(rssGrown).toBeLessThan(bytesMade / 2);
  });

  it('stay open where they have a name', async () => {
    const { open } = await drop('named', 100, ['--expose-gc']);
    expect(open).toBe(100);
  });
});
