/** Danger: maps that were listened to, or what expired in them, are kept for ever. */

import { expect, it } from 'vitest';
import { sizeOf } from '../lib/run-size.js';
import { runProgramIn } from '../threads/threads.js';

const ROUNDS = sizeOf('SHARDMAP_TEST_LISTENER_ROUNDS', 10);
const MIB = 2 ** 20;

it(`listening to 1,000 maps, ${ROUNDS} times, leaves no growth behind, nor do entries that expire`, async () => {
  const nodeOptions = ['--expose-gc', '--max-semi-space-size=1'];
  const outcome = await runProgramIn(import.meta.url, 'listeners', [String(ROUNDS), '1000'], nodeOptions);
  expect(outcome).toMatchObject({ code: 0, signal: null });
  const { told, report } = JSON.parse(outcome.output) as { told: number; report: Record<string, number> };
  expect(told).toBeGreaterThan(0);
  expect(Object.keys(report)).toHaveLength(4);
  for (const grown of Object.values(report)) expect(grown).toBeLessThan(8 * MIB);
}, 120_000);
