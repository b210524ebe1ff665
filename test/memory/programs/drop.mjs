// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// Makes maps and drops them; reports what is left after garbage collection.
import { setImmediate } from 'node:timers/promises';
import { ShardMap } from '../../../dist/index.js';

const [count, mode] = [Number(process.argv[2]), process.argv[3]];
const ENTRIES = 200;
const VALUE = 'x'.repeat(2000);

function create(index) {
  const map = new ShardMap(null, { shards: 1, ...(mode === 'named' ? { name: `dropped ${index}` } : {}) });
  for (let entry = 0; entry < ENTRIES; entry++) map.set(entry, VALUE);
  if (mode === 'written') {
    map
      .writer({ maxDelay: 2 ** 31 - 1 })
      .set('a', 1)
      .flush();
    map.writer({ maxDelay: 0 }).set('b', 1);
  }
  if (mode === 'iterated') map.keys().next();
  return map.handle;
}

async function collect() {
  for (let round = 0; round < 4; round++) {
    globalThis.gc?.();
    await setImmediate();
  }
}

function isOpen(handle) {
  try {
    ShardMap.from(handle).close();
    return true;
  } catch (error) {
    if (error.code === 'ERR_SHARDMAP_CLOSED') return false;
    throw error;
  }
}

const handles = [];
let rssMax = 0;
const rssBefore = process.memoryUsage.rss();
for (let index = 0; index < count; index++) {
  handles.push(create(index));
  if (index % 100 === 99) mode === 'unhurried' ? await setImmediate() : await collect();
  rssMax = Math.max(rssMax, process.memoryUsage.rss());
}
await collect();
const open = handles.filter(isOpen).length;
console.log(JSON.stringify({ open, rssGrown: rssMax - rssBefore, bytesMade: count * ENTRIES * VALUE.length }));
