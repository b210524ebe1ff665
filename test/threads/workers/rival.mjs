// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// Runs one of the races on a map, from the moment that all rivals are ready.
import { parentPort, threadId, workerData } from 'node:worker_threads';
import { ShardMap } from '../../../dist/index.js';

const { handle, gate, rivals, race, keys, index } = workerData;
const map = ShardMap.from(handle);
const gates = new Int32Array(gate);

const races = {
  /** Each inserts all keys: how many did this one insert? And does it see one value only? */
  insert: () => {
    let won = 0;
    for (let key = 0; key < keys; key++) if (map.getOrInsert(`key ${key}`, threadId) === threadId) won++;
    return won;
  },
  compute: () => {
    let won = 0;
    for (let key = 0; key < keys; key++) if (map.getOrInsertComputed(`key ${key}`, () => threadId) === threadId) won++;
    return won;
  },
  computeObjects: () => {
    let won = 0;
    for (let key = 0; key < keys; key++)
      if (map.getOrInsertComputed(key, () => ({ threadId })).threadId === threadId) won++;
    return won;
  },
  /** Each deletes all keys: how many did this one delete? */
  delete: () => {
    let won = 0;
    for (let key = 0; key < keys; key++) if (map.delete(`key ${key}`)) won++;
    return won;
  },
  /**
   * Each sets objects of structures that all of them meet at the same time for the first time, more of them than the store
   * keeps, and reads what the others set: how many were not what was set?
   */
  structures: () => {
    let wrong = 0;
    const make = (rival, key) => {
      const structure = ((key >> 2) * (2 * rival + 1)) % 100; // each meets them in an order of its own
      return { [`a${structure}`]: rival, key, inner: [{ [`b${structure % 7}`]: `${rival} ${key}`, structure }] };
    };
    for (let key = 0; key < keys; key++) {
      map.set(`${index} ${key}`, make(index, key));
      for (let rival = 0; rival < rivals; rival++) {
        const value = map.get(`${rival} ${key}`);
        if (value !== undefined && JSON.stringify(value) !== JSON.stringify(make(rival, key))) wrong++;
      }
    }
    return wrong;
  },
  /** Each fills keys of its own, reads those of all, and deletes every other of its own. */
  fill: () => {
    let torn = 0;
    for (let key = 0; key < keys; key++) {
      map.set(`${index} ${key}`, `value ${index} ${key}`);
      for (let rival = 0; rival < rivals; rival++) {
        const value = map.get(`${rival} ${key}`);
        if (value !== undefined && value !== `value ${rival} ${key}`) torn++;
      }
    }
    for (let key = 0; key < keys; key += 2) map.delete(`${index} ${key}`);
    return torn;
  },
  /** All write the same few keys, each value the same text again and again, long or short: does a reader ever see a mix? */
  overwrite: () => {
    let torn = 0;
    for (let step = 0; step < keys; step++) {
      const key = step % 7;
      map.set(key, String.fromCharCode(97 + index).repeat(1 + ((step * 37) % 900)));
      const value = map.get((key + 3) % 7);
      if (value !== undefined && value !== value[0].repeat(value.length)) torn++;
      if (step % 11 === 0) map.delete(key);
    }
    return torn;
  },
};

parentPort.postMessage('ready');
Atomics.add(gates, 0, 1);
while (Atomics.load(gates, 0) < rivals) Atomics.wait(gates, 0, Atomics.load(gates, 0), 1);
Atomics.notify(gates, 0);
parentPort.postMessage(races[race]());
