// The library, its tests, the scripts and the benches type-check.
import { capture } from '../tool.mjs';

/** @returns {import('../check.mjs').Outcome} */
export default function types() {
  const { ok, output } = capture('tsc', ['--noEmit', '-p', 'tsconfig.json']);
  return { checked: ['lib, test, scripts and bench with tsc'], skipped: [], violations: ok ? [] : [output] };
}
