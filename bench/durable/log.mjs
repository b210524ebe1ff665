// What a log costs who sets, and how many bytes of it an entry is.
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { ShardMap } from 'shardmap';
import { loadLoops } from '../loops.mjs';
import { createRow, measurePair, pairUp, ratioAtLeast, takeTurns } from '../pairs.mjs';
import { createFolder } from '../peers/packages.mjs';
import {
  ENTRIES,
  indices,
  inStretches,
  KEY_CHARS,
  keptKeys,
  keyBytes,
  STRETCH,
  shuffledIndices,
} from '../workload.mjs';

const TEXT_CHARS = 100;
const FLOATS = 16;
const POLICIES = /** @type {const} */ (['never', 'interval', 'always']);
/** The plan's, of the policy that is the default. */
const TARGET = ratioAtLeast(0.75, 0.9);

/** @typedef {import('../run.mjs').Options} Options */
/** @typedef {typeof import('../loops.mjs')} Loops */
/** @typedef {ShardMap<string, any>} AnyShardMap */
/** @typedef {{ map: AnyShardMap, loops: Loops, close(): void }} Side */

/** Values differ, so that nobody can know them beforehand. */
const texts = Array.from({ length: 1000 }, (_, index) => String(index).padStart(TEXT_CHARS, 'value '));
const numbers = Array.from({ length: 1000 }, (_, index) => index);
/** @type {[name: string, values: unknown[]][]} */
const VALUES = [
  ['numbers', numbers],
  [`strings of ${TEXT_CHARS} characters`, texts],
];

/**
 * @param {Options} options
 * @returns {AsyncGenerator<import('../suites.mjs').Finding>}
 */
export async function* measureLog(options) {
  for (const fsync of POLICIES) {
    for (const [kind, values] of VALUES) {
      yield await compareFills(fsync, kind, values, options);
      yield await compareOverwrites(fsync, kind, values, options);
    }
  }
  yield* measureBytes();
}

/**
 * @param {typeof POLICIES[number]} fsync
 * @param {string} kind
 * @param {unknown[]} values
 * @param {Options} options
 */
async function compareFills(fsync, kind, values, { rounds }) {
  const keys = keptKeys(keyBytes(ENTRIES));
  const inOrder = indices(ENTRIES);
  const turns = [openLogged(fsync), openPlain].map((open) => async () => {
    const { map, loops, close } = await open();
    globalThis.gc?.();
    const startMs = performance.now();
    loops.setValues(map, keys, values, inOrder, 0, ENTRIES);
    const ms = performance.now() - startMs;
    close();
    return ENTRIES / 1000 / ms;
  });
  /** @type {number[][]} */
  const found = [];
  for (let round = 0; round <= rounds; round++) found.push(await takeTurns(turns, round));
  return createRow(describe(`fill, ${kind}`, fsync), pairUp(found.slice(1), 0, 1));
}

/**
 * @param {typeof POLICIES[number]} fsync
 * @param {string} kind
 * @param {unknown[]} values
 * @param {Options} options
 */
async function compareOverwrites(fsync, kind, values, options) {
  const keys = keptKeys(keyBytes(ENTRIES));
  const shuffled = shuffledIndices(ENTRIES);
  const sides = [await openLogged(fsync)(), await openPlain()];
  for (const { map, loops } of sides) loops.setValues(map, keys, values, shuffled, 0, ENTRIES);
  const [subject, reference] = sides.map(({ map, loops }) =>
    inStretches(ENTRIES, (from, to) => loops.setValues(map, keys, values, shuffled, from, to)),
  );
  const pair = { operations: STRETCH, subject: subject ?? fail, reference: reference ?? fail };
  const { samples } = await measurePair({ name: '', ...pair }, options);
  for (const { close } of sides) close();
  const rates = samples.map((round) => round.map((ns) => 1000 / ns));
  return createRow(describe(`overwrite, random, ${kind}`, fsync), pairUp(rates, 0, 1));
}

/**
 * @param {string} name
 * @param {typeof POLICIES[number]} fsync
 * @returns {import('../pairs.mjs').Description}
 */
const describe = (name, fsync) => ({
  name: `${name}, fsync '${fsync}'`,
  unit: 'M/s',
  labels: ['with a log', 'without'],
  target: fsync === 'interval' ? TARGET : undefined,
});

/** @param {typeof POLICIES[number]} fsync */
const openLogged = (fsync) => async () => {
  const { folder, remove } = createFolder();
  const map = await ShardMap.open({ dir: folder, fsync });
  const close = () => {
    map.close();
    remove();
  };
  return { map, loops: await loadLoops(`with a log, ${fsync}`), close };
};

/** @returns {Promise<Side>} */
async function openPlain() {
  /** @type {AnyShardMap} */
  const map = new ShardMap();
  return { map, loops: await loadLoops('without'), close: () => map.close() };
}

/** What the segments of an otherwise empty store grow by. */
async function* measureBytes() {
  const object = (/** @type {number} */ index) => ({ id: index, score: index / 3, tag: 'abc' });
  /** @type {[name: string, value: (index: number) => unknown, bytes: number][]} */
  const kinds = [
    ['numbers', (index) => index, 8],
    [`strings of ${TEXT_CHARS} characters`, (index) => texts[index % texts.length], TEXT_CHARS],
    ['objects of 3 properties, theirs as JSON', object, JSON.stringify(object(ENTRIES / 2)).length],
    [`vectors of ${FLOATS} floats`, (index) => new Float32Array(FLOATS).fill(index), 4 * FLOATS],
  ];
  const keys = keptKeys(keyBytes(ENTRIES));
  for (const [kind, valueAt, bytes] of kinds) {
    const { folder, remove } = createFolder();
    /** @type {AnyShardMap} */
    const map = await ShardMap.open({ dir: folder, fsync: 'never' });
    const before = bytesIn(folder);
    for (const [index, key] of keys.entries()) map.set(key, valueAt(index));
    await map.flush();
    const grown = bytesIn(folder) - before;
    map.close();
    remove();
    yield createRow(
      { name: `bytes in the log of an entry, ${kind}`, unit: 'bytes', labels: ['the log', 'key and value'] },
      [[grown / ENTRIES, KEY_CHARS + bytes]],
    );
  }
}

/** @param {string} folder */
function bytesIn(folder) {
  return readdirSync(folder).reduce((total, name) => total + statSync(path.join(folder, name)).size, 0);
}

function fail() {
  throw new Error('there are two sides');
}
