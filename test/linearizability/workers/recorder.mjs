// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// Uses a few hot keys of a map together with its rivals, and writes down what it did to them, when, and what it was told.
import { parentPort } from 'node:worker_threads';
import { ShardMap } from '../../../dist/index.js';
import { ABSENT, FORMS, KINDS, valueWritten } from '../operations.mjs';
import { fromStored, toStored } from '../values.mjs';

const { bigint: now } = process.hrtime;

/** By worker: equal values are stored as bytes that differ. */
const WAYS_TO_COMPRESS = [{ algorithm: 'deflate', minBytes: 64 }, false, { algorithm: 'brotli', minBytes: 200 }];

/** What the function of `update` was shown last. */
let shown;

const naps = new Int32Array(new SharedArrayBuffer(4));
let napsAsked = 0;

/** In the middle of an operation: so that rivals get their turn there on one core too. */
function napNowAndThen() {
  if (++napsAsked % 16 === 0) Atomics.wait(naps, 0, 0, 0.02);
}

const calls = {
  get: (map, key) => map.get(key),
  has: (map, key) => map.has(key),
  set: (map, key, _, value) => map.set(key, value),
  delete: (map, key) => map.delete(key),
  getOrInsert: (map, key, _, value) => map.getOrInsert(key, value),
  getOrInsertComputed: (map, key, _, value) =>
    map.getOrInsertComputed(key, () => {
      napNowAndThen();
      return value;
    }),
  getAndSet: (map, key, _, value) => map.getAndSet(key, value),
  getAndDelete: (map, key) => map.getAndDelete(key),
  compareAndSet: (map, key, expected, value) => map.compareAndSet(key, expected, value),
  compareAndDelete: (map, key, expected) => map.compareAndDelete(key, expected),
  increment: (map, key, _, by) => map.increment(key, by),
  update: (map, key, _, value) =>
    map.update(key, (current) => {
      shown = current;
      napNowAndThen();
      return value;
    }),
  /** An update in two calls, which are one step. */
  entry: (map, key, _, value) =>
    map
      .entry(key)
      .andModify((current) => {
        shown = current;
        napNowAndThen();
        return value;
      })
      .orInsertWith(() => {
        shown = undefined;
        return value;
      }),
};

/** A small generator of whole numbers below `limit`: a seed repeats what is asked, if not what is told. */
function createRandom(state) {
  let bits = state | 0;
  return (limit) => {
    bits = (bits + 0x6d2b79f5) | 0;
    let mixed = Math.imul(bits ^ (bits >>> 15), 1 | bits);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}

/** The columns of a history, a row for each operation; there before the first call, so that writing allocates nothing. */
class Recorder {
  rows = 0;

  constructor(rowsMax) {
    this.kind = new Uint8Array(rowsMax);
    this.key = new Uint8Array(rowsMax);
    this.invoked = new BigInt64Array(rowsMax);
    this.returned = new BigInt64Array(rowsMax);
    this.expected = new Float64Array(rowsMax);
    this.argument = new Float64Array(rowsMax);
    this.result = new Float64Array(rowsMax);
  }

  /** What `call` returns, which is made between the two times of the row to be added. */
  time(call, map, key, expected, value) {
    const { rows } = this;
    this.invoked[rows] = now();
    const told = call(map, key, expected, value);
    this.returned[rows] = now();
    return told;
  }

  add(kind, key, expected, argument, result) {
    this.kind[this.rows] = KINDS.indexOf(kind);
    this.key[this.rows] = key;
    this.expected[this.rows] = expected;
    this.argument[this.rows] = argument;
    this.result[this.rows++] = result;
  }

  /** An operation on each key, all with the times of the first. */
  addEach(kind, given, told) {
    const first = this.rows;
    for (let key = 0; key < told.length; key++) {
      this.invoked[this.rows] = this.invoked[first];
      this.returned[this.rows] = this.returned[first];
      this.add(kind, key, ABSENT, given[key] ?? ABSENT, told[key]);
    }
  }
}

/** One worker's use of the hot keys. */
class User {
  #map;
  #plan;
  #random;
  #urn;
  #seen;
  #writes = 0;
  recorder;

  constructor(map, plan) {
    this.#map = map;
    this.#plan = plan;
    this.#random = createRandom(plan.seed);
    this.#urn = Object.entries(plan.mix).flatMap(([kind, weight]) => Array.from({ length: weight }, () => kind));
    this.#seen = plan.keys.map(() => ABSENT);
    this.recorder = new Recorder(plan.operations + plan.keys.length);
  }

  step() {
    const name = this.#urn[this.#random(this.#urn.length)];
    if (name in batches) this.#useAll(batches[name]);
    else this.#use(name, this.#random(this.#plan.keys.length));
  }

  #use(name, key) {
    const { shape, keys } = this.#plan;
    const kind = name === 'entry' ? 'update' : name;
    const { takes, tells } = FORMS[kind];
    const argument = takes.includes('argument') ? this.#chooseArgument(name) : ABSENT;
    let expected = takes.includes('expected') ? this.#chooseExpected(kind, key) : ABSENT;
    const given = [toStored(shape, expected), toStored(shape, argument)];
    const told = this.recorder.time(calls[name], this.#map, keys[key], given[0], given[1]);
    const result = tells === 'value' ? fromStored(told) : tells === 'boolean' ? Number(told) : ABSENT;
    if (kind === 'update') expected = fromStored(shown);
    this.recorder.add(kind, key, expected, argument, result);
    if (!kind.startsWith('getAnd') && tells === 'value') this.#seen[key] = result;
    else if (kind === 'set' || kind === 'getAndSet') this.#seen[key] = argument;
  }

  /** All keys in one call. */
  #useAll({ kind, isWrite, call, read }) {
    const { shape, keys } = this.#plan;
    const given = keys.map(() => (isWrite ? this.#nextValue() : ABSENT));
    const values = given.map((value, key) => [keys[key], toStored(shape, value)]);
    const told = this.recorder.time(call, this.#map, keys, values);
    this.recorder.addEach(kind, given, read(told, keys));
  }

  #nextValue() {
    return valueWritten(this.#plan.worker, ++this.#writes);
  }

  #chooseArgument(name) {
    if (name === 'increment') return 1 + this.#random(3);
    return name === 'update' && this.#random(5) === 0 ? ABSENT : this.#nextValue();
  }

  /** Mostly what this worker believes is there. */
  #chooseExpected(kind, key) {
    const seen = this.#seen[key];
    if (kind === 'compareAndSet') return this.#random(8) === 0 ? ABSENT : seen;
    return seen === ABSENT ? valueWritten(this.#plan.worker, this.#writes + 1) : seen;
  }
}

/** Operations on all keys: each is one on every key. An entry that an iteration does not show was absent meanwhile. */
const batches = {
  getMany: { kind: 'get', call: (map, keys) => map.getMany(keys), read: (values) => values.map(fromStored) },
  hasMany: { kind: 'has', call: (map, keys) => map.hasMany(keys), read: (told) => told.map(Number) },
  setMany: { kind: 'set', isWrite: true, call: (map, _, entries) => map.setMany(entries), read: nothing },
  deleteMany: { kind: 'clear', call: (map, keys) => map.deleteMany(keys), read: nothing },
  clear: { kind: 'clear', call: (map) => map.clear(), read: nothing },
  iterate: {
    kind: 'get',
    call: (map) => [...map],
    read: (entries, keys) => keys.map((key) => fromStored(entries.find(([each]) => String(each) === String(key))?.[1])),
  },
};

function nothing(_, keys) {
  return keys.map(() => ABSENT);
}

/** Other keys that come and go in the same shards: tables grow and shrink, and hot entries move. */
class Crowd {
  #size = 0;
  #goal = 0;

  constructor(map, worker, random) {
    this.map = map;
    this.worker = worker;
    this.random = random;
  }

  step() {
    if (this.#size === 0) this.#goal = 8 << this.random(9);
    if (this.#size < this.#goal) this.map.set(`crowd ${this.worker} ${this.#size++}`, 'of the crowd');
    else this.#goal = 0;
    if (this.#goal === 0) this.map.delete(`crowd ${this.worker} ${--this.#size}`);
  }
}

/** Rows after which the workers wait for each other, so that none is done before the others begin. */
const LEG = 1000;
/** Looks at who has come until a thread sleeps: some microseconds. */
const LOOKS_MAX = 20_000;

/** Sleeps until all have come, and then waits awake until all are awake: to wake takes as long as a hundred operations. */
function meet(arrivals, round, rivals) {
  arrive(arrivals, (2 * round + 1) * rivals, 0);
  arrive(arrivals, (2 * round + 2) * rivals, LOOKS_MAX);
}

function arrive(arrivals, expected, looks) {
  Atomics.add(arrivals, 0, 1);
  Atomics.notify(arrivals, 0);
  let seen = Atomics.load(arrivals, 0);
  for (let look = 0; look < looks && seen < expected; look++) seen = Atomics.load(arrivals, 0);
  for (; seen < expected; seen = Atomics.load(arrivals, 0)) Atomics.wait(arrivals, 0, seen);
}

function record({ handle, gate, rivals, ...plan }) {
  const compress = plan.compresses && WAYS_TO_COMPRESS[plan.worker % WAYS_TO_COMPRESS.length];
  const map = ShardMap.from(handle, { compress });
  const user = new User(map, plan);
  const crowd = new Crowd(map, plan.worker, createRandom(plan.seed));
  const arrivals = new Int32Array(gate);
  for (let leg = 0; user.recorder.rows < plan.operations; leg++) {
    meet(arrivals, leg, rivals);
    while (user.recorder.rows < Math.min((leg + 1) * LEG, plan.operations)) {
      user.step();
      if (plan.crowd) crowd.step();
    }
  }
  map.close();
  return user.recorder;
}

parentPort.on('message', (plan) => {
  const recorder = record(plan);
  const columns = { ...recorder };
  const buffers = Object.values(columns).flatMap((column) => (typeof column === 'object' ? [column.buffer] : []));
  parentPort.postMessage(columns, buffers);
});
parentPort.postMessage('ready');
