// Each planted bug's text occurs once in its file: one whose source has changed would be noticed by nobody until all
// are planted.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { BUGS } from '../../test/planted/bugs.mjs';
import { ROOT } from '../sources.mjs';

/**
 * @param {string} [root]
 * @param {readonly Pick<import('../../test/planted/bugs.mjs').Bug, 'name' | 'file' | 'find'>[]} [bugs]
 * @returns {import('../check.mjs').Outcome}
 */
export default function planted(root = ROOT, bugs = BUGS) {
  const violations = bugs.flatMap(({ name, file, find }) => {
    const count = readFileSync(path.join(root, file), 'utf8').split(find).length - 1;
    return count === 1 ? [] : [`${name}: its text occurs ${count} times in ${file}`];
  });
  return { checked: [`${bugs.length} planted bugs`], skipped: [], violations };
}
