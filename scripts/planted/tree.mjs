// The copy of the sources in which bugs are planted.
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BUGS } from '../../test/planted/bugs.mjs';
import { files } from '../files.mjs';
import { ROOT } from '../sources.mjs';
import { placeOf, withSwitches } from './switches.mjs';

/** @typedef {import('../../test/planted/bugs.mjs').Bug} Bug */

export const FOLDER = path.join(ROOT, '.build/planted');
export const TREE = path.join(FOLDER, 'tree');

const SINGLE = ['CMakeLists.txt', 'test/planted/CMakeLists.txt', 'docs/guides/diagnostics.md', 'docs/log-format.md'];
const SETTINGS = ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'vitest.config.ts'];
const CPP = ['native', 'test/native'];
const PACKAGE = ['lib', 'test/durability', 'test/lib', 'test/linearizability', 'test/threads'];
/** Where the switch of a bug is found. */
const SWITCH = { 'native/planted.h': 'test/planted/planted.h', 'lib/planted.ts': 'test/planted/planted.ts' };

/** @param {Bug} bug */
export const numberOf = (bug) => BUGS.indexOf(bug) + 1;

/**
 * Brings the copy up to date, with every bug behind its switch, and touches no file that is: what depends on it need not
 * be built again.
 *
 * @param {Bug} [alone] a bug that has no switch, planted for good
 */
export function copySources(alone) {
  const names = [...SINGLE, ...SETTINGS];
  for (const folder of CPP) names.push(...files(folder, ['.cc', '.h', 'sources.txt']));
  names.push(...files('test/golden', ['']));
  for (const folder of PACKAGE) names.push(...files(folder, ['.ts', '.mjs']));
  for (const name of files('', [''], TREE)) {
    if (!names.includes(name) && !(name in SWITCH)) rmSync(path.join(TREE, name));
  }
  for (const name of names) write(name, name, alone);
  for (const [name, source] of Object.entries(SWITCH)) write(name, source);
  const modules = path.join(TREE, 'node_modules');
  if (!existsSync(modules)) symlinkSync(path.join(ROOT, 'node_modules'), modules, 'junction');
}

/**
 * @param {string} name in the copy
 * @param {string} source
 * @param {Bug} [alone]
 */
function write(name, source, alone) {
  const original = readFileSync(path.join(ROOT, source));
  const bugs = BUGS.filter((bug) => bug.file === name && (bug.alone !== true || bug === alone));
  const bytes = bugs.length === 0 ? original : Buffer.from(planted(name, original.toString(), bugs));
  const copy = path.join(TREE, name);
  if (existsSync(copy) && readFileSync(copy).equals(bytes)) return;
  mkdirSync(path.dirname(copy), { recursive: true });
  writeFileSync(copy, bytes);
}

/**
 * @param {string} name
 * @param {string} text
 * @param {Bug[]} bugs
 */
function planted(name, text, bugs) {
  const include = name.endsWith('.ts') ? "import { planted } from './planted.js';" : '#include "planted.h"';
  const alone = bugs.find((bug) => bug.alone === true);
  const switched = new Map(bugs.filter((bug) => bug !== alone).map((bug) => [numberOf(bug), bug]));
  return `${include}\n${withSwitches(alone === undefined ? text : replaced(text, alone), switched)}`;
}

/**
 * @param {string} text
 * @param {Bug} bug
 */
function replaced(text, bug) {
  const place = placeOf(text, bug);
  if (typeof place === 'string') throw new Error(`${bug.name}: ${place}`);
  return text.slice(0, place.start) + bug.replace + text.slice(place.end);
}
