// The library, its tests and the scripts type-check.
import { capture } from '../tool.mjs';

/** @returns {import('../check.mjs').Outcome} */
export default function types() {
  const { ok, output } = capture('tsc', ['--noEmit', '-p', 'tsconfig.json']);
  return { checked: ['lib, test and scripts with tsc'], skipped: [], violations: ok ? [] : [output] };
}
