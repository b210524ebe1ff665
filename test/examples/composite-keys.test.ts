/** Danger: an example that no longer runs, or that never checked what it says. */

import { expect, it } from 'vitest';
import { run } from '../threads/threads.js';

it('composite-keys.mjs keeps the sessions of two threads', async () => {
  const { code, output } = await run(['examples/composite-keys.mjs']);
  expect(output).toMatch(/^30000 sessions opened, .*; 18000 left/);
  expect(code).toBe(0);
});
