// The threads of online-features.mjs: one that writes vectors, others that serve requests. These work with one map that
// all threads share, or with a Map of vectors of their own that messages keep up to date.
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import v8 from 'node:v8';
import vm from 'node:vm';
import { isMainThread, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { ShardMap } from 'shardmap';
import { createRandom } from './cities-source.mjs';

export const FEATURES = 32;
/** The last element of a vector is the factor of all others, which without it were of length 1. */
export const SCALE = FEATURES - 1;
export const CANDIDATES = 100;
export const REQUESTS = 4000;
const WRITES_AT_ONCE = 1000;
const PAUSE_MS = 5; // between them

/** What a thread has in place of the shared map: copies of its own, and messages of those that changed. */
export class CopiedVectors {
  #vectors = new Map();
  #port;

  constructor(port) {
    this.#port = port;
  }

  receive() {
    for (let each = receiveMessageOnPort(this.#port); each; each = receiveMessageOnPort(this.#port))
      this.setMany(each.message);
  }

  setMany(entries) {
    for (const [key, vector] of entries) this.#vectors.set(key, vector);
  }

  gather(keys, out) {
    if (this.#port) this.receive();
    for (const [row, key] of keys.entries()) out.set(this.#vectors.get(key), row * FEATURES);
  }
}

/** As scales are powers of two, the answers to the same requests are exactly the same, whatever is written meanwhile. */
export function serve(store, keys, seed) {
  const random = createRandom(seed);
  const matrix = new Float32Array(CANDIDATES * FEATURES);
  const result = { digest: 0, torn: 0, changed: 0, seconds: 0 };
  const startedMs = performance.now();
  for (let request = 0; request < REQUESTS; request++) {
    store.gather(
      Array.from({ length: CANDIDATES }, () => keys[random() % keys.length]),
      matrix,
    );
    result.digest = (Math.imul(result.digest, 31) + findNearest(matrix, result)) | 0;
  }
  result.seconds = (performance.now() - startedMs) / 1000;
  return result;
}

/** The row whose cosine with row 0 is largest; counts rows that are half of one vector and half of another. */
function findNearest(matrix, result) {
  let nearest = { row: 0, cosine: -1 };
  for (let row = 0; row < CANDIDATES; row++) {
    let product = 0;
    let square = 0;
    for (let feature = 0, at = row * FEATURES; feature < SCALE; feature++, at++) {
      product += matrix[feature] * matrix[at];
      square += matrix[at] ** 2;
    }
    const scale = matrix[row * FEATURES + SCALE];
    if (Math.abs(square / scale ** 2 - 1) > 1e-5) result.torn++;
    if (scale !== 1) result.changed++;
    const cosine = product / (scale * matrix[SCALE]);
    if (row > 0 && cosine > nearest.cosine) nearest = { row, cosine };
  }
  return nearest.row;
}

/** Writes all vectors, then new ones, which are the same times a power of two, as long as the thread lives. */
async function write({ handle, ports, entries }) {
  const map = handle && ShardMap.from(handle);
  for (let round = 0; ; round++) {
    for (let first = 0; first < entries.length; first += WRITES_AT_ONCE) {
      const part = entries.slice(first, first + WRITES_AT_ONCE);
      const changed = part.map(([key, vector]) => [key, vector.map((feature) => feature * 2 ** (round % 8))]);
      map?.setMany(changed);
      for (const port of ports) port.postMessage(changed);
      if (round > 0) await setTimeout(PAUSE_MS);
    }
    if (round === 0) parentPort.postMessage('loaded');
  }
}

/** Tells what a vector costs this thread; then, when it is told, serves. */
async function prepareAndServe({ handle, port, keys, seed }) {
  const bytesBefore = heapBytes();
  const store = handle ? ShardMap.from(handle) : new CopiedVectors(port);
  if (!handle) store.receive();
  parentPort.postMessage((heapBytes() - bytesBefore) / keys.length);
  await once(parentPort, 'message');
  parentPort.postMessage(serve(store, keys, seed));
}

function heapBytes() {
  v8.setFlagsFromString('--expose-gc');
  vm.runInNewContext('gc')();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

if (!isMainThread) await (workerData.role === 'write' ? write(workerData) : prepareAndServe(workerData));
