/** Danger: V8 hears of memory that is not there, and collects all garbage again and again. */

import { expect, it } from 'vitest';
import { runProgramIn } from '../threads/threads.js';

it('overwriting values makes V8 collect no garbage, as nothing grows', async () => {
  const outcome = await runProgramIn(import.meta.url, 'overwrite', ['200000', '5'], []);
  expect(outcome).toMatchObject({ code: 0, signal: null });
  const { ofFilling, ofOverwriting } = JSON.parse(outcome.output) as { ofFilling: number; ofOverwriting: number };
  expect(ofFilling).toBeGreaterThan(0); // V8 did hear of what was stored
  expect(ofOverwriting).toBeLessThan(2);
});
