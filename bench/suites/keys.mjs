// What a key's length and kind cost: a map of 1,000, so that nothing else does.
import assert from 'node:assert/strict';
import { ShardMap } from 'shardmap';
import { loadLoops } from '../loops.mjs';
import { measurePair } from '../pairs.mjs';
import { HOT_ENTRIES, indices, STRETCH, shuffledIndices } from '../workload.mjs';

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
