// How the TypeScript tests run. Any pool may be chosen: `npx vitest run --pool=threads`.
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// Tests that need gigabytes or minutes are named *.big.test.ts and run only when asked for: SHARDMAP_BIG=1.
const big = process.env['SHARDMAP_BIG'] === '1';

// Threads are started, times compared and memory measured in these: one file at a time.
const ALONE = ['test/{threads,memory}/**/*.test.ts'];

// A file that takes half as long as all others side by side: begun last, it would go on by itself.
const LONGEST = 'test/package/package.test.ts';

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLongest = (file: TestSpecification) => file.moduleId.endsWith(LONGEST);
    return [...sorted.filter(isLongest), ...sorted.filter((file) => !isLongest(file))];
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'side by side',
          include: ['test/**/*.test.ts'],
          exclude: [...ALONE, ...(big ? [] : ['test/**/*.big.test.ts'])],
          maxWorkers: availableParallelism(),
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: ALONE,
          exclude: big ? [] : ['test/**/*.big.test.ts'],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
