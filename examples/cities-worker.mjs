// One of the threads of cities.mjs. It does not care which kind of map it works on: one ShardMap that all threads share, or a Map of
// its own that is kept equal to the others' by messages.
import v8 from 'node:v8';
import vm from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import { ShardMap } from 'shardmap';
import {
  codeOf,
  countryKey,
  countryOf,
  createRandom,
  digestOf,
  mixedWork,
  nameKey,
  partOf,
  populationKey,
} from './cities-source.mjs';
import { ReplicatedMap } from './replicated-map.mjs';

const { thread, threads, operations, part, codes, countries, handle, peers, meetingBuffer } = workerData;
const meeting = new Int32Array(meetingBuffer);
const ownCodes = part.map((city) => city.code);
const ownCountries = new Set(partOf(countries, thread, threads));

const map = handle ? ShardMap.from(handle) : new ReplicatedMap(peers);

/** Each returns how many operations it did, and what can be checked or told of them. */
const phases = {
  load() {
    for (const { code, name, population } of part) {
      map.set(nameKey(code), name);
      map.set(populationKey(code), population);
    }
    return { operations: 2 * part.length };
  },

  // Keys are built for each read, as they are when they come out of a request.
  read() {
    const random = createRandom(thread);
    let total = 0;
    for (let done = 0; done < operations; done++) total += map.get(populationKey(codes[random() % codes.length]));
    return { operations, result: total };
  },

  // Every thread looks at all entries and adds up the countries that are its own, while the others add theirs to the map.
  count() {
    const totals = new Map();
    let visited = 0;
    for (const [key, value] of map) {
      visited++;
      const code = codeOf(key);
      if (code === undefined) continue;
      const country = countryOf(code);
      if (ownCountries.has(country)) totals.set(country, (totals.get(country) ?? 0) + value);
    }
    for (const [country, total] of totals) map.set(countryKey(country), total);
    return { operations: visited };
  },

  mixed() {
    let seen = 0;
    const read = (code) => {
      seen += map.get(populationKey(code));
    };
    const update = (code) => map.set(populationKey(code), map.get(populationKey(code)) + 1);
    mixedWork(operations, thread, codes, ownCodes, { read, update });
    return { operations, result: seen };
  },

  digest: () => ({ operations: map.size, result: digestOf(map) }),

  heap: () => ({ operations: 0, result: heapBytes() }),
};

parentPort.on('message', (phase) => {
  meet();
  const startedMs = nowMs();
  const outcome = phases[phase]();
  if (map instanceof ReplicatedMap) catchUp();
  parentPort.postMessage({ ...outcome, startedMs, endedMs: nowMs() });
});

/** Returns once every thread has called it. */
function meet() {
  const round = Atomics.load(meeting, 1);
  if (Atomics.add(meeting, 0, 1) + 1 < threads) {
    Atomics.wait(meeting, 1, round);
    return;
  }
  Atomics.store(meeting, 0, 0);
  Atomics.add(meeting, 1, 1);
  Atomics.notify(meeting, 1);
}

/** A Map of one's own is no shared one until all have sent and received what changed. */
function catchUp() {
  map.send();
  meet();
  map.receive();
}

/** The same clock in all threads. */
function nowMs() {
  return Number(process.hrtime.bigint()) / 1e6;
}

function heapBytes() {
  v8.setFlagsFromString('--expose-gc');
  const collectGarbage = vm.runInNewContext('gc');
  collectGarbage();
  collectGarbage();
  return v8.getHeapStatistics().used_heap_size;
}
