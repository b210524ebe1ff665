/** Seeds and sizes of random tests: printed in the test's name, taken back from the environment. */

/** `SHARDMAP_TEST_SEED` repeats a run. */
export const seed = Number(process.env.SHARDMAP_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** `SHARDMAP_TEST_RUNS` sets how many cases each random test tries. */
export function runCount(usual: number): number {
  return Number(process.env.SHARDMAP_TEST_RUNS ?? usual);
}
