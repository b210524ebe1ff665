// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// Overwrites values of a large map; reports how often V8 collected all garbage meanwhile.
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { ShardMap } from '../../../dist/index.js';

const [count, rounds] = process.argv.slice(2).map(Number);
const VALUE = 'x'.repeat(1000);

let collections = 0;
new PerformanceObserver((list) => {
  for (const { detail } of list.getEntries()) if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) collections++;
}).observe({ entryTypes: ['gc'] });

const map = new ShardMap();
const setAll = () => {
  for (let key = 0; key < count; key++) map.set(key, VALUE);
};
setAll();
await setTimeout(50); // those of the filling come to their end, and are told
const ofFilling = collections;
for (let round = 0; round < rounds; round++) setAll();
await setTimeout(50);
console.log(JSON.stringify({ ofFilling, ofOverwriting: collections - ofFilling, size: map.size }));
