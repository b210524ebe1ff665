// The workloads of YCSB, the Yahoo! Cloud Serving Benchmark, but E, which scans in the order of keys. Values are
// numbers, and no records.
import { Crew } from '../crew.mjs';
import { compareTwoWorkers } from '../two-workers.mjs';
import { ENTRIES } from '../workload.mjs';

/** @type {Record<string, import('../mix.mjs').Mix>} */
const WORKLOADS = {
  'A: 50 % reads, 50 % updates, zipfian': { read: 0.5, update: 0.5, keys: 'zipfian' },
  'B: 95 % reads, 5 % updates, zipfian': { read: 0.95, update: 0.05, keys: 'zipfian' },
  'C: reads only, zipfian': { read: 1, keys: 'zipfian' },
  'D: 95 % reads of the latest, 5 % inserts': { read: 0.95, insert: 0.05, keys: 'latest' },
  'F: 50 % reads, 50 % read-modify-writes, zipfian': { read: 0.5, readModifyWrite: 0.5, keys: 'zipfian' },
};

/** @param {import('../run.mjs').Options} options */
export async function* measure(options) {
  const crew = await Crew.start(2, { shared: ENTRIES, hasOwnKeys: true });
  try {
    for (const [name, mix] of Object.entries(WORKLOADS)) {
      yield* compareTwoWorkers(crew, name, () => ({ mix, shared: ENTRIES, own: 0 }), options);
    }
  } finally {
    await crew.stop();
  }
}
