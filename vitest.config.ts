// How the TypeScript tests run. Any pool may be chosen: `npx vitest run --pool=threads`.
import { defineConfig } from 'vitest/config';

// Tests that need gigabytes or minutes are named *.big.test.ts and run only when asked for: SHARDMAP_BIG=1.
const big = process.env['SHARDMAP_BIG'] === '1';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: big ? [] : ['test/**/*.big.test.ts'],
    pool: 'forks',
    // One file at a time: threads are started, times compared and packages compiled in some of them.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
