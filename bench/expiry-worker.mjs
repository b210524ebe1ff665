// A thread that reads and overwrites entries of a map that never expire, and tells how long its gets took: p50, p99,
// p99.9 and max, in nanoseconds. 'before' measures for a while, 'during' until 'stop'.
import { parentPort, workerData } from 'node:worker_threads';
import { ShardMap } from 'shardmap';

const BEFORE_MS = 200;
const SAMPLES_MAX = 4_000_000;

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
/** @type {ShardMap<string, number>} */
const map = ShardMap.from(workerData.handle);
const keys = Array.from({ length: workerData.kept }, (_, i) => `kept ${i}`);
for (const [i, key] of keys.entries()) map.set(key, i);

const samples = new Float64Array(SAMPLES_MAX);
let count = 0;
let at = 0;

/** @param {number} ms */
function work(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    for (let i = 0; i < 100; i++) {
      at = (at + 7919) % keys.length;
      const key = /** @type {string} */ (keys[at]);
      if (i % 2 === 0) map.set(key, i);
      else if (count < SAMPLES_MAX) {
        const start = process.hrtime.bigint();
        map.get(key);
        samples[count++] = Number(process.hrtime.bigint() - start);
      }
    }
  }
}

function tell() {
  const sorted = samples.subarray(0, count).sort();
  port.postMessage([0.5, 0.99, 0.999, 1].map((rank) => sorted[Math.min(count - 1, Math.floor(rank * count))] ?? 0));
  count = 0;
}

let isStopped = true;
function goOn() {
  if (isStopped) return tell();
  work(5);
  setImmediate(goOn);
}

port.on('message', (message) => {
  if (message === 'before') {
    work(BEFORE_MS);
    tell();
  } else if (message === 'during') {
    isStopped = false;
    goOn();
  } else isStopped = true;
});
port.postMessage('ready');
