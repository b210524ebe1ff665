// The copy of the sources in which bugs are planted.
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { files } from '../files.mjs';
import { ROOT } from '../sources.mjs';

export const FOLDER = path.join(ROOT, '.build/planted');
export const TREE = path.join(FOLDER, 'tree');

const SINGLE = ['CMakeLists.txt', 'test/planted/CMakeLists.txt', 'docs/log-format.md'];
const SETTINGS = ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'vitest.config.ts'];
const CPP = ['native', 'test/native'];
const PACKAGE = ['lib', 'test/lib', 'test/linearizability', 'test/threads'];

/** Brings the copy up to date, and touches no file that is: what depends on it need not be built again. */
export function copySources() {
  const names = [...SINGLE, ...SETTINGS];
  for (const folder of CPP) names.push(...files(folder, ['.cc', '.h', 'sources.txt']));
  names.push(...files('test/golden', ['']));
  for (const folder of PACKAGE) names.push(...files(folder, ['.ts', '.mjs']));
  for (const name of files('', [''], TREE)) {
    if (!names.includes(name)) rmSync(path.join(TREE, name));
  }
  for (const name of names) {
    const bytes = readFileSync(path.join(ROOT, name));
    const copy = path.join(TREE, name);
    if (existsSync(copy) && readFileSync(copy).equals(bytes)) continue;
    mkdirSync(path.dirname(copy), { recursive: true });
    writeFileSync(copy, bytes);
  }
  const modules = path.join(TREE, 'node_modules');
  if (!existsSync(modules)) symlinkSync(path.join(ROOT, 'node_modules'), modules, 'junction');
}
