// What an installed package's package.json says is true of its files (publint), and its types are right for all ways of
// importing it (attw). Of a tarball without the addon, which is packed here from a dist/ that is made for it.
import { copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../sources.mjs';
import { capture } from '../tool.mjs';

// The one rule that does not hold: CommonJS is given ES modules. Each Node that package.json's `engines` allows can
// `require` them, and so can TypeScript from 5.8 on with `module: nodenext`, which test/package runs and compiles. A
// second copy of the library in CommonJS would be a second set of classes in a process that uses both: one's maps were
// no `instanceof` the other's, and each would keep a near cache of its own.
const IGNORED = 'cjs-resolves-to-esm';

/**
 * @param {string} [root]
 * @returns {import('../check.mjs').Outcome}
 */
export default function packed(root = ROOT) {
  const folder = path.join(root, '.build/package');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const name of ['package.json', 'README.md', 'LICENSE']) {
    copyFileSync(path.join(root, name), path.join(folder, name));
  }
  const project = path.join(root, 'tsconfig.build.json');
  const tarball = () => path.join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? 'no tarball');
  const steps = [
    // Whether it type-checks is another check's.
    () => capture('tsc', ['-p', project, '--noCheck', '--outDir', path.join(folder, 'dist')]),
    () => capture('npm', ['pack', folder, '--ignore-scripts', '--pack-destination', folder]),
    () => capture('publint', ['--strict', tarball()]),
    () => capture('attw', ['--ignore-rules', IGNORED, '--format', 'ascii', '--no-emoji', tarball()]),
  ];
  // Each needs what the one before has made.
  for (const step of steps) {
    const { ok, output } = step();
    if (!ok) return { checked: [], skipped: [], violations: [output] };
  }
  return { checked: ['a tarball with publint and attw'], skipped: [], violations: [] };
}
