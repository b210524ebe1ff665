// What a key's length and kind cost: a map of 1,000, so that nothing else does; and what composite keys cost.
import assert from 'node:assert/strict';
import { ShardMap } from 'shardmap';
import { loadLoops } from '../loops.mjs';
import { measurePair } from '../pairs.mjs';
import {
  ENTRIES,
  HOT_ENTRIES,
  indices,
  inStretches,
  keptKeys,
  keyBytes,
  STRETCH,
  shuffledIndices,
} from '../workload.mjs';

const LENGTHS = [8, 21, 64, 300];

/** @typedef {typeof import('../loops.mjs')} Loops */
/** @typedef {ShardMap<any, number> | Map<unknown, number>} Subject */
/** @typedef {{ name: string, keys: unknown[], build?: (index: number) => unknown }} Kind `build` makes a new string */

/** @type {Kind[]} */
const KINDS = [
  { name: 'small integers', keys: Array.from(indices(HOT_ENTRIES)) },
  ...LENGTHS.map((chars) => strings(`${chars} one-byte characters`, chars, 's', 'latin1')),
  ...LENGTHS.map((chars) => strings(`${chars} two-byte characters`, chars, 'ш', 'utf16le')),
];

/** @param {import('../run.mjs').Options} options */
export async function* measure(options) {
  const subjectLoops = await loadLoops('subject');
  const referenceLoops = await loadLoops('reference');
  const short = {
    ...options,
    secondsPerSide: options.secondsPerSide / 2,
  };
  for (const kind of options.scale === 'smoke' ? KINDS.slice(0, 2) : KINDS) {
    /** @type {ShardMap<any, number>} */
    const shardMap = new ShardMap();
    /** @type {Map<unknown, number>} */
    const map = new Map();
    for (const [index, key] of kind.keys.entries()) {
      shardMap.set(key, index);
      map.set(key, index);
    }
    for (const [operation, run] of Object.entries(operationsOf(kind))) {
      const name = `${operation}, ${kind.name}`;
      assert.equal(run(subjectLoops, shardMap), run(referenceLoops, map), `${name}: the results differ`);
      const subject = () => void run(subjectLoops, shardMap);
      const reference = () => void run(referenceLoops, map);
      yield await measurePair({ name, operations: STRETCH, subject, reference }, short);
    }
    shardMap.close();
  }
  for (const entries of options.scale === 'smoke' ? [HOT_ENTRIES] : [HOT_ENTRIES, ENTRIES])
    yield* measureTokens(entries, short, subjectLoops, referenceLoops);
}

/**
 * Composite keys, [user, token], against the other ways of finding the token of a user, all with strings that are kept.
 *
 * @param {number} entries
 * @param {import('../run.mjs').Options} options
 * @param {Loops} subjectLoops
 * @param {Loops} referenceLoops
 */
async function* measureTokens(entries, options, subjectLoops, referenceLoops) {
  const users = Array.from(indices(entries), (index) => `user-${String(index).padStart(7, '0')}`);
  const tokens = keptKeys(keyBytes(entries));
  const numbers = Array.from(indices(entries));
  const order = shuffledIndices(entries);
  const ways = createWays(users, tokens);
  for (const way of Object.values(ways)) for (const index of numbers) way.set(index, index);
  const { composite, ...others } = ways;
  for (const [reference, other] of Object.entries(others)) {
    const labels = /** @type {[string, string]} */ (['ShardMap of [user, token]', reference]);
    const count = entries.toLocaleString('en-US');
    const get = (/** @type {Loops} */ loops, /** @type {import('../loops.mjs').AnyMap} */ way) =>
      inStretches(entries, (from, to) => loops.getKept(way, numbers, order, from, to));
    const set = (/** @type {Loops} */ loops, /** @type {import('../loops.mjs').AnyMap} */ way) =>
      inStretches(entries, (from, to) => loops.setKept(way, numbers, order, from, to));
    for (const [operation, run] of Object.entries({ get, set })) {
      const subject = run(subjectLoops, composite);
      const pair = { name: `${operation}, a token of ${count}`, labels, operations: STRETCH, subject };
      yield await measurePair({ ...pair, reference: run(referenceLoops, other) }, options);
    }
  }
}

/**
 * @param {string[]} users
 * @param {string[]} tokens
 */
function createWays(users, tokens) {
  /** @type {ShardMap<[string, string], number>} */
  const composite = new ShardMap();
  /** @type {ShardMap<string, number>} */
  const joined = new ShardMap();
  /** @type {Map<string, Map<string, number>>} */
  const nested = new Map(users.map((user) => [user, new Map()]));
  const of = (/** @type {string[]} */ strings, /** @type {number} */ index) => /** @type {string} */ (strings[index]);
  return {
    composite: {
      get: (/** @type {number} */ index) => composite.get([of(users, index), of(tokens, index)]),
      set: (/** @type {number} */ index, /** @type {number} */ value) =>
        composite.set([of(users, index), of(tokens, index)], value),
    },
    'ShardMap of user:token': {
      get: (/** @type {number} */ index) => joined.get(`${of(users, index)}:${of(tokens, index)}`),
      set: (/** @type {number} */ index, /** @type {number} */ value) =>
        joined.set(`${of(users, index)}:${of(tokens, index)}`, value),
    },
    'Map of Maps': {
      get: (/** @type {number} */ index) => nested.get(of(users, index))?.get(of(tokens, index)),
      set: (/** @type {number} */ index, /** @type {number} */ value) =>
        nested.get(of(users, index))?.set(of(tokens, index), value),
    },
  };
}

/**
 * @param {Kind} kind
 * @returns {Record<string, (loops: Loops, map: Subject) => unknown>}
 */
function operationsOf({ keys, build }) {
  const order = shuffledIndices(HOT_ENTRIES);
  /** @type {ReturnType<typeof operationsOf>} */
  const operations = {
    get: (loops, map) => loops.getKept(map, keys, order, 0, STRETCH),
    has: (loops, map) => loops.hasKept(map, keys, order, 0, STRETCH),
    set: (loops, map) => loops.setKept(map, keys, order, 0, STRETCH),
  };
  if (build) operations['get fresh, building included'] = (loops, map) => loops.getBuilt(map, build, order, 0, STRETCH);
  return operations;
}

/**
 * Different strings, each in one piece.
 *
 * @param {string} name
 * @param {number} chars
 * @param {string} first the character that all begin with
 * @param {'latin1' | 'utf16le'} encoding
 * @returns {Kind}
 */
function strings(name, chars, first, encoding) {
  const texts = Array.from(indices(HOT_ENTRIES), (index) => {
    const digits = (Math.imul(index, 0x9e3779b1) >>> 0).toString(36);
    return first + digits.padStart(chars - 1, '0');
  });
  const bytes = Buffer.from(texts.join(''), encoding);
  const size = bytes.length / HOT_ENTRIES;
  const build = (/** @type {number} */ index) => bytes.toString(encoding, index * size, (index + 1) * size);
  return { name, keys: Array.from(indices(HOT_ENTRIES), build), build };
}
