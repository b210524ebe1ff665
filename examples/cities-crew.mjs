// The threads of one round, and the map or maps that they work on.
import { once } from 'node:events';
import { MessageChannel, Worker } from 'node:worker_threads';
import { countryOf, partOf } from './cities-source.mjs';

export const SHARED = 'one ShardMap';
export const COPIED = 'a Map in each thread';

export class Crew {
  #workers;
  #failure;
  /** The shared map; undefined where each worker has a Map of its own. */
  map;

  constructor(map, cities, { threads, operations }) {
    const codes = cities.map((city) => city.code);
    const countries = [...new Set(codes.map(countryOf))].sort();
    const meetingBuffer = new SharedArrayBuffer(8);
    this.map = map;
    const handle = map?.handle; // all that a thread needs to get at the map
    const peersOf = map ? () => [] : connectAll(threads);
    this.#workers = Array.from({ length: threads }, (_, thread) => {
      const peers = peersOf(thread);
      const part = partOf(cities, thread, threads);
      const workerData = { thread, threads, operations, part, codes, countries, handle, peers, meetingBuffer };
      return new Worker(new URL('./cities-worker.mjs', import.meta.url), { workerData, transferList: peers });
    });
    this.#failure = firstFailure(this.#workers);
  }

  /** All threads do a phase at the same time. Returns their results, and how fast they were together. */
  async run(phase) {
    const replies = this.#workers.map((worker) => once(worker, 'message'));
    for (const worker of this.#workers) worker.postMessage(phase);
    const failure = this.#failure.catch((cause) => {
      throw new Error(`${phase}: a thread failed`, { cause });
    });
    const outcomes = (await Promise.race([Promise.all(replies), failure])).flat();
    const startedMs = Math.min(...outcomes.map((outcome) => outcome.startedMs));
    const endedMs = Math.max(...outcomes.map((outcome) => outcome.endedMs));
    const operations = outcomes.reduce((total, outcome) => total + outcome.operations, 0);
    const seconds = (endedMs - startedMs) / 1000;
    return { operations, seconds, perSecond: operations / seconds, results: outcomes.map((outcome) => outcome.result) };
  }

  async stop() {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
    this.map?.close();
  }
}

/** A promise that only ever rejects: when a thread fails, or ends before it is stopped. */
function firstFailure(workers) {
  const failure = new Promise((_, reject) => {
    workers.forEach((worker, thread) => {
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`thread ${thread} ended by itself with exit code ${code}`)));
    });
  });
  failure.catch(() => {}); // stopping them ends them too, when nobody waits any more
  return failure;
}

/** Channels between all pairs of threads; returns the ends that a thread has. */
function connectAll(threads) {
  const ends = Array.from({ length: threads }, () => []);
  for (let one = 0; one < threads; one++) {
    for (let other = one + 1; other < threads; other++) {
      const { port1, port2 } = new MessageChannel();
      ends[one].push(port1);
      ends[other].push(port2);
    }
  }
  return (thread) => ends[thread];
}
