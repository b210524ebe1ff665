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
/** A round counts if each worker had a core to itself for at least this much of the time; others are repeated, so often at most. */
const CPU_SHARE_MIN = 0.97;
const ATTEMPTS_PER_ROUND = 3;

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
  /** @type {{ sample: [number, number], cpuShare: number }[]} */
  const attempts = [];
  const undisturbed = () => attempts.filter(({ cpuShare }) => cpuShare >= CPU_SHARE_MIN).length;
  while (undisturbed() < rounds && attempts.length < ATTEMPTS_PER_ROUND * rounds) {
    const isManyFirst = attempts.length % 2 === 0;
    const first = await crew.run(isManyFirst ? WORKERS : 1, { ...load, seconds });
    const second = await crew.run(isManyFirst ? 1 : WORKERS, { ...load, seconds });
    const [many, one] = isManyFirst ? [first, second] : [second, first];
    attempts.push({
      sample: [many.perSecond / 1e6, one.perSecond / 1e6],
      cpuShare: Math.min(many.cpuShare, one.cpuShare),
    });
  }
  const best = attempts.sort((a, b) => b.cpuShare - a.cpuShare).slice(0, rounds);
  const row = createRow(
    { name, unit: 'M/s', labels: [`${WORKERS} workers`, '1 worker'], target },
    best.map(({ sample }) => sample),
  );
  if (undisturbed() < rounds)
    row.note = `DISTURBED: the workers had their cores to themselves in ${undisturbed()} of ${rounds} rounds`;
  return row;
}
