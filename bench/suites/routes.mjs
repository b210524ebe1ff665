// How the characters of a key best come to native code: the way that the addon takes beside the others, by length. Each
// gets a key across and hashes it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRow, measureSides, pairUp } from '../pairs.mjs';
import { createRandom } from '../workload.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = path.join(ROOT, '.build/routes');
const LENGTHS = [8, 21, 64, 300];
const KEYS = 1000;

/**
 * @typedef {(key: string) => number} Native
 * @typedef {{ utf16: Native, latin1: Native, utf8: Native, stdString: Native, shared: (bytes: number) => number, buffer: ArrayBuffer }} Addon
 * @typedef {{ label: string, oneByteOnly?: boolean, loop: (keys: string[]) => number }} Route oneByteOnly: cuts others in half
 */

/**
 * @param {import('../run.mjs').Options} options
 * @returns {AsyncGenerator<import('../suites.mjs').Finding>}
 */
export async function* measure(options) {
  yield { progress: 'building an addon with all routes' };
  const addon = build();
  if (typeof addon === 'string') return yield { skipped: addon };
  const short = { ...options, secondsPerSide: options.secondsPerSide / 8 };
  for (const kind of ['one-byte', 'two-byte']) {
    for (const chars of options.scale === 'smoke' ? LENGTHS.slice(0, 1) : LENGTHS) {
      const keys = strings(chars, kind === 'one-byte' ? 's' : 'ш');
      const routes = routesOf(addon).filter((route) => kind === 'one-byte' || !route.oneByteOnly);
      const [own, ...others] = routes;
      assert(own);
      for (const { label, loop } of routes) assert(loop(keys) > 0, label);
      const sides = routes.map((route) => () => void route.loop(keys));
      const rounds = await measureSides(sides, KEYS, short);
      for (const [index, { label }] of others.entries()) {
        const name = `${chars} ${kind} characters, ${label}`;
        yield createRow({ name, labels: [own.label, label] }, pairUp(rounds, 0, index + 1));
      }
    }
  }
}

/**
 * A loop for each, as V8 would compile one loop for several functions.
 *
 * @param {Addon} addon
 * @returns {Route[]}
 */
function routesOf({ utf16, latin1, utf8, stdString, shared, buffer }) {
  const bytes = Buffer.from(buffer);
  const units = new Uint16Array(buffer);
  const encoder = new TextEncoder();
  /** @type {(call: string) => (keys: string[]) => number} */
  const loopOf = (call) => {
    const names = { utf16, latin1, utf8, stdString, shared, bytes, units, encoder };
    const body = `return (keys) => { let sum = 0; for (const key of keys) sum += ${call}; return sum; }`;
    return new Function(...Object.keys(names), body)(...Object.values(names));
  };
  const copy = `{ for (let i = 0; i < key.length; i++) units[i] = key.charCodeAt(i); return shared(2 * key.length); }`;
  return [
    { label: 'utf16, narrowed', loop: loopOf('utf16(key)') },
    { label: 'utf8', loop: loopOf('utf8(key)') },
    { label: 'std::string', loop: loopOf('stdString(key)') },
    { label: 'loop to shared memory', loop: loopOf(`((key) => ${copy})(key)`) },
    { label: 'encodeInto', loop: loopOf('shared(encoder.encodeInto(key, bytes).written)') },
    { label: 'utf16 write', loop: loopOf('shared(bytes.ucs2Write(key, 0))') },
    { label: 'latin1', oneByteOnly: true, loop: loopOf('latin1(key)') },
    { label: 'latin1 write', oneByteOnly: true, loop: loopOf('shared(bytes.latin1Write(key, 0))') },
  ];
}

/**
 * @param {number} chars
 * @param {string} first
 */
function strings(chars, first) {
  const random = createRandom(chars);
  return Array.from({ length: KEYS }, () => {
    const text =
      first +
      random()
        .toString(36)
        .padStart(chars - 1, '0')
        .slice(1 - chars);
    return Buffer.from(text, 'utf16le').toString('utf16le'); // in one piece
  });
}

/** @returns {Addon | string} why there is none */
function build() {
  const args = ['cmake-js', 'compile', '--CDSHARDMAP_ROUTES=ON', '--out', FOLDER, '--target', 'shardmap_routes'];
  const { status, stdout, stderr } = spawnSync('npx', args, { cwd: ROOT, encoding: 'utf8' });
  if (status !== 0) return `the addon with all routes was not built: ${stdout}${stderr}`;
  return createRequire(import.meta.url)(path.join(FOLDER, 'Release/shardmap_routes.node'));
}
