// What two workers do with a load in one ShardMap: against one worker, and against two that each have a Map of their
// own.
import { createRow, pairUp } from './pairs.mjs';

/**
 * @param {import('./crew.mjs').Crew} crew
 * @param {string} name
 * @param {(workers: number) => import('./mix.mjs').Load} loadOf
 * @param {import('./run.mjs').Options} options
 */
export async function* compareTwoWorkers(crew, name, loadOf, options) {
  const { rounds, note } = await crew.compare(
    [
      { store: 'shardmap', workers: 2, load: loadOf(2) },
      { store: 'shardmap', workers: 1, load: loadOf(1) },
      { store: 'map', workers: 2, load: loadOf(2) },
    ],
    options,
  );
  const rates = rounds.map((round) => round.map(({ perSecond }) => perSecond / 1e6));
  yield createRow({ name, unit: 'M/s', labels: ['2 workers', '1 worker'], note }, pairUp(rates, 0, 1));
  yield createRow({ name, unit: 'M/s', labels: ['one ShardMap', 'a Map in each'], note }, pairUp(rates, 0, 2));
}
