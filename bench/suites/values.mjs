// Values that are objects or bytes: what a set and a get of one cost, against lmdb, which encodes them as well, and
// against a `Map` of copies that `structuredClone` makes; and what the ways to encode them cost by themselves.
import assert from 'node:assert/strict';
import { deserialize, serialize } from 'node:v8';
import { Packr } from 'msgpackr';
import { ShardMap } from 'shardmap';
import { createRow, measurePair, measureSides, pairUp, ratioAtLeast } from '../pairs.mjs';
import { installPeers } from '../peers/install.mjs';
import { createFolder, load } from '../peers/packages.mjs';
import { indices, keptKeys, keyBytes, STRETCH, shuffledIndices } from '../workload.mjs';

const ENTRIES = 10_000;

/** @typedef {{ set(key: string, value: any): unknown, get(key: string): any, close?(): unknown }} AnyMap */
/** @typedef {{ name: string, make: (index: number) => any, target?: import('../pairs.mjs').Target }} Kind */

/** @type {Kind[]} */
const KINDS = [
  { name: 'an object of 8 properties', make: session, target: ratioAtLeast(2, 3) },
  {
    name: 'an object with 10 objects in it',
    make: (index) => ({ id: index, items: Array.from({ length: 10 }, (_, item) => session(index + item)) }),
  },
  { name: 'an object with a Map in it', make: (index) => ({ id: index, tags: new Map([['a', index]]) }) },
  { name: '128 floats', make: (index) => Float32Array.from({ length: 128 }, (_, place) => index + place) },
  { name: '64 bytes', make: (index) => new Uint8Array(64).fill(index) },
];

/** @param {number} index */
function session(index) {
  return {
    user: `user ${index}`,
    token: `token ${index * 7919}`,
    count: index,
    score: index / 7,
    isActive: index % 2 === 0,
    parent: null,
    createdAt: 1_700_000_000_000 + index,
    city: 'Reykjavík',
  };
}

/** @param {import('../run.mjs').Options} options */
export async function* measure(options) {
  yield* measureStores(options);
  yield* measureCodecs(options);
}

/** @param {import('../run.mjs').Options} options */
async function* measureStores(options) {
  const keys = keptKeys(keyBytes(ENTRIES));
  const failure = installPeers();
  if (failure) yield { skipped: failure };
  const folder = createFolder();
  /** @type {AnyMap | undefined} */
  let lmdb;
  if (!failure) lmdb = await openLmdb(folder.folder);
  for (const { name, make, target } of KINDS) {
    const values = Array.from(indices(ENTRIES), make);
    const shardMap = new ShardMap();
    const sides = [shardMap, cloningMap(), ...(lmdb ? [lmdb] : [])];
    for (const map of sides) keys.forEach((key, index) => void map.set(key, values[index]));
    for (const map of sides) assert.deepEqual(map.get(/** @type {string} */ (keys[7])), values[7]);
    const order = shuffledIndices(ENTRIES);
    const rounds = await measureSides(
      sides.map((map) => () => setAndGet(map, keys, values, order)),
      STRETCH,
      options,
    );
    const rates = rounds.map((round) => round.map((ns) => 1000 / ns));
    const title = `set and get, ${name}`;
    yield createRow({ name: title, unit: 'M/s', labels: ['ShardMap', 'Map of clones'] }, pairUp(rates, 0, 1));
    if (lmdb) yield createRow({ name: title, unit: 'M/s', labels: ['ShardMap', 'lmdb'], target }, pairUp(rates, 0, 2));
    shardMap.close();
  }
  await lmdb?.close?.();
  folder.remove();
}

/**
 * One of each, as the pair is what a session costs.
 *
 * @param {AnyMap} map
 * @param {string[]} keys
 * @param {any[]} values
 * @param {Uint32Array} order
 */
function setAndGet(map, keys, values, order) {
  let found = 0;
  for (let i = 0; i < STRETCH; i++) {
    const index = /** @type {number} */ (order[i % ENTRIES]);
    map.set(/** @type {string} */ (keys[index]), values[index]);
    if (map.get(/** @type {string} */ (keys[(index + 1) % ENTRIES])) !== undefined) found++;
  }
  return found;
}

/** @returns {AnyMap} */
function cloningMap() {
  const map = new Map();
  return {
    set: (key, value) => map.set(key, structuredClone(value)),
    get: (key) => structuredClone(map.get(key)),
  };
}

/**
 * With shared structures, which it leaves off by itself.
 *
 * @param {string} path
 * @returns {Promise<AnyMap>}
 */
async function openLmdb(path) {
  const { open } = await load('lmdb');
  const db = open({ path, noSync: true, sharedStructuresKey: Symbol.for('structures'), encoder: { moreTypes: true } });
  return { set: (key, value) => db.putSync(key, value), get: (key) => db.get(key), close: () => db.close() };
}

/** @param {import('../run.mjs').Options} options */
async function* measureCodecs(options) {
  const packer = new Packr({ structures: [] });
  const map = new ShardMap();
  /** @type {Record<string, (value: any) => any>} */
  const ways = {
    'JSON, both ways': (value) => JSON.parse(JSON.stringify(value)),
    'V8 serialisation, both ways': (value) => deserialize(serialize(value)),
    structuredClone,
    'msgpackr alone, both ways': (value) => packer.unpack(packer.pack(value)),
  };
  for (const { name, make } of KINDS.slice(0, 2)) {
    const values = Array.from(indices(64), make);
    const subject = () => {
      for (let i = 0; i < STRETCH; i++) {
        map.set('key', values[i % 64]);
        map.get('key');
      }
    };
    for (const [label, way] of Object.entries(ways)) {
      const reference = () => {
        for (let i = 0; i < STRETCH; i++) way(values[i % 64]);
      };
      const description = {
        name: `set and get of one key, ${name}`,
        labels: /** @type {[string, string]} */ (['ShardMap', label]),
      };
      yield await measurePair({ ...description, operations: STRETCH, subject, reference }, options);
    }
  }
  map.close();
}
