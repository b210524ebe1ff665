// Writes in one thread: filling a map, and overwriting in random order.
import { ShardMap } from 'shardmap';
import { loadLoops } from '../loops.mjs';
import { measurePair, measurePairOnce, ratioAtMost } from '../pairs.mjs';
import { ENTRIES, indices, inStretches, keptKeys, keyBytes, STRETCH, shuffledIndices } from '../workload.mjs';

/** @typedef {typeof import('../loops.mjs')} Loops */
/** @typedef {import('../loops.mjs').AnyMap} AnyMap */
/** @typedef {{ map: AnyMap & { close?: () => void }, keys: string[] }} Prepared */
/** @typedef {(loops: Loops, prepared: Prepared) => void} Fill */

/** @param {import('../run.mjs').Options} options */
export async function* measure(options) {
  const subjectLoops = await loadLoops('subject');
  const referenceLoops = await loadLoops('reference');
  const bytes = keyBytes(ENTRIES);
  const keptForLong = keptKeys(bytes);
  const inOrder = indices(ENTRIES);
  const shuffled = shuffledIndices(ENTRIES);

  /** @type {Fill} */
  const setKept = (loops, { map, keys }) => loops.setKept(map, keys, inOrder, 0, ENTRIES);
  /** @type {Fill} */
  const setFresh = (loops, { map }) => loops.setFresh(map, bytes, inOrder, 0, ENTRIES);

  /** @type {(name: string, prepareKeys: () => string[], fill: Fill, target?: import('../pairs.mjs').Target) => Promise<import('../pairs.mjs').Row>} */
  const compareFills = (name, prepareKeys, fill, target) => {
    const subject = {
      prepare: () => ({ map: createShardMap(), keys: prepareKeys() }),
      run: (/** @type {Prepared} */ prepared) => fill(subjectLoops, prepared),
      dispose: (/** @type {Prepared} */ { map }) => map.close?.(),
    };
    const reference = {
      prepare: () => ({ map: createMap(), keys: prepareKeys() }),
      run: (/** @type {Prepared} */ prepared) => fill(referenceLoops, prepared),
    };
    return measurePairOnce({ name, target, operations: ENTRIES, subject, reference }, options);
  };

  const compareOverwrites = () => {
    const shardMap = createShardMap();
    const map = createMap();
    setKept(subjectLoops, { map: shardMap, keys: keptForLong });
    setKept(referenceLoops, { map, keys: keptForLong });
    /** @type {(loops: Loops, map: AnyMap) => () => void} */
    const overwriter = (loops, map) =>
      inStretches(ENTRIES, (from, to) => loops.setKept(map, keptForLong, shuffled, from, to));
    const subject = overwriter(subjectLoops, shardMap);
    const reference = overwriter(referenceLoops, map);
    const target = ratioAtMost(1.6, 1.0);
    return measurePair(
      { name: 'overwrite, random kept strings', target, operations: STRETCH, subject, reference },
      options,
    );
  };

  yield await compareFills(
    'fill, strings that were no keys before',
    () => keptKeys(bytes),
    setKept,
    ratioAtMost(0.75, 0.5),
  );
  yield await compareFills('fill, fresh strings, building included', () => [], setFresh);
  yield await compareFills('fill, strings that were keys before', () => keptForLong, setKept);
  yield await compareOverwrites();
}

/** @returns {ShardMap<string, number>} */
const createShardMap = () => new ShardMap();
/** @returns {Map<string, number>} */
const createMap = () => new Map();
