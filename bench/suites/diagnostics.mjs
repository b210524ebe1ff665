// Diagnostic channels: operations that are timed, as somebody subscribes to `shardmap:slow`, against the same while nobody
// does. What the package costs that looks for subscribers, against one that does not, is in docs/performance.md.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { ShardMap } from 'shardmap';
import { measurePairOnce } from '../pairs.mjs';
import { inStretches, keptKeys, keyBytes, STRETCH, shuffledIndices } from '../workload.mjs';

const ENTRIES = 10_000;
const OPERATIONS = 500_000;
const BATCH = 10;
const CHANNEL = 'shardmap:slow';

/** @typedef {ShardMap<string, number>} AnyShardMap */
/** @typedef {(map: AnyShardMap, keys: string[], order: Uint32Array, from: number, to: number) => unknown} Use */

/** @type {Record<string, string>} bodies of loops: a function of its own for each side */
const USES = {
  get: 'for (let i = from; i < to; i++) map.get(keys[order[i]]);',
  set: 'for (let i = from; i < to; i++) map.set(keys[order[i]], i);',
  increment: 'for (let i = from; i < to; i++) map.increment(keys[order[i]]);',
  [`getMany, batches of ${BATCH}`]: `
    for (let i = from; i < to; i += ${BATCH}) map.getMany(Array.from({ length: ${BATCH} }, (_, n) => keys[order[i + n]]));`,
};

/** @param {import('../run.mjs').Options} options */
export async function* measure(options) {
  const keys = keptKeys(keyBytes(ENTRIES));
  const order = shuffledIndices(ENTRIES);
  /** @type {AnyShardMap} */
  const map = new ShardMap();
  keys.forEach((key, index) => void map.set(key, index));
  for (const [name, body] of Object.entries(USES)) {
    const sideOf = (/** @type {() => void} */ prepare, /** @type {() => void} */ dispose) => {
      const use = /** @type {Use} */ (new Function('map', 'keys', 'order', 'from', 'to', body));
      const stretch = inStretches(ENTRIES, (from, to) => use(map, keys, order, from, to));
      const run = () => {
        for (let done = 0; done < OPERATIONS; done += STRETCH) stretch();
      };
      return { prepare, run, dispose };
    };
    const subject = sideOf(
      () => subscribe(CHANNEL, listener),
      () => unsubscribe(CHANNEL, listener),
    );
    const reference = sideOf(
      () => {},
      () => {},
    );
    /** @type {[string, string]} */
    const labels = ['subscribed to', 'not'];
    yield await measurePairOnce({ name, labels, operations: OPERATIONS, subject, reference }, options);
  }
  map.close();
}

function listener() {}
