// The comments of what the package exports make an API reference without a warning: each is there, each link leads on.
import path from 'node:path';
import { ROOT } from '../sources.mjs';
import { capture } from '../tool.mjs';

/**
 * @param {string} [root]
 * @returns {import('../check.mjs').Outcome}
 */
export default function api(root = ROOT) {
  const project = path.join(root, 'tsconfig.build.json');
  // Whether it type-checks is another check's.
  const { ok, output } = capture('typedoc', ['--tsconfig', project, '--emit', 'none', '--skipErrorChecking']);
  return { checked: ['what lib exports with typedoc'], skipped: [], violations: ok ? [] : [output] };
}
