/** Danger: the package loads in plain Node only, and not in the threads and contexts that test runners make. */

import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { run } from './threads.js';

const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
const fixture = fileURLToPath(new URL('./pool-fixture', import.meta.url));

describe("vitest's pool", () => {
  it.each(['forks', 'threads', 'vmForks', 'vmThreads'])('%s loads the package and uses it', async (pool) => {
    for (const isolation of pool.startsWith('vm') ? [[]] : [[], ['--no-isolate', '--maxWorkers=1']]) {
      const outcome = await run(
        [vitest, 'run', '--root', fixture, `--pool=${pool}`, '--no-color', ...isolation],
        fixture,
      );
      expect(outcome.output).toMatch(/Tests\s+2 passed/);
      expect(outcome).toMatchObject({ code: 0, signal: null });
    }
  });
});
