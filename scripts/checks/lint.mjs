// Biome's rules for TypeScript and JavaScript, the order of imports among them.
import { capture } from '../tool.mjs';

/** @returns {import('../check.mjs').Outcome} */
export default function lint() {
  const { ok, output } = capture('biome', ['check', '--formatter-enabled=false', '--error-on-warnings']);
  return { checked: [output.split('\n')[0] ?? ''], skipped: [], violations: ok ? [] : [output] };
}
