/** Danger: the example of sessions no longer runs, or no longer finds out when one is told of twice or never. */

import { expect, it } from 'vitest';
import { run } from '../threads/threads.js';

it('sessions.mjs keeps sessions while they are used, and hears once of each that expires', async () => {
  const { code, output } = await run(['examples/sessions.mjs']);
  expect(output).toMatch(/^[1-9]\d* requests served, \d+ refused; \d+ sessions left, [1-9]\d{3} have expired$/m);
  expect(output).toMatch(/^then nobody asked: all 4000 have expired, each once$/m);
  expect(code).toBe(0);
});
