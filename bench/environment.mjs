// What a result depends on: the machine, Node, the commit and how the addon was built.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';

const ROOT = path.dirname(import.meta.dirname);
/** What a result comes from: uncommitted changes elsewhere do not make it one of another program. */
const MEASURED = [
  'native',
  'lib',
  'bench',
  'package.json',
  'CMakeLists.txt',
  'binding.gyp',
  ':!bench/results',
  ':!*.md',
];

/**
 * @typedef {ReturnType<typeof describeMachine>} Machine
 * @typedef {ReturnType<typeof describeBuild>} Build
 */

export function describeMachine() {
  return {
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.availableParallelism(),
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    os: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.version,
    v8: process.versions.v8,
    loadBefore: os.loadavg()[0] ?? 0,
  };
}

/** Throws if the addon that would be measured is none to be measured. */
export function describeBuild() {
  /** @type {string} */
  const binary = createRequire(import.meta.url)('node-gyp-build').resolve(ROOT);
  const { type, sanitizer } = buildOf(binary);
  if (!['Release', 'RelWithDebInfo', 'prebuilt'].includes(type)) {
    throw new Error(
      `${binary} is a build of type '${type}': build a release (npm run build:native), figures of others mislead`,
    );
  }
  if (sanitizer !== '')
    throw new Error(`${binary} is built with the ${sanitizer} sanitizer: figures of such a build mislead`);
  const changes = git('status', '--porcelain', '--', ...MEASURED);
  return { commit: git('rev-parse', '--short=10', 'HEAD') || 'unknown', isModified: changes !== '', type };
}

/** @param {string} binary */
function buildOf(binary) {
  const folder = path.dirname(path.dirname(binary));
  const cmakeCache = path.join(folder, 'CMakeCache.txt');
  const gypConfig = path.join(folder, 'config.gypi');
  if (existsSync(cmakeCache)) {
    const cache = readFileSync(cmakeCache, 'utf8');
    const entry = (/** @type {string} */ name) => new RegExp(`^${name}:\\w+=(.*)$`, 'm').exec(cache)?.[1] ?? '';
    return { type: entry('CMAKE_BUILD_TYPE'), sanitizer: entry('SHARDMAP_SANITIZER') };
  }
  if (existsSync(gypConfig)) {
    const type = /"default_configuration": "(\w+)"/.exec(readFileSync(gypConfig, 'utf8'))?.[1] ?? '';
    return { type, sanitizer: '' };
  }
  return { type: binary.includes('prebuilds') ? 'prebuilt' : '', sanitizer: '' };
}

/** @param {string[]} args */
function git(...args) {
  try {
    return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return '';
  }
}
