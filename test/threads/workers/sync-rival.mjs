// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// Runs one of the races on a SyncMap, from the moment that all rivals are ready.
import { parentPort, threadId, workerData } from 'node:worker_threads';
import { SyncMap } from '../../../dist/sync-map.js';

const { handle, gate, rivals, race, steps, index } = workerData;
const map = SyncMap.from(handle);
const [READY, DONE] = [0, 1];
const gates = new Int32Array(gate);
const KEYS = 3;

const races = {
  /** Each swaps values of its own into a few keys. What did it get for them? */
  swap: () => {
    const previous = [];
    for (let step = 0; step < steps; step++) {
      const key = step % KEYS;
      const [value, loaded] = map.swap(key, index * steps + step);
      previous.push([key, loaded ? value : 'none']);
    }
    return previous;
  },
  /** Each counts up, from undefined on: which numbers did this one replace? */
  compareAndSwap: () => {
    const replaced = [];
    for (;;) {
      const [value] = map.load('counter');
      if (value === steps) return replaced;
      if (map.compareAndSwap('counter', value, value === undefined ? 1 : value + 1)) replaced.push(value ?? 0);
    }
  },
  /** Each takes a lock that holds its owner, and gives it back: how often was somebody else inside? */
  compareAndDelete: () => {
    let wrong = 0;
    for (let step = 0; step < steps; step++) {
      while (map.loadOrStore('lock', threadId)[1]);
      if (map.swap('inside', threadId)[1]) wrong++;
      if (map.compareAndDelete('lock', -1) || !map.compareAndDelete('inside', threadId)) wrong++;
      if (!map.compareAndDelete('lock', threadId)) wrong++;
    }
    return [wrong];
  },
  /** Each stores all keys, every other with undefined: which did this one store? */
  loadOrStore: () => {
    const stored = [];
    for (let key = 0; key < steps; key++)
      if (!map.loadOrStore(key, key % 2 === 0 ? undefined : index)[1]) stored.push(key);
    return stored;
  },
  /** Each deletes all keys, every other of which is undefined: which did this one delete? */
  loadAndDelete: () => {
    const deleted = [];
    for (let key = 0; key < steps; key++) {
      const [value, loaded] = map.loadAndDelete(key);
      if (loaded && value === (key % 2 === 0 ? undefined : key)) deleted.push(key);
    }
    return deleted;
  },
  /** The first ranges over the map while the others store, load and delete other keys: how often was it wrong? */
  range: () => {
    if (index === 0) {
      const wrong = rangeAndCheck();
      Atomics.store(gates, DONE, 1);
      return [wrong];
    }
    let wrong = 0;
    for (let step = 0; Atomics.load(gates, DONE) === 0; step++) {
      const key = `passing ${(step * 7) % 400}`;
      if (step % 3 === 0) map.delete(key);
      else if (step % 3 === 1) map.store(key, key);
      else if (map.loadOrStore(key, key)[0] !== key) wrong++;
      if (map.load(`steady ${step % 200}`)[0] !== step % 200) wrong++;
    }
    return [wrong];
  },
  /** Each stores keys of its own, and clears the map now and then; a key that it has just stored may be gone, and is then. */
  clear: () => {
    let wrong = 0;
    for (let step = 0; step < steps; step++) {
      const key = `${index} ${step % 50}`;
      map.store(key, key);
      const [value, ok] = map.load(key);
      if (ok ? value !== key : value !== undefined) wrong++;
      if (step % 97 === 0) map.clear();
      if (step % 101 === 0) {
        map.range((each, own) => {
          if (each !== own) wrong++;
          return true;
        });
      }
    }
    return [wrong];
  },
};

function rangeAndCheck() {
  let wrong = 0;
  for (let step = 0; step < steps; step++) {
    const seen = new Set();
    let steady = 0;
    map.range((key, value) => {
      if (seen.has(key)) wrong++;
      seen.add(key);
      if (key !== (typeof value === 'number' ? `steady ${value}` : value)) wrong++;
      if (typeof value === 'number') steady++;
      if (step % 8 === 0) map.swap(key, value); // which keeps its place
      return true;
    });
    if (steady !== 200) wrong++;
    let visits = 0;
    map.range(() => ++visits < 100);
    if (visits !== 100) wrong++;
  }
  return wrong;
}

parentPort.postMessage('ready');
Atomics.add(gates, READY, 1);
while (Atomics.load(gates, READY) < rivals) Atomics.wait(gates, READY, Atomics.load(gates, READY), 1);
Atomics.notify(gates, READY);
parentPort.postMessage(races[race]());
