// Bytes per entry, all included: what the process grows by, each side filled in a fresh process, and what stats() says
// of it.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createRow, subjectAtMost } from '../pairs.mjs';
import { ENTRIES } from '../workload.mjs';

const FILL = fileURLToPath(new URL('../memory-process.mjs', import.meta.url));

/** @param {import('../run.mjs').Options} options */
export function* measure({ rounds }) {
  for (const entries of [ENTRIES, 5 * ENTRIES]) {
    const samples = Array.from({ length: rounds }, () => ({
      shardMap: grow('ShardMap', entries),
      map: grow('Map', entries),
    }));
    const count = entries.toLocaleString('en-US');
    /** @type {(name: string, bytes: (sample: typeof samples[number]) => number) => import('../pairs.mjs').Row} */
    const row = (name, bytes) =>
      createRow(
        { name, unit: 'bytes', target: subjectAtMost(110, 80) },
        samples.map((sample) => [bytes(sample), sample.map.rssBytes / entries]),
      );
    yield row(`memory per entry of ${count}, growth of the process`, ({ shardMap }) => shardMap.rssBytes / entries);
    yield row(`memory per entry of ${count}, by stats()`, ({ shardMap }) => (shardMap.statsBytes ?? 0) / entries);
  }
}

/**
 * @param {'ShardMap' | 'Map'} kind
 * @param {number} entries
 * @returns {{ rssBytes: number, statsBytes?: number }}
 */
function grow(kind, entries) {
  return JSON.parse(execFileSync(process.execPath, ['--expose-gc', FILL, kind, String(entries)], { encoding: 'utf8' }));
}
