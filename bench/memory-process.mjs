// `node --expose-gc memory-process.mjs ShardMap|Map ENTRIES`: prints, as JSON, how many bytes the process grew by
// filling a map.
import assert from 'node:assert/strict';
import { ShardMap } from 'shardmap';
import { buildFresh, setFresh } from './loops.mjs';
import { indices, keyBytes } from './workload.mjs';

const [kind, entriesText] = process.argv.slice(2);
const entries = Number(entriesText);
assert(kind === 'ShardMap' || kind === 'Map');
const gc = globalThis.gc;
assert(gc, 'run with --expose-gc');

const bytes = keyBytes(entries);
const order = indices(entries);
buildFresh(bytes, order, 0, entries); // V8's young generation grows to its full size here, and not while we measure
const before = rssBytes();

/** @type {Map<string, number>} */
const map = kind === 'ShardMap' ? new ShardMap() : new Map();
setFresh(map, bytes, order, 0, entries);
const grown = rssBytes() - before;

assert.equal(map.size, entries);
console.log(
  JSON.stringify({ rssBytes: grown, statsBytes: map instanceof ShardMap ? map.stats().bytesTotal : undefined }),
);

function rssBytes() {
  gc?.();
  gc?.();
  return process.memoryUsage.rss();
}
