// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// Makes maps, listens to them and closes them, or takes the listeners away; and lets entries expire again and again.
// Reports how much memory that left behind.
import { setImmediate, setTimeout } from 'node:timers/promises';
import { ShardMap } from '../../../dist/index.js';

const [rounds, perRound] = process.argv.slice(2).map(Number);

const patterns = {
  /** Entries of closed maps wait for listeners for ever, if nobody drops them. */
  async closed() {
    const maps = await listenToAll();
    for (const map of maps) map.close();
  },
  async off() {
    const maps = await listenToAll();
    for (const map of maps) map.off('expire', listener);
  },
  'listened to all the time': async () => {
    for (let index = 0; index < perRound; index++) kept.set(index, { index, text: 'x'.repeat(500) }, { ttl: 1 });
    while (kept.size > 0) await setTimeout(1);
  },
  'nobody listens': async () => {
    for (let index = 0; index < perRound; index++) quiet.set(index, { index, text: 'x'.repeat(500) }, { ttl: 1 });
    while (quiet.size > 0) await setTimeout(1);
  },
};

let told = 0;
const listener = (entries) => (told += entries.length);
const kept = new ShardMap().on('expire', listener);
const quiet = new ShardMap();

async function listenToAll() {
  const maps = Array.from({ length: perRound }, () => new ShardMap(null, { shards: 1 }).on('expire', listener));
  for (const map of maps) map.set('a', { some: 'value' }, { expiresAt: 1 });
  await setTimeout(2);
  return maps;
}

async function collect() {
  for (let turn = 0; turn < 4; turn++) {
    globalThis.gc?.();
    await setImmediate();
  }
}

const report = {};
for (const [name, run] of Object.entries(patterns)) {
  const rss = [];
  for (let round = 0; round < rounds; round++) {
    await run();
    await collect();
    rss.push(process.memoryUsage.rss());
  }
  // What is needed once is there after half of the rounds.
  report[name] = rss.at(-1) - Math.max(...rss.slice(0, rounds / 2));
}
console.log(JSON.stringify({ told, report }));
