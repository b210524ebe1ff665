// Entries that expire: what a deadline costs a write, a read, and memory; how fast what has expired goes, how late, and
// what others notice of it; and what waiting costs. Against entries without deadlines, and what else expires entries.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { ShardMap } from 'shardmap';
import { createRow, measurePair, measurePairOnce, ratioAtMost, subjectAtMost, takeTurns } from '../pairs.mjs';
import { installPeers } from '../peers/install.mjs';
import { load } from '../peers/packages.mjs';
import { ENTRIES, inStretches, keptKeys, keyBytes, STRETCH, shuffledIndices } from '../workload.mjs';

const HOUR_MS = 3_600_000;
const WAITING = fileURLToPath(new URL('../waiting-process.mjs', import.meta.url));
const DISTURBER = new URL('../expiry-worker.mjs', import.meta.url);
/** How long all entries of a mass expiry are set before they are due, and more where there are more of them. */
const LEAD_MS = 300;

/** @typedef {{ set(key: string, value: number): unknown, close?: () => void }} Settable */

/**
 * @param {import('../run.mjs').Options} options
 * @returns {AsyncGenerator<import('../suites.mjs').Finding>}
 */
export async function* measure(options) {
  yield* measureWrites(options);
  yield* measurePeers(options);
  yield* measureMemory(options);
  yield* measureMassExpiry(options);
  yield* measureLateness(options);
  yield* measureWaiting(options);
}

// --- One thread ------------------------------------------------------------------------------------------------------

/** @param {import('../run.mjs').Options} options */
async function* measureWrites(options) {
  const keys = keptKeys(keyBytes(ENTRIES));
  const labels = /** @type {[string, string]} */ (['with a deadline', 'without']);
  const lifetime = { ttl: HOUR_MS };
  /** @type {[string, () => ShardMap<string, number>, (map: ShardMap<string, number>, key: string, i: number) => unknown][]} */
  const ways = [
    ['by set(…, { ttl })', () => new ShardMap(), (map, key, i) => map.set(key, i, { ttl: HOUR_MS })],
    ['by set(…, options), one object', () => new ShardMap(), (map, key, i) => map.set(key, i, lifetime)],
    ["by the map's ttl", () => new ShardMap(null, { ttl: HOUR_MS }), (map, key, i) => map.set(key, i)],
  ];
  for (const [way, open, set] of ways) {
    yield await measurePairOnce(
      {
        name: `fill, ${way}`,
        labels,
        target: ratioAtMost(1.25, 1.25),
        operations: ENTRIES,
        subject: filling(keys, open, set),
        reference: filling(
          keys,
          () => new ShardMap(),
          (map, key, i) => map.set(key, i),
        ),
      },
      options,
    );
  }
  const timed = new ShardMap(null, { ttl: HOUR_MS });
  const plain = new ShardMap();
  const touched = new ShardMap(null, { ttl: HOUR_MS, touch: true });
  for (const map of [timed, plain, touched]) for (const [i, key] of keys.entries()) map.set(key, i);
  const order = shuffledIndices(ENTRIES, 3);
  /** @type {(each: (key: string, i: number) => unknown) => () => void} */
  const inOrder = (each) =>
    inStretches(ENTRIES, (from, to) => {
      for (let i = from; i < to; i++) each(/** @type {string} */ (keys[/** @type {number} */ (order[i])]), i);
    });
  const pairs = [
    { name: 'overwrite, random', subject: timed.set.bind(timed), reference: plain.set.bind(plain) },
    { name: 'get, random', subject: timed.get.bind(timed), reference: plain.get.bind(plain) },
    { name: 'get, random, that renews', subject: touched.get.bind(touched), reference: plain.get.bind(plain) },
    {
      name: 'expire, random, to another deadline, over set',
      subject: (/** @type {string} */ key, /** @type {number} */ i) => timed.expire(key, HOUR_MS + i),
      reference: plain.set.bind(plain),
    },
  ];
  for (const { name, subject, reference } of pairs) {
    const sides = { subject: inOrder(subject), reference: inOrder(reference) };
    yield await measurePair({ name, labels, operations: STRETCH, ...sides }, options);
  }
  for (const map of [timed, plain, touched]) map.close();
}

/**
 * @template {Settable} M
 * @param {string[]} keys
 * @param {() => M} open
 * @param {(map: M, key: string, i: number) => unknown} set
 */
function filling(keys, open, set) {
  return {
    prepare: open,
    run: (/** @type {M} */ map) => {
      for (let i = 0; i < keys.length; i++) set(map, /** @type {string} */ (keys[i]), i);
    },
    dispose: (/** @type {M} */ map) => map.close?.(),
  };
}

// --- Others that expire entries --------------------------------------------------------------------------------------

/**
 * @param {import('../run.mjs').Options} options
 * @returns {AsyncGenerator<import('../suites.mjs').Finding>}
 */
async function* measurePeers(options) {
  const failure = installPeers();
  if (failure) yield { skipped: failure };
  const keys = keptKeys(keyBytes(ENTRIES));
  for (const [label, openPeer] of Object.entries(PEERS)) {
    try {
      const open = await openPeer();
      yield await measurePairOnce(
        {
          name: 'fill, each with a deadline',
          labels: ['ShardMap', label],
          operations: ENTRIES,
          subject: filling(
            keys,
            () => new ShardMap(null, { ttl: HOUR_MS }),
            (map, key, i) => map.set(key, i),
          ),
          reference: filling(keys, open, (cache, key, i) => cache.set(key, i)),
        },
        options,
      );
    } catch (error) {
      yield { skipped: `${label}: ${error}` };
    }
  }
}

/** @type {Record<string, () => Promise<() => Settable>>} */
const PEERS = {
  'lru-cache': async () => {
    const { LRUCache } = await load('lru-cache');
    return () => new LRUCache({ max: 2 * ENTRIES, ttl: HOUR_MS });
  },
  'lru-cache, ttlAutopurge': async () => {
    const { LRUCache } = await load('lru-cache');
    return () => {
      const cache = new LRUCache({ max: 2 * ENTRIES, ttl: HOUR_MS, ttlAutopurge: true });
      return { set: (key, value) => cache.set(key, value), close: () => cache.clear() };
    };
  },
  'node-cache': async () => {
    const { default: NodeCache } = await load('node-cache');
    return () => {
      const cache = new NodeCache({ stdTTL: HOUR_MS / 1000, useClones: false });
      return { set: (key, value) => cache.set(key, value), close: () => cache.close() };
    };
  },
  'Map and a setTimeout each': async () => () => {
    /** @type {Map<string, { value: number, timer: NodeJS.Timeout }>} */
    const map = new Map();
    return {
      set: (key, value) => map.set(key, { value, timer: setTimeout(() => map.delete(key), HOUR_MS) }),
      close: () => {
        for (const { timer } of map.values()) clearTimeout(timer);
      },
    };
  },
};

// --- Memory and waiting: processes of their own ------------------------------------------------------------------------

/**
 * @param {string} kind
 * @param {number} entries
 * @param {number} waitMs
 * @returns {{ rssBytes: number, statsBytes: number | undefined, cpuNs: number }}
 */
function waiting(kind, entries, waitMs) {
  const given = ['--expose-gc', '--max-old-space-size=12000', WAITING, kind, String(entries), String(waitMs)];
  return JSON.parse(execFileSync(process.execPath, given, { encoding: 'utf8' }));
}

/** @param {import('../run.mjs').Options} options */
function* measureMemory({ rounds }) {
  const sizes = [ENTRIES, 5 * ENTRIES];
  for (const entries of sizes) {
    const samples = Array.from({ length: rounds }, () => ({
      timed: waiting('timed', entries, 0),
      later: waiting('later', entries, 0),
      plain: waiting('plain', entries, 0),
    }));
    const count = entries.toLocaleString('en-US');
    const target = subjectAtMost(24, 12);
    for (const [name, kind] of /** @type {const} */ ([
      ['set with it', 'timed'],
      ['expire after set', 'later'],
    ])) {
      yield createRow(
        {
          name: `memory for a deadline, of ${count}, ${name}, by stats()`,
          unit: 'bytes',
          labels: ['the deadline', 'entry without'],
          target,
        },
        samples.map((sample) => {
          const plain = (sample.plain.statsBytes ?? 0) / entries;
          return [(sample[kind].statsBytes ?? 0) / entries - plain, plain];
        }),
      );
    }
  }
  const references = ['lru-cache', 'node-cache', 'timeouts'];
  const samples = Array.from({ length: rounds }, () =>
    ['timed', ...references].map((kind) => waiting(kind, ENTRIES, 0)),
  );
  for (const [index, reference] of references.entries()) {
    yield createRow(
      {
        name: `memory per entry with a deadline, of ${ENTRIES.toLocaleString('en-US')}, growth of the process`,
        unit: 'bytes',
        labels: ['ShardMap', reference === 'timeouts' ? 'Map and a setTimeout each' : reference],
      },
      samples.map((sides) => [
        /** @type {number} */ (sides[0]?.rssBytes) / ENTRIES,
        /** @type {number} */ (sides[index + 1]?.rssBytes) / ENTRIES,
      ]),
    );
  }
}

/** @param {import('../run.mjs').Options} options */
function* measureWaiting({ rounds, scale }) {
  const entries = scale === 'full' ? 10_000_000 : 100_000;
  const waitMs = scale === 'smoke' ? 200 : 5000;
  const samples = Array.from(
    { length: Math.min(rounds, 3) },
    () =>
      /** @type {[number, number]} */ (
        ['timed', 'plain'].map((kind) => (waiting(kind, entries, waitMs).cpuNs * 1000) / waitMs)
      ),
  );
  const name = `CPU time of a second in which ${entries.toLocaleString('en-US')} entries wait for tomorrow`;
  yield createRow({ name, labels: ['with deadlines', 'without'] }, samples);
}

// --- When they are due -----------------------------------------------------------------------------------------------

/** @param {import('../run.mjs').Options} options */
async function* measureMassExpiry(options) {
  const entries = options.scale === 'full' ? 1_000_000 : 50_000;
  const bytes = keyBytes(entries);
  const keys = keptKeys(bytes);
  /** @type {[number, number][]} */
  const rates = [];
  /** @type {number[][][]} */
  const latencies = [];
  for (let round = 0; round < options.rounds; round++) {
    const [heard, unheard] = await takeTurns([() => massExpiry(keys, true), () => massExpiry(keys, false)], round);
    rates.push([/** @type {Mass} */ (heard).perMicrosecond, /** @type {Mass} */ (unheard).perMicrosecond]);
    latencies.push([/** @type {Mass} */ (unheard).during, /** @type {Mass} */ (unheard).before]);
  }
  const count = entries.toLocaleString('en-US');
  const name = `expiry of ${count} that are due at once, in a map that another thread reads all the time`;
  yield createRow({ name, unit: 'M/s', labels: ['a thread listens', 'nobody listens'] }, rates);
  for (const [index, figure] of ['p50', 'p99', 'p99.9', 'max'].entries()) {
    yield createRow(
      { name: `get while ${count} expire, ${figure}`, labels: ['while they expire', 'before'] },
      latencies.map((sides) => /** @type {[number, number]} */ (sides.map((figures) => figures[index]))),
    );
  }
}

/** @typedef {{ perMicrosecond: number, during: number[], before: number[] }} Mass */

/**
 * @param {string[]} keys
 * @param {boolean} isHeard
 * @returns {Promise<Mass>}
 */
async function massExpiry(keys, isHeard) {
  /** @type {ShardMap<string, number>} */
  const map = new ShardMap();
  const stay = new ShardMap(null);
  const worker = new Worker(DISTURBER, { workerData: { handle: map.handle, kept: keys.length / 100 } });
  await once(worker, 'message');
  let heard = 0;
  const listener = (/** @type {unknown[]} */ entries, /** @type {{ dropped: number }} */ info) => {
    heard += entries.length + info.dropped;
  };
  const expiresAt = Date.now() + LEAD_MS + keys.length / 500;
  for (let i = 0; i < keys.length; i++) map.set(/** @type {string} */ (keys[i]), i, { expiresAt });
  if (isHeard) map.on('expire', listener);
  if (Date.now() >= expiresAt) throw new Error('the entries were due before all were set');
  const kept = map.size - keys.length;
  worker.postMessage('before');
  const [before] = await once(worker, 'message');
  await sleep(expiresAt - Date.now() - 5);
  worker.postMessage('during');
  while (map.size === keys.length + kept) await sleep(0);
  const start = process.hrtime.bigint();
  const left = map.size - kept;
  while (map.size > kept) await sleep(1);
  const ns = Number(process.hrtime.bigint() - start);
  worker.postMessage('stop');
  const [during] = await once(worker, 'message');
  await worker.terminate();
  if (isHeard) {
    while (heard < keys.length) await sleep(5);
    map.off('expire', listener);
  }
  map.close();
  stay.close();
  return { perMicrosecond: (left / ns) * 1000, during, before };
}

/** @param {import('../run.mjs').Options} options */
async function* measureLateness(options) {
  const seconds = options.scale === 'smoke' ? 0.3 : 3;
  /** @type {number[][][]} */
  const rounds = [];
  for (let round = 0; round < options.rounds; round++) {
    const sides = [() => lateness(seconds, 1), () => lateness(seconds, 0)];
    rounds.push(/** @type {number[][]} */ (await takeTurns(sides, round)));
  }
  for (const [index, figure] of ['p50', 'p99', 'p99.9', 'max'].entries()) {
    yield createRow(
      {
        name: `lateness of an expired entry at a listener, ${figure}`,
        labels: ['while a worker writes', 'alone'],
        note: 'from the deadline to the call of the listener, 20,000 deadlines a second',
      },
      rounds.map((sides) => /** @type {[number, number]} */ (sides.map((figures) => figures[index]))),
    );
  }
}

/**
 * @param {number} seconds
 * @param {number} workers
 * @returns {Promise<number[]>} nanoseconds: p50, p99, p99.9, max
 */
async function lateness(seconds, workers) {
  /** @type {ShardMap<string, number>} */
  const map = new ShardMap();
  const worker =
    workers === 0 ? undefined : new Worker(DISTURBER, { workerData: { handle: map.handle, kept: ENTRIES } });
  if (worker) await once(worker, 'message');
  worker?.postMessage('during');
  const count = 20_000 * seconds;
  const late = new Float64Array(count);
  let heard = 0;
  map.on('expire', (entries) => {
    const now = performance.now();
    for (let i = 0; i < entries.length; i++) {
      const [, deadline] = /** @type {[string, number]} */ (entries[i]);
      late[heard++] = now - deadline;
    }
  });
  const spread = shuffledIndices(count, 9);
  for (const [i, place] of spread.entries()) {
    const ttl = 200 + (place * seconds * 1000) / count;
    map.set(`timed ${i}`, performance.now() + ttl, { ttl });
  }
  const end = performance.now() + 30_000;
  while (heard < count && performance.now() < end) await sleep(5);
  if (heard < count) throw new Error(`of ${count} entries only ${heard} expired in 30 seconds`);
  worker?.postMessage('stop');
  if (worker) await once(worker, 'message');
  await worker?.terminate();
  map.close();
  late.sort();
  return [0.5, 0.99, 0.999, 1].map(
    (rank) => /** @type {number} */ (late[Math.min(count - 1, Math.floor(rank * count))]) * 1e6,
  );
}
