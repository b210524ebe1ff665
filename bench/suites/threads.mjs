// Several threads on one map: two workers over one. benchmark.js cannot see threads, so this has a harness of its own (crew.mjs).
import { ShardMap } from 'shardmap';
import { Crew } from '../crew.mjs';
import { createRow, ratioAtLeast } from '../pairs.mjs';
import { ENTRIES, keptKeys, keyBytes } from '../workload.mjs';

const MIXES = [
  { name: 'reads only', readShare: 1, target: ratioAtLeast(1.85, 1.95) },
  { name: '95 % reads, 5 % overwrites', readShare: 0.95, target: ratioAtLeast(1.8, 1.9) },
  { name: '50 % reads, 50 % overwrites', readShare: 0.5, target: ratioAtLeast(1.7, 1.9) },
];
const WORKERS = 2;

/** @param {import('../run.mjs').Options} options */
export async function measure(options) {
  /** @type {ShardMap<string, number>} */
  const map = new ShardMap();
  keptKeys(keyBytes(ENTRIES)).forEach((key, index) => {
    map.set(key, index);
  });
  const crew = await Crew.start(WORKERS, { handle: map.handle, entries: ENTRIES });
  const rows = [];
  try {
    for (const { name, readShare, target } of MIXES) {
      rows.push(await compare(crew, `one ShardMap, ${name}`, { kind: 'shared', readShare }, target, options));
    }
    rows.push(
      await compare(crew, 'a Map in each thread, reads only', { kind: 'own', readShare: 1 }, undefined, options),
    );
  } finally {
    await crew.stop();
    map.close();
  }
  return rows;
}

/**
 * @param {Crew} crew
 * @param {string} name
 * @param {Omit<import('../crew.mjs').Load, 'seconds'>} load
 * @param {import('../pairs.mjs').Target | undefined} target
 * @param {import('../run.mjs').Options} options
 */
async function compare(crew, name, load, target, { rounds, secondsPerSide: seconds }) {
  /** @type {(workers: number) => Promise<number>} */
  const run = async (workers) => (await crew.run(workers, { ...load, seconds })) / 1e6;
  /** @type {[number, number][]} */
  const samples = [];
  for (let round = 0; round < rounds; round++) {
    const isManyFirst = round % 2 === 0;
    const first = await run(isManyFirst ? WORKERS : 1);
    const second = await run(isManyFirst ? 1 : WORKERS);
    samples.push(isManyFirst ? [first, second] : [second, first]);
  }
  return createRow({ name, unit: 'M/s', labels: [`${WORKERS} workers`, '1 worker'], target }, samples);
}
