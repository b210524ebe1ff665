// The package beside itself as it would be if it counted nothing: the same TypeScript over an addon in which counting is
// compiled out. Both are in one process. Stores are named `counted/has` and `uncounted/has`, by what their workers do.
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDER = path.join(ROOT, '.build/uncounted');

/** @typedef {import('shardmap').ShardMap<string, number>} AnyShardMap */
/** @typedef {{ isFilled: boolean, attach: (map: AnyShardMap) => import('./loops.mjs').AnyMap }} Use */

/** @type {Record<string, Use>} */
const USES = {
  'get, found': { isFilled: true, attach: (map) => map },
  'get, absent': { isFilled: false, attach: (map) => map },
  has: {
    isFilled: true,
    attach: (map) => ({ get: (key) => (map.has(key) ? 1 : 0), set: () => {}, close: () => map.close() }),
  },
  set: { isFilled: true, attach: (map) => map },
};

/** @returns {string | undefined} why there is none */
export function buildUncounted() {
  const args = ['cmake-js', 'compile', '--CDSHARDMAP_COUNTING=OFF', '--out', path.join(FOLDER, 'build')];
  const { status, stdout, stderr } = spawnSync('npx', args, { cwd: ROOT, encoding: 'utf8' });
  if (status !== 0) return `the addon that counts nothing was not built: ${stdout}${stderr}`;
  rmSync(path.join(FOLDER, 'dist'), { recursive: true, force: true });
  for (const name of ['dist', 'package.json'])
    cpSync(path.join(ROOT, name), path.join(FOLDER, name), { recursive: true });
  return undefined;
}

/** @param {string} kind */
export async function loadClass(kind) {
  const folder = kind === 'counted' ? ROOT : FOLDER;
  const { ShardMap } = await import(pathToFileURL(path.join(folder, 'dist/index.js')).href);
  return /** @type {typeof import('shardmap').ShardMap} */ (ShardMap);
}

/**
 * @param {string} name
 * @returns {Promise<import('./stores.mjs').Store>}
 */
export async function loadCounted(name) {
  const [kind = '', use = ''] = name.split('/');
  const { isFilled, attach } = /** @type {Use} */ (USES[use]);
  const ShardMap = await loadClass(kind);
  return {
    label: kind,
    open(fill, options) {
      /** @type {AnyShardMap} */
      const map = new ShardMap(undefined, options);
      if (isFilled) fill((key, value) => map.set(key, value));
      return { ticket: () => ({ handle: map.handle }), close: () => map.close() };
    },
    attach: (handle) => attach(/** @type {AnyShardMap} */ (ShardMap.from(handle))),
  };
}
