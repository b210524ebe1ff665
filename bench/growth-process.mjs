// `node --expose-gc growth-process.mjs ENTRIES OPTIONS`: prints, as JSON, rows about maps of so many entries.
import { ShardMap } from 'shardmap';
import { loadLoops } from './loops.mjs';
import { measurePair, measurePairOnce } from './pairs.mjs';
import { indices, inStretches, keptKeys, keyBytes, STRETCH, shuffledIndices } from './workload.mjs';

/** So that a fill takes long enough to be timed, small maps are filled several at a time. */
const FILLED_MIN = 100_000;
/** Fills take seconds with this many entries and more. */
const LARGE = 5_000_000;
const ROUNDS_MAX_LARGE = 3;

const [entriesText = '', optionsText = ''] = process.argv.slice(2);
const entries = Number(entriesText);
/** @type {import('./run.mjs').Options} */
const options = JSON.parse(optionsText);
const subjectLoops = await loadLoops('subject');
const referenceLoops = await loadLoops('reference');
const bytes = keyBytes(entries);
const count = entries.toLocaleString('en-US');

console.log(JSON.stringify([await compareFills(), ...(await compareGets())]));

function compareFills() {
  const maps = Math.ceil(FILLED_MIN / entries);
  const order = indices(entries);
  /** @type {<M extends import('./loops.mjs').AnyMap>(loops: typeof subjectLoops, create: () => M) => import('./pairs.mjs').Once<M[]>} */
  const side = (loops, create) => ({
    prepare: () => Array.from({ length: maps }, create),
    run: (prepared) => {
      for (const map of prepared) loops.setFresh(map, bytes, order, 0, entries);
    },
    dispose: (prepared) => {
      for (const map of prepared) map.close?.();
    },
  });
  return measurePairOnce(
    {
      name: `fill with ${count} entries, fresh strings, building included`,
      operations: maps * entries,
      point: { line: 'fill, fresh strings', x: entries },
      subject: side(subjectLoops, createShardMap),
      reference: side(referenceLoops, createMap),
    },
    { ...options, rounds: entries >= LARGE ? Math.min(options.rounds, ROUNDS_MAX_LARGE) : options.rounds },
  );
}

async function compareGets() {
  const shardMap = createShardMap();
  const map = createMap();
  const keys = keptKeys(bytes);
  const order = shuffledIndices(entries);
  subjectLoops.setKept(shardMap, keys, order, 0, entries);
  referenceLoops.setKept(map, keys, order, 0, entries);
  const gigabytes = (shardMap.stats().bytesTotal / 1e9).toFixed(1);
  const size = entries >= LARGE ? `${count} entries (${gigabytes} GB)` : `${count} entries`;

  /** @type {(name: string, kind: string, read: (loops: typeof subjectLoops, map: import('./loops.mjs').AnyMap, from: number, to: number) => unknown) => Promise<import('./pairs.mjs').Row>} */
  const compare = (name, kind, read) =>
    measurePair(
      {
        name: `${name} of ${size}, ${kind}`,
        operations: STRETCH,
        point: { line: `${name}, ${kind}`, x: entries },
        subject: inStretches(entries, (from, to) => read(subjectLoops, shardMap, from, to)),
        reference: inStretches(entries, (from, to) => read(referenceLoops, map, from, to)),
      },
      options,
    );
  return [
    await compare('get', 'kept strings', (loops, map, from, to) => loops.getKept(map, keys, order, from, to)),
    await compare('get', 'fresh strings', (loops, map, from, to) => loops.getFresh(map, bytes, order, from, to)),
    await compare('overwrite', 'kept strings', (loops, map, from, to) => loops.setKept(map, keys, order, from, to)),
  ];
}

/** @returns {ShardMap<string, number>} */
function createShardMap() {
  return new ShardMap();
}

/** @returns {Map<string, number>} */
function createMap() {
  return new Map();
}
