// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// Does its part of the work on batches of one map that all use, and counts what it should not see.
import { parentPort, workerData } from 'node:worker_threads';
import { ShardMap } from '../../../dist/index.js';

const { handle, gate, rivals, role, index, rounds, batch } = workerData;
const map = ShardMap.from(handle);
const gates = new Int32Array(gate);
const keysOf = (round) => Array.from({ length: batch }, (_, place) => `key ${round} ${place}`);
/** Number, object and text in turn: the reader can tell from a key what its value must be. */
const valueFor = (key, place) => (place % 3 === 0 ? place : place % 3 === 1 ? { key, place } : `value of ${key}`);
const isWhole = (key, place, value) =>
  place % 3 === 0
    ? value === place
    : place % 3 === 1
      ? value.key === key && value.place === place
      : value === `value of ${key}`;

const roles = {
  /** Sets batches of all keys, round by round; the same as the other writers do. */
  set: () => {
    for (let round = 0; round < rounds; round++)
      map.setMany(keysOf(round).map((key, place) => [key, valueFor(key, place)]));
    return { wrong: 0, deleted: 0 };
  },
  /** Sets keys of its own, new ones only: one that iterates must see them in this order. */
  append: () => {
    let next = 0;
    for (let round = 0; round < rounds; round++)
      map.setMany(Array.from({ length: batch }, () => [`own ${index} ${next}`, next++]));
    return { wrong: 0, deleted: 0 };
  },
  get: () => {
    let wrong = 0;
    for (let round = 0; round < rounds; round++) {
      const keys = keysOf(round);
      for (const [place, value] of map.getMany(keys).entries())
        if (value !== undefined && !isWhole(keys[place], place, value)) wrong++;
      if (map.hasMany(keys).length !== keys.length) wrong++;
    }
    return { wrong, deleted: 0 };
  },
  delete: () => {
    let deleted = 0;
    for (let round = 0; round < rounds; round++) deleted += map.deleteMany(keysOf(round));
    return { wrong: 0, deleted };
  },
  iterate: () => {
    let wrong = 0;
    for (let walk = 0; walk < 5; walk++) {
      const last = new Map();
      for (const [key, value] of map) {
        const [kind, whose, place] = key.split(' ');
        if (kind === 'key') {
          if (!isWhole(key, Number(place), value)) wrong++;
        } else {
          if (value <= (last.get(whose) ?? -1)) wrong++;
          last.set(whose, value);
        }
      }
    }
    return { wrong, deleted: 0 };
  },
};

parentPort.postMessage('ready');
Atomics.add(gates, 0, 1);
while (Atomics.load(gates, 0) < rivals) Atomics.wait(gates, 0, Atomics.load(gates, 0), 1);
Atomics.notify(gates, 0);
parentPort.postMessage(roles[role]());
