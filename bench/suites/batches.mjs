// Many keys in one call against as many calls of one key, in one thread; building the arrays that a batch takes is in
// its time.
import assert from 'node:assert/strict';
import { ShardMap } from 'shardmap';
import { loadLoops } from '../loops.mjs';
import { measurePair, measurePairOnce, ratioAtMost } from '../pairs.mjs';
import { ENTRIES, indices, inStretches, keptKeys, keyBytes, STRETCH, shuffledIndices } from '../workload.mjs';

const BATCH = 100;
const OTHER_BATCHES = [1, 10, 1000];
const OBJECTS = 10_000;

/** @typedef {typeof import('../loops.mjs')} Loops */
/** @typedef {ShardMap<string, any>} Subject */
/** @typedef {(map: Subject, from: number, to: number) => unknown} Work does the operations from one number to another */
/** @typedef {{ name: string, many: Work, single: Work, target?: import('../pairs.mjs').Target }} Comparison */

const TARGET = ratioAtMost(0.6, 0.4);

/**
 * Maps are filled in the order of the keys and used in another: what is used in the order of its insertion is in a row in
 * memory, in a shard as in a `Map`.
 *
 * @param {import('../run.mjs').Options} options
 */
export async function* measure(options) {
  const keys = keptKeys(keyBytes(ENTRIES));
  const order = shuffledIndices(ENTRIES);
  yield* measureReads(keys, order, options);
  yield* measureWrites(keys, order, options);
  yield* measureObjects(keys.slice(0, OBJECTS), options);
}

/**
 * @param {string[]} keys
 * @param {Uint32Array} order
 * @param {import('../run.mjs').Options} options
 */
async function* measureReads(keys, order, options) {
  const [many, single, reference] = await loadAll();
  /** @type {Subject} */
  const shardMap = new ShardMap();
  /** @type {Map<string, number>} */
  const map = new Map();
  fill(shardMap, keys, indices(ENTRIES));
  fill(map, keys, indices(ENTRIES));
  const getMany = (/** @type {number} */ size) =>
    inStretches(ENTRIES, (from, to) => many.getMany(shardMap, keys, order, from, to, size));
  const get = inStretches(ENTRIES, (from, to) => single.getKept(shardMap, keys, order, from, to));
  assert.equal(
    many.getMany(shardMap, keys, order, 0, STRETCH, BATCH),
    single.getKept(shardMap, keys, order, 0, STRETCH),
  );

  yield await measurePair(
    {
      name: `getMany, batches of ${BATCH}`,
      labels: ['getMany', 'get'],
      target: TARGET,
      operations: STRETCH,
      subject: getMany(BATCH),
      reference: get,
    },
    options,
  );
  yield await measurePair(
    {
      name: `getMany, batches of ${BATCH}, against a loop over a Map`,
      labels: ['getMany', "Map's get"],
      target: ratioAtMost(1.2, 0.6), // what a get may cost, times what a batch may cost of it
      operations: STRETCH,
      subject: getMany(BATCH),
      reference: inStretches(ENTRIES, (from, to) => reference.getKept(map, keys, order, from, to)),
    },
    options,
  );
  for (const size of OTHER_BATCHES) {
    const pair = { name: `getMany, batches of ${size}`, labels: labels('getMany', 'get'), operations: STRETCH };
    yield await measurePair({ ...pair, subject: getMany(size), reference: get }, options);
  }
  yield await measurePair(
    {
      name: `hasMany, batches of ${BATCH}`,
      labels: ['hasMany', 'has'],
      operations: STRETCH,
      subject: inStretches(ENTRIES, (from, to) => many.hasMany(shardMap, keys, order, from, to, BATCH)),
      reference: inStretches(ENTRIES, (from, to) => single.hasKept(shardMap, keys, order, from, to)),
    },
    options,
  );
  shardMap.close();
}

/**
 * @param {string[]} keys
 * @param {Uint32Array} order
 * @param {import('../run.mjs').Options} options
 */
async function* measureWrites(keys, order, options) {
  const [many, single] = await loadAll();
  /** @type {Subject} */
  const shardMap = new ShardMap();
  fill(shardMap, keys, indices(ENTRIES));
  const set = inStretches(ENTRIES, (from, to) => single.setKept(shardMap, keys, order, from, to));
  for (const size of [BATCH, ...OTHER_BATCHES]) {
    const name = `setMany, overwrite, batches of ${size}`;
    const target = size === BATCH ? TARGET : undefined;
    const subject = inStretches(ENTRIES, (from, to) => many.setMany(shardMap, keys, order, from, to, size));
    const pair = { name, labels: labels('setMany', 'set'), target, operations: STRETCH };
    yield await measurePair({ ...pair, subject, reference: set }, options);
  }
  shardMap.close();

  const inOrder = indices(ENTRIES);
  /** @type {(prepare: () => Subject, run: (map: Subject) => unknown) => import('../pairs.mjs').Once<Subject>} */
  const once = (prepare, run) => ({ prepare, run: (map) => void run(map), dispose: (map) => map.close() });
  const empty = () => new ShardMap();
  const full = () => {
    const map = new ShardMap();
    fill(map, keys, inOrder);
    return map;
  };
  yield await measurePairOnce(
    {
      name: `setMany, fill, batches of ${BATCH}`,
      labels: ['setMany', 'set'],
      target: TARGET,
      operations: ENTRIES,
      subject: once(empty, (map) => many.setMany(map, keys, inOrder, 0, ENTRIES, BATCH)),
      reference: once(empty, (map) => single.setKept(map, keys, inOrder, 0, ENTRIES)),
    },
    options,
  );
  yield await measurePairOnce(
    {
      name: `setMany, fill in another order than that of the strings in memory, batches of ${BATCH}`,
      labels: ['setMany', 'set'],
      operations: ENTRIES,
      subject: once(empty, (map) => many.setMany(map, keys, order, 0, ENTRIES, BATCH)),
      reference: once(empty, (map) => single.setKept(map, keys, order, 0, ENTRIES)),
    },
    options,
  );
  const pairs = keys.map((key, index) => /** @type {const} */ ([key, index]));
  for (const size of [BATCH, ENTRIES]) {
    yield await measurePairOnce(
      {
        name: `setMany, fill from pairs that are there, ${nameOf(size)}`,
        labels: ['setMany', 'a loop of set'],
        operations: ENTRIES,
        subject: once(empty, (map) => many.setManyPairs(map, pairs, size)),
        reference: once(empty, (map) => single.setPairs(map, pairs)),
      },
      options,
    );
  }
  for (const size of [BATCH, ENTRIES]) {
    yield await measurePairOnce(
      {
        name: `deleteMany, ${nameOf(size)}`,
        labels: ['deleteMany', 'delete'],
        operations: ENTRIES,
        subject: once(full, (map) => many.deleteMany(map, keys, order, 0, ENTRIES, size)),
        reference: once(full, (map) => single.deleteKept(map, keys, order, 0, ENTRIES)),
      },
      options,
    );
  }
}

/**
 * Values that are small objects.
 *
 * @param {string[]} keys
 * @param {import('../run.mjs').Options} options
 */
async function* measureObjects(keys, options) {
  const [many, single] = await loadAll();
  const order = shuffledIndices(keys.length);
  /** @type {Subject} */
  const shardMap = new ShardMap();
  for (const [index, key] of keys.entries()) shardMap.set(key, { id: index, name: `user ${index}`, isActive: true });
  yield await measurePair(
    {
      name: `getMany, objects of three properties, ${OBJECTS.toLocaleString('en-US')} entries, batches of ${BATCH}`,
      labels: ['getMany', 'get'],
      operations: STRETCH,
      subject: inStretches(keys.length, (from, to) => many.getManyObjects(shardMap, keys, order, from, to, BATCH)),
      reference: inStretches(keys.length, (from, to) => single.getObjects(shardMap, keys, order, from, to)),
    },
    options,
  );
  shardMap.close();
}

/** @returns {Promise<[Loops, Loops, Loops]>} a side each for batches, for single operations, and for a `Map` */
async function loadAll() {
  return [await loadLoops('many'), await loadLoops('single'), await loadLoops('reference')];
}

/** @param {number} size */
const nameOf = (size) => (size === ENTRIES ? 'all at once' : `batches of ${size}`);

/** @type {(subject: string, reference: string) => [string, string]} */
const labels = (subject, reference) => [subject, reference];

/**
 * @param {{ set(key: string, value: number): unknown }} map
 * @param {string[]} keys
 * @param {Uint32Array} order
 */
function fill(map, keys, order) {
  for (const index of order) map.set(/** @type {string} */ (keys[index]), index);
  return map;
}
