// `node --expose-gc waiting-process.mjs KIND ENTRIES MILLISECONDS`: prints, as JSON, how many bytes the process grew by
// filling a map whose entries expire tomorrow, and the CPU time that it took in so many milliseconds of waiting.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { ShardMap } from 'shardmap';
import { load } from './peers/packages.mjs';
import { freshKey, keyBytes } from './workload.mjs';

const DAY_MS = 86_400_000;
const [kind, entriesText, waitText] = process.argv.slice(2);
const entries = Number(entriesText);
const gc = globalThis.gc;
assert(gc, 'run with --expose-gc');

const bytes = keyBytes(entries);
const { LRUCache } = await load('lru-cache').catch(() => ({}));
const { default: NodeCache } = await load('node-cache').catch(() => ({}));
const lifetime = { ttl: DAY_MS };

/** @type {Record<string, () => { set(key: string, value: number): unknown, map?: ShardMap<string, number> }>} */
const kinds = {
  plain: () => {
    /** @type {ShardMap<string, number>} */
    const map = new ShardMap();
    return { set: (key, value) => map.set(key, value), map };
  },
  timed: () => {
    /** @type {ShardMap<string, number>} */
    const map = new ShardMap();
    return { set: (key, value) => map.set(key, value, lifetime), map };
  },
  later: () => {
    /** @type {ShardMap<string, number>} */
    const map = new ShardMap();
    return { set: (key, value) => map.set(key, value).expire(key, DAY_MS), map };
  },
  'lru-cache': () => new LRUCache({ max: 2 * entries, ttl: DAY_MS }),
  'node-cache': () => new NodeCache({ stdTTL: DAY_MS / 1000, useClones: false }),
  timeouts: () => {
    const map = new Map();
    return {
      set: (key, value) => map.set(key, { value, timer: setTimeout(() => map.delete(key), DAY_MS) }),
    };
  },
};
// V8's young generation grows to its full size here, and not while we measure.
for (let i = 0; i < entries; i++) freshKey(bytes, i);
const before = rssBytes();
const filled = /** @type {() => ReturnType<typeof kinds[string]>} */ (kinds[/** @type {string} */ (kind)])();
for (let i = 0; i < entries; i++) filled.set(freshKey(bytes, i), i);
const grown = rssBytes() - before;
await sleep(100);
const cpu = process.cpuUsage();
await sleep(Number(waitText));
const { user, system } = process.cpuUsage(cpu);
console.log(
  JSON.stringify({
    rssBytes: grown,
    statsBytes: filled.map?.stats().bytesTotal,
    cpuNs: (user + system) * 1000,
  }),
);
process.exit();

function rssBytes() {
  gc?.();
  gc?.();
  return process.memoryUsage.rss();
}
