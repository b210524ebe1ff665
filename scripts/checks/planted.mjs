// Each planted bug's text occurs once where it must, and all of one file can be planted together: a bug whose source has
// changed would be noticed by nobody until all are planted.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { BUGS } from '../../test/planted/bugs.mjs';
import { placeOf, withSwitches } from '../planted/switches.mjs';
import { ROOT } from '../sources.mjs';

/** @typedef {import('../planted/switches.mjs').Planted} Planted */

/**
 * @param {string} [root]
 * @param {readonly Planted[]} [bugs]
 * @returns {import('../check.mjs').Outcome}
 */
export default function planted(root = ROOT, bugs = BUGS) {
  const textOf = (/** @type {string} */ file) => readFileSync(path.join(root, file), 'utf8');
  const violations = bugs.flatMap((bug) => {
    const place = placeOf(textOf(bug.file), bug);
    return typeof place === 'string' ? [`${bug.name}: ${place}`] : [];
  });
  if (violations.length === 0) violations.push(...crossings(bugs, textOf));
  return { checked: [`${bugs.length} planted bugs`], skipped: [], violations };
}

/**
 * @param {readonly Planted[]} bugs
 * @param {(file: string) => string} textOf
 */
function crossings(bugs, textOf) {
  return [...new Set(bugs.map(({ file }) => file))].flatMap((file) => {
    const together = bugs.filter((bug) => bug.file === file && bug.alone !== true);
    try {
      withSwitches(textOf(file), new Map(together.map((bug, number) => [number, bug])));
      return [];
    } catch (error) {
      return [/** @type {Error} */ (error).message];
    }
  });
}
