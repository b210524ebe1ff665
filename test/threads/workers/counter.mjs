// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// Counts keys up together with its rivals, or disturbs those who do: reads, iterates, and has other keys come and go.
import { parentPort, workerData } from 'node:worker_threads';
import { ShardMap } from '../../../dist/index.js';

const { handle, gate, rivals, role, way, keys, index, steps, stop } = workerData;
const map = ShardMap.from(handle);
const gates = new Int32Array(gate);
const stops = new Int32Array(stop);
const keyOf = (number) => `counter ${number}`;
const numberOf = (key) => Number(key.slice('counter '.length));

/** Each adds one, and returns the sum. */
const ways = {
  increment: (key) => map.increment(key),
  incrementBigint: (key) => map.increment(key, 2n ** 70n),
  update: (key) => map.update(key, (count = 0) => count + 1),
  entry: (key) =>
    map
      .entry(key)
      .andModify((count) => count + 1)
      .orInsert(1),
  compareAndSet: (key) => {
    for (;;) {
      const count = map.get(key);
      if (map.compareAndSet(key, count, (count ?? 0) + 1)) return (count ?? 0) + 1;
    }
  },
};

/** What was seen last of each counter: it never goes down, and is never absent again. */
class Seen {
  #last = Array.from({ length: keys }, () => 0);
  wrong = 0;

  see(number, count) {
    if (!((count ?? 0) >= this.#last[number])) this.wrong++;
    this.#last[number] = count ?? 0;
  }

  /** How many there must be from now on. */
  count() {
    return this.#last.filter((count) => count > 0).length;
  }
}

const roles = {
  /** One step after the other, round the keys from one of its own on: each sum is larger than the one before. */
  count() {
    const seen = new Seen();
    const add = ways[way];
    for (let step = 0; step < steps; step++) {
      const number = (step + index * 7) % keys;
      const sum = add(keyOf(number));
      seen.see(number, sum);
    }
    return { wrong: seen.wrong, rounds: steps };
  },
  read() {
    const seen = new Seen();
    const all = Array.from({ length: keys }, (_, number) => keyOf(number));
    let rounds = 0;
    for (; Atomics.load(stops, 0) === 0 || rounds === 0; rounds++) {
      for (let time = 0; time < 10; time++)
        for (let number = 0; number < keys; number++) seen.see(number, map.get(all[number]));
      for (const [number, count] of map.getMany(all).entries()) seen.see(number, count);
    }
    return { wrong: seen.wrong, rounds };
  },
  /** Each counter that was there is visited once. */
  iterate() {
    const seen = new Seen();
    let rounds = 0;
    for (; Atomics.load(stops, 0) === 0 || rounds === 0; rounds++) {
      const expected = seen.count();
      const visited = new Set();
      for (const [key, count] of map) {
        if (!key.startsWith('counter')) continue;
        if (visited.has(key)) seen.wrong++;
        visited.add(key);
        seen.see(numberOf(key), count);
      }
      if (visited.size < expected) seen.wrong++;
    }
    return { wrong: seen.wrong, rounds };
  },
  /** Sets and deletes other keys: each of them is its own, and so must have been there. */
  delete() {
    let wrong = 0;
    let rounds = 0;
    for (; Atomics.load(stops, 0) === 0 || rounds === 0; rounds++) {
      const others = 10 << (rounds % 9);
      for (let other = 0; other < others; other++) map.set(`other ${other}`, `other ${rounds}`);
      for (let other = 0; other < others; other++) if (!map.delete(`other ${other}`)) wrong++;
    }
    return { wrong, rounds };
  },
};

parentPort.postMessage('ready');
Atomics.add(gates, 0, 1);
while (Atomics.load(gates, 0) < rivals) Atomics.wait(gates, 0, Atomics.load(gates, 0), 1);
Atomics.notify(gates, 0);
parentPort.postMessage(roles[role]());
