/** Danger: a long string takes its bytes several times over while it is stored. */

import { expect, it } from 'vitest';
import { runProgramIn } from '../threads/threads.js';

const CHARS = 32 * 2 ** 20;

it('stores a long string of two bytes a character by copying it once', async () => {
  const outcome = await runProgramIn(import.meta.url, 'long-string', [String(CHARS)], []);
  expect(outcome).toMatchObject({ code: 0, signal: null });
  const { grown, isSame } = JSON.parse(outcome.output) as { grown: number; isSame: boolean };
  expect(isSame).toBe(true);
  expect(grown).toBeGreaterThan(CHARS); // else nothing was measured
  expect(grown).toBeLessThan(3 * CHARS);
});
