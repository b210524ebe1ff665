/** Seeds and sizes of random tests: printed in the test's name, taken back from the environment. */

/** `SHARDMAP_TEST_SEED` repeats a run. */
export const seed = Number(process.env.SHARDMAP_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** `SHARDMAP_TEST_SHARE` makes all sizes that are not set themselves larger or smaller: 0.25 is a quarter of the usual. */
const share = Number(process.env.SHARDMAP_TEST_SHARE ?? 1);

/** How large a test is: what the environment says, or its share of what is usual. */
export function sizeOf(variable: `SHARDMAP_TEST_${string}`, usual: number): number {
  return Number(process.env[variable] ?? Math.ceil(usual * share));
}

/** `SHARDMAP_TEST_RUNS` sets how many cases each random test tries. */
export function runCount(usual: number): number {
  return sizeOf('SHARDMAP_TEST_RUNS', usual);
}
