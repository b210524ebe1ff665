// README's measured block, bench/results/README.md and the charts say what the newest complete result file says.
import { capture } from '../tool.mjs';

/** @returns {import('../check.mjs').Outcome} */
export default function measured() {
  const { ok, output } = capture('node', ['bench/pages.mjs', '--check']);
  return ok ? { checked: [output], skipped: [], violations: [] } : { checked: [], skipped: [], violations: [output] };
}
