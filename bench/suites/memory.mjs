// Bytes per entry, all included: what the process grows by, each side filled in a fresh process, and what stats() says
// of it.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createRow, subjectAtMost } from '../pairs.mjs';
import { ENTRIES } from '../workload.mjs';

const FILL = fileURLToPath(new URL('../memory-process.mjs', import.meta.url));
const FILL_TOKENS = fileURLToPath(new URL('../tokens-process.mjs', import.meta.url));

const USERS = 100_000;
const TOKENS = 3 * USERS;
// V8's young generation has its full size before we measure. As it grows with what survives in it, it would grow by
// itself in some of the ways and not in others.
const YOUNG_GENERATION = ['--min-semi-space-size=16'];

/** @param {import('../run.mjs').Options} options */
export function* measure({ rounds }) {
  for (const entries of [ENTRIES, 5 * ENTRIES]) yield* measureStrings(entries, rounds);
  yield* measureTokens(rounds);
}

/**
 * @param {number} entries
 * @param {number} rounds
 */
function* measureStrings(entries, rounds) {
  const samples = Array.from({ length: rounds }, () => ({
    shardMap: grow(FILL, 'ShardMap', entries),
    map: grow(FILL, 'Map', entries),
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

/**
 * Composite keys, [user, token], against the other ways of keeping the tokens of users.
 *
 * @param {number} rounds
 */
function* measureTokens(rounds) {
  const references = ['Map of Maps', 'Map of strings', 'ShardMap of strings'];
  const samples = Array.from({ length: rounds }, () => ({
    subject: grow(FILL_TOKENS, 'ShardMap', USERS, YOUNG_GENERATION),
    references: references.map((kind) => grow(FILL_TOKENS, kind, USERS, YOUNG_GENERATION)),
  }));
  for (const [index, reference] of references.entries()) {
    yield createRow(
      {
        name: `memory per entry of ${TOKENS.toLocaleString('en-US')}, [user, token], three tokens a user`,
        unit: 'bytes',
        labels: ['ShardMap', reference],
      },
      samples.map(({ subject, references }) => [
        subject.rssBytes / TOKENS,
        (references[index]?.rssBytes ?? Number.NaN) / TOKENS,
      ]),
    );
  }
}

/**
 * @param {string} program
 * @param {string} kind
 * @param {number} count entries, or users
 * @param {string[]} [nodeOptions]
 * @returns {{ rssBytes: number, statsBytes?: number }}
 */
function grow(program, kind, count, nodeOptions = []) {
  const given = ['--expose-gc', ...nodeOptions, program, kind, String(count)];
  return JSON.parse(execFileSync(process.execPath, given, { encoding: 'utf8' }));
}
