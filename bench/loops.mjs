// The loops that are timed. Import them with `loadLoops`: each side of a comparison has an instance of this module of
// its own, or V8 would compile one loop for all kinds of map and none would run as it does in a program of its own.
import { INSERT, KEY_BITS, KEYS_MAX, READ, READ_MODIFY_WRITE, REMOVE } from './mix.mjs';
import { freshKey, OWN_KEYS } from './workload.mjs';

/**
 * Keys are mostly strings, and `any` here for the suite that tries others.
 *
 * @typedef {object} AnyMap
 * @property {(key: any) => number | undefined} get
 * @property {(key: any, value: number) => unknown} set
 * @property {(key: any) => boolean} [has]
 * @property {(key: any) => unknown} [delete]
 * @property {() => import('./latencies.mjs').Latencies} [takeTally] what it has counted for each set since the last call, to
 *   be reported in place of times
 * @property {(work: () => void) => unknown} [batch] does the sets that `work` makes at once
 * @property {() => unknown} [close]
 */
/**
 * One that answers later: operations go in windows, of which `exchange` tells the sum of the values found.
 *
 * @typedef {{ exchange(gets: string[], sets: [string, number][]): Promise<number>, close(): unknown }} RemoteMap
 */

/**
 * @param {string} side any name
 * @returns {Promise<typeof import('./loops.mjs')>}
 */
export function loadLoops(side) {
  return import(`./loops.mjs?side=${side}`);
}

// --- One operation, all alike ----------------------------------------------------------------------------------------

/**
 * Gets `keys[order[i]]` for each i from `from` to `to`; returns the sum of the values found, so that nothing is
 * optimised away.
 *
 * @param {AnyMap} map
 * @param {unknown[]} keys
 * @param {Uint32Array} order
 * @param {number} from
 * @param {number} to
 */
export function getKept(map, keys, order, from, to) {
  let sum = 0;
  for (let i = from; i < to; i++) sum += map.get(keys[/** @type {number} */ (order[i])]) ?? 0;
  return sum;
}

/**
 * @param {Required<Pick<AnyMap, 'has'>>} map
 * @param {unknown[]} keys
 * @param {Uint32Array} order
 * @param {number} from
 * @param {number} to
 */
export function hasKept(map, keys, order, from, to) {
  let found = 0;
  for (let i = from; i < to; i++) if (map.has(keys[/** @type {number} */ (order[i])])) found++;
  return found;
}

/**
 * Gets `count` values one after the other, each of which is the index of the next key: the processor cannot begin a get
 * before it knows what the one before found, as it does in the loop above.
 *
 * @param {AnyMap} map
 * @param {unknown[]} keys
 * @param {number} first
 * @param {number} count
 */
export function getChained(map, keys, first, count) {
  let index = first;
  for (let i = 0; i < count; i++) index = map.get(keys[index]) ?? 0;
  return index;
}

/**
 * As `getKept`, with strings made for each get.
 *
 * @param {AnyMap} map
 * @param {Buffer} bytes
 * @param {Uint32Array} order
 * @param {number} from
 * @param {number} to
 */
export function getFresh(map, bytes, order, from, to) {
  let sum = 0;
  for (let i = from; i < to; i++) sum += map.get(freshKey(bytes, /** @type {number} */ (order[i]))) ?? 0;
  return sum;
}

/**
 * The same with keys of other kinds.
 *
 * @param {AnyMap} map
 * @param {(index: number) => unknown} build
 * @param {Uint32Array} order
 * @param {number} from
 * @param {number} to
 */
export function getBuilt(map, build, order, from, to) {
  let sum = 0;
  for (let i = from; i < to; i++) sum += map.get(build(/** @type {number} */ (order[i]))) ?? 0;
  return sum;
}

/**
 * What `getFresh` does but for the get: the price of the strings alone.
 *
 * @param {Buffer} bytes
 * @param {Uint32Array} order
 * @param {number} from
 * @param {number} to
 */
export function buildFresh(bytes, order, from, to) {
  let sum = 0;
  for (let i = from; i < to; i++) sum += freshKey(bytes, /** @type {number} */ (order[i])).length;
  return sum;
}

/**
 * @param {AnyMap} map
 * @param {unknown[]} keys
 * @param {Uint32Array} order
 * @param {number} from
 * @param {number} to
 */
export function setKept(map, keys, order, from, to) {
  for (let i = from; i < to; i++) map.set(keys[/** @type {number} */ (order[i])], i);
}

/**
 * Sets the values in turn.
 *
 * @param {{ set(key: any, value: any): unknown }} map
 * @param {unknown[]} keys
 * @param {unknown[]} values
 * @param {Uint32Array} order
 * @param {number} from
 * @param {number} to
 */
export function setValues(map, keys, values, order, from, to) {
  for (let i = from; i < to; i++) map.set(keys[/** @type {number} */ (order[i])], values[i % values.length]);
}

/**
 * @param {AnyMap} map
 * @param {Buffer} bytes
 * @param {Uint32Array} order
 * @param {number} from
 * @param {number} to
 */
export function setFresh(map, bytes, order, from, to) {
  for (let i = from; i < to; i++) map.set(freshKey(bytes, /** @type {number} */ (order[i])), i);
}

/**
 * @param {Required<Pick<AnyMap, 'delete'>>} map
 * @param {unknown[]} keys
 * @param {Uint32Array} order
 * @param {number} from
 * @param {number} to
 */
export function deleteKept(map, keys, order, from, to) {
  for (let i = from; i < to; i++) map.delete(keys[/** @type {number} */ (order[i])]);
}

/**
 * Values are objects with a number `id`.
 *
 * @param {{ get(key: any): any }} map
 * @param {unknown[]} keys
 * @param {Uint32Array} order
 * @param {number} from
 * @param {number} to
 */
export function getObjects(map, keys, order, from, to) {
  let sum = 0;
  for (let i = from; i < to; i++) sum += map.get(keys[/** @type {number} */ (order[i])]).id;
  return sum;
}

// --- The same in batches ---------------------------------------------------------------------------------------------

/** @typedef {import('shardmap').ShardMap<any, any>} BatchMap */

/**
 * @param {BatchMap} map
 * @param {unknown[]} keys
 * @param {Uint32Array} order
 * @param {number} from
 * @param {number} to
 * @param {number} size of a batch
 */
export function getMany(map, keys, order, from, to, size) {
  let sum = 0;
  for (let first = from; first < to; first += size) {
    const values = map.getMany(batchOf(keys, order, first, Math.min(to, first + size)));
    for (let i = 0; i < values.length; i++) sum += values[i] ?? 0;
  }
  return sum;
}

/** @type {typeof getMany} */
export function getManyObjects(map, keys, order, from, to, size) {
  let sum = 0;
  for (let first = from; first < to; first += size) {
    const values = map.getMany(batchOf(keys, order, first, Math.min(to, first + size)));
    for (let i = 0; i < values.length; i++) sum += values[i].id;
  }
  return sum;
}

/** @type {typeof getMany} */
export function hasMany(map, keys, order, from, to, size) {
  let count = 0;
  for (let first = from; first < to; first += size) {
    const found = map.hasMany(batchOf(keys, order, first, Math.min(to, first + size)));
    for (let i = 0; i < found.length; i++) if (found[i]) count++;
  }
  return count;
}

/** @type {typeof getMany} */
export function setMany(map, keys, order, from, to, size) {
  for (let first = from; first < to; first += size) {
    const end = Math.min(to, first + size);
    /** @type {[unknown, number][]} */
    const entries = [];
    for (let i = first; i < end; i++) entries.push([keys[/** @type {number} */ (order[i])], i]);
    map.setMany(entries);
  }
  return 0;
}

/**
 * Sets entries that are there already, one by one.
 *
 * @param {AnyMap} map
 * @param {readonly (readonly [unknown, number])[]} entries
 */
export function setPairs(map, entries) {
  for (const [key, value] of entries) map.set(key, value);
}

/**
 * The same in batches.
 *
 * @param {any} map
 * @param {readonly (readonly [unknown, number])[]} entries
 * @param {number} size
 */
export function setManyPairs(map, entries, size) {
  if (size >= entries.length) {
    map.setMany(entries);
  } else {
    for (let first = 0; first < entries.length; first += size) map.setMany(entries.slice(first, first + size));
  }
}

/** @type {typeof getMany} */
export function deleteMany(map, keys, order, from, to, size) {
  let count = 0;
  for (let first = from; first < to; first += size)
    count += map.deleteMany(batchOf(keys, order, first, Math.min(to, first + size)));
  return count;
}

/**
 * @param {unknown[]} keys
 * @param {Uint32Array} order
 * @param {number} from
 * @param {number} to
 */
function batchOf(keys, order, from, to) {
  const batch = [];
  for (let i = from; i < to; i++) batch.push(keys[/** @type {number} */ (order[i])]);
  return batch;
}

// --- A mix of operations ---------------------------------------------------------------------------------------------

/**
 * The keys of one worker: numbers below `shared` are keys that all workers use, the first of them kept as strings; the
 * others are keys of its own, which begin at `first` in `bytes`.
 *
 * @typedef {{ kept: string[], bytes: Buffer, shared: number, first: number }} Keys
 */
/**
 * Where a worker is: in its draws, and in the numbers of its keys, of which those from `oldest` to below `newest` are
 * present.
 *
 * @typedef {{ draws: Uint32Array, keys: import('./mix.mjs').Mix['keys'], next: number, oldest: number, newest: number }} Position
 */

/**
 * @param {AnyMap} map
 * @param {Keys} keys
 * @param {Position} position
 * @param {number} operations
 */
export function replay(map, keys, position, operations) {
  let sum = 0;
  for (let done = 0; done < operations; done++) {
    const draw = nextDraw(position);
    const kind = draw >>> KEY_BITS;
    sum += operate(map, kind, keyOf(keys, numberOf(position, kind, draw % KEYS_MAX)), done);
  }
  return sum;
}

/**
 * The same with operations that are due one by one at a fixed rate: each is begun when it is due, or at once where the
 * one before took longer, and counted from when it was due. So a wait is counted for all operations that it holds up,
 * and not for one of them.
 *
 * @param {AnyMap} map
 * @param {Keys} keys
 * @param {Position} position
 * @param {{ seconds: number, perSecond: number }} pace
 * @param {{ reads: import('./latencies.mjs').Latencies, writes: import('./latencies.mjs').Latencies }} latencies
 */
export function replayAtPace(map, keys, position, { seconds, perSecond }, { reads, writes }) {
  const intervalMs = 1000 / perSecond;
  let sum = 0;
  let dueMs = performance.now() + intervalMs;
  for (let left = seconds * perSecond; left > 0; left--) {
    const draw = nextDraw(position);
    const kind = draw >>> KEY_BITS;
    const key = keyOf(keys, numberOf(position, kind, draw % KEYS_MAX));
    while (performance.now() < dueMs);
    sum += operate(map, kind, key, left);
    (kind === READ ? reads : writes).add((performance.now() - dueMs) * 1e6);
    dueMs += intervalMs;
  }
  return sum;
}

/**
 * The same with operations that are asked for `operations` at a time, all in flight at once. Reads and updates only.
 *
 * @param {RemoteMap} map
 * @param {Keys} keys
 * @param {Position} position
 * @param {number} operations
 */
export function replayWindow(map, keys, position, operations) {
  /** @type {string[]} */
  const gets = [];
  /** @type {[string, number][]} */
  const sets = [];
  for (let done = 0; done < operations; done++) {
    const draw = nextDraw(position);
    const kind = draw >>> KEY_BITS;
    const key = keyOf(keys, numberOf(position, kind, draw % KEYS_MAX));
    if (kind === READ) gets.push(key);
    else sets.push([key, done]);
  }
  return map.exchange(gets, sets);
}

/** @param {Position} position */
function nextDraw(position) {
  const { draws, next } = position;
  position.next = next + 1 === draws.length ? 0 : next + 1;
  return /** @type {number} */ (draws[next]);
}

/**
 * @param {Position} position
 * @param {number} kind
 * @param {number} which
 */
function numberOf(position, kind, which) {
  if (kind === INSERT) return position.newest++;
  if (kind === REMOVE) return position.oldest < position.newest ? position.oldest++ : position.oldest;
  if (position.keys === 'latest') return position.newest - 1 - which;
  if (position.keys === 'own')
    return position.oldest + Math.floor((which / KEYS_MAX) * (position.newest - position.oldest));
  return which;
}

/**
 * @param {Keys} keys
 * @param {number} number
 */
function keyOf(keys, number) {
  if (number < keys.kept.length) return /** @type {string} */ (keys.kept[number]);
  return freshKey(keys.bytes, number < keys.shared ? number : keys.first + ((number - keys.shared) % OWN_KEYS));
}

/**
 * @param {AnyMap} map
 * @param {number} kind
 * @param {string} key
 * @param {number} value
 */
function operate(map, kind, key, value) {
  if (kind === READ) return map.get(key) ?? 0;
  if (kind === REMOVE) map.delete?.(key);
  else if (kind === READ_MODIFY_WRITE) map.set(key, (map.get(key) ?? 0) + 1);
  else map.set(key, value);
  return 0;
}
