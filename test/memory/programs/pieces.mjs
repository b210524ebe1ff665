// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// Looks up keys that are pieces of large strings, each of a string of its own; reports what the heap has grown by.
import { ShardMap } from '../../../dist/index.js';

const count = Number(process.argv[2]);
const TEXT = 'x'.repeat(100_000);
const keyOf = (number) => `the key in text ${number}`;

const map = new ShardMap();
for (let i = 0; i < count; i++) map.set(keyOf(i), i);
let wrong = 0;
globalThis.gc();
const before = process.memoryUsage().heapUsed;
for (let i = 0; i < count; i++) {
  const key = `${keyOf(i)} ${TEXT}`.slice(0, keyOf(i).length);
  for (let again = 0; again < 3; again++) if (map.get(key) !== i) wrong++;
}
globalThis.gc();
const heapGrown = process.memoryUsage().heapUsed - before;
console.log(JSON.stringify({ wrong, heapGrown, charsRead: count * TEXT.length, size: map.size }));
