/** Danger: the example of vectors no longer runs, or no longer finds out when a row is torn or an answer wrong. */

import { expect, it } from 'vitest';
import { run } from '../threads/threads.js';

it('online-features.mjs serves right answers while vectors change, with one map and with copies', async () => {
  const { code, output } = await run(['examples/online-features.mjs']);
  expect(output).toMatch(/^one ShardMap: 800000 rows gathered and scored, none torn, all answers right/m);
  expect(output).toMatch(/^a Map in each thread: 800000 rows .* all answers right/m);
  expect(code).toBe(0);
});
