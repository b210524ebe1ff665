// `npm run check [name...]`: every rule that a machine can hold us to. Says what it checked and what it skipped.
import api from './checks/api.mjs';
import docs from './checks/docs.mjs';
import format from './checks/format.mjs';
import layers from './checks/layers.mjs';
import lint from './checks/lint.mjs';
import locks from './checks/locks.mjs';
import measured from './checks/measured.mjs';
import packed from './checks/package.mjs';
import planted from './checks/planted.mjs';
import types from './checks/types.mjs';
import { CI } from './tool.mjs';

/**
 * What a check found: what it looked at, what it could not look at and why, and what breaks the rule.
 *
 * @typedef {{ checked: string[], skipped: string[], violations: string[] }} Outcome
 */

/** @type {Record<string, () => Outcome>} */
const CHECKS = { format, lint, types, layers, locks, docs, api, package: packed, measured, planted };

const names = process.argv.slice(2);
const unknown = names.filter((name) => !(name in CHECKS));
if (unknown.length > 0) {
  console.error(`no such check: ${unknown.join(', ')}; there are: ${Object.keys(CHECKS).join(', ')}`);
  process.exit(2);
}

for (const [name, check] of Object.entries(CHECKS)) {
  if (names.length > 0 && !names.includes(name)) continue;
  const { checked, skipped, violations } = check();
  const ok = violations.length === 0 && !(CI && skipped.length > 0);
  if (checked.length > 0 || !ok) console.log(`${ok ? 'ok' : 'FAILED'} ${name}: ${checked.join(', ')}`);
  for (const what of skipped) console.log(`SKIPPED ${name}: ${what}${CI ? ' (CI skips nothing)' : ''}`);
  for (const violation of violations) console.log(`  ${violation}`);
  if (!ok) process.exitCode = 1;
}
