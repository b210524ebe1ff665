// What an operation costs as a map grows from 1,000 to 10 million entries, and in one of more than 1 GB. A process for
// each size.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const SIZES = [1_000, 10_000, 100_000, 1_000_000, 10_000_000];
/** Entries of 1.1 GB; V8's Map can hold 2^24. */
const BEYOND_A_GIGABYTE = 15_000_000;
const PROGRAM = fileURLToPath(new URL('../growth-process.mjs', import.meta.url));
const HEAP = '--max-old-space-size=16384';

/**
 * @param {import('../run.mjs').Options} options
 * @returns {Generator<import('../suites.mjs').Finding>}
 */
export function* measure(options) {
  const sizes = options.scale === 'full' ? [...SIZES, BEYOND_A_GIGABYTE] : SIZES.filter((size) => size <= 1_000_000);
  for (const entries of sizes) {
    yield { progress: `${entries.toLocaleString('en-US')} entries` };
    const args = ['--expose-gc', HEAP, PROGRAM, String(entries), JSON.stringify(options)];
    yield* /** @type {import('../pairs.mjs').Row[]} */ (
      JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 2 ** 26 }))
    );
  }
}
