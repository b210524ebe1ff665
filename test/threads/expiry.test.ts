/**
 * Danger: an event is lost or told twice between threads; a thread that listens does not end, or its end, by whatever way,
 * takes the process or the store along.
 */

import { setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { type Key, ShardMap } from '../../lib/index.js';
import { seed, sizeOf } from '../lib/run-size.js';
import { until } from '../lib/waiting.js';
import { createRandom } from './random.js';
import { type Outcome, runProgramIn, Thread } from './threads.js';

const EXPIRATIONS = sizeOf('SHARDMAP_TEST_EXPIRATIONS', 200_000);
/** Entries of a slice that is being removed at some moment: who begins to listen then hears nothing of them. */
const BEING_REMOVED_MAX = 32;
const TERMINATIONS = sizeOf('SHARDMAP_TEST_TERMINATIONS', 30);

interface Told {
  readonly calls: number;
  readonly dropped: number;
  readonly keys: number;
}

const threads: Thread[] = [];
const maps: ShardMap<Key, unknown>[] = [];
afterEach(async () => {
  for (const thread of threads.splice(0)) await thread.end();
  for (const map of maps.splice(0)) map.close();
});

function open(): ShardMap<Key, unknown> {
  const map = new ShardMap<Key, unknown>();
  maps.push(map);
  return map;
}

async function listen(map: ShardMap<Key, unknown>, given: object = {}): Promise<Thread> {
  const thread = await Thread.start('listener', { handle: map.handle, ...given });
  threads.push(thread);
  return thread;
}

/** Waits until a listener was told of so many entries, or that they were dropped. */
async function untilTold(thread: Thread, count: number): Promise<Told> {
  for (const end = performance.now() + 60_000; ; await setTimeout(5)) {
    const told = (await thread.ask(['count'])) as Told;
    if (told.keys + told.dropped >= count) return told;
    if (performance.now() > end) throw new Error(`only ${told.keys} and ${told.dropped} of ${count}`);
  }
}

describe('listeners in two workers and the main thread', () => {
  it('are each told once of every entry that expires, whoever set it', async () => {
    const map = open();
    const own: Key[] = [];
    map.on('expire', (entries) => void own.push(...entries.map(([key]) => key)));
    const workers = [await listen(map), await listen(map)];
    const entriesOf = (name: string): [string, unknown][] =>
      Array.from({ length: 3000 }, (_, index) => [`${name} ${index}`, index % 2 ? index : { index }]);
    const sets = workers.map((worker, index) => worker.ask(['set', entriesOf(`worker ${index}`), { ttl: 5 }]));
    map.setMany(entriesOf('main'), { ttl: 3 });
    await Promise.all(sets);
    await until(() => own.length >= 9000, 'the delivery to the main thread');
    const expected = ['main', 'worker 0', 'worker 1'].flatMap((name) => entriesOf(name).map(([key]) => key)).sort();
    expect(own.toSorted()).toEqual(expected);
    for (const worker of workers) {
      await untilTold(worker, 9000);
      expect(((await worker.ask(['keys'])) as string[]).sort()).toEqual(expected);
    }
    expect(map.size).toBe(0);
  });
});

describe(`${EXPIRATIONS} entries that expire at once`, () => {
  const STEP = 10_000;

  function fill(map: ShardMap<Key, unknown>): void {
    const entry = (index: number): [number, number] => [index, index];
    for (let first = 0; first < EXPIRATIONS; first += STEP)
      map.setMany(
        Array.from({ length: STEP }, (_, index) => entry(first + index)),
        { ttl: 500 },
      );
  }

  it('with a slow listener are bounded: what is told and what is dropped is all, and nobody waits', async () => {
    const map = open();
    const slow = await listen(map, { slowMs: 20 });
    const quick = await listen(map);
    fill(map);
    let longestMs = 0;
    let sets = 0;
    while (map.size > 0) {
      const start = performance.now();
      map.set('stays', 1).delete('stays');
      longestMs = Math.max(longestMs, performance.now() - start);
      if (++sets % 100 === 0) await setTimeout(1);
    }
    expect(longestMs).toBeLessThan(2000);
    expect(map.stats()).toMatchObject({ expiredEntries: EXPIRATIONS, timedEntries: 0 });
    for (const thread of [quick, slow]) {
      const told = await untilTold(thread, EXPIRATIONS);
      expect(told.keys + told.dropped).toBe(EXPIRATIONS);
      expect(new Set((await thread.ask(['keys'])) as number[]).size).toBe(told.keys);
    }
  }, 120_000);

  it('are told to a listener that is added meanwhile from then on, each once', async () => {
    const ROUNDS_MAX = 10;
    let left = 0;
    for (let round = 0; left === 0; round++) {
      // On a busy machine all of them may expire while this thread waits for its turn.
      expect(round).toBeLessThan(ROUNDS_MAX);
      const map = open();
      const keys: Key[] = [];
      let dropped = 0;
      fill(map);
      while (map.stats().expiredEntries < EXPIRATIONS / 8);
      const before = map.size;
      map.on('expire', (entries, info) => {
        keys.push(...entries.map(([key]) => key));
        dropped += info.dropped;
      });
      left = map.size;
      const told = left - BEING_REMOVED_MAX;
      await until(() => map.size === 0 && keys.length + dropped >= told, 'the delivery of what was left');
      await setTimeout(20); // for what should not come
      expect(keys.length + dropped).toBeLessThanOrEqual(before);
      expect(new Set(keys).size).toBe(keys.length);
    }
  }, 120_000);
});

describe(`a worker that listens (SHARDMAP_TEST_SEED=${seed})`, () => {
  it(`can be terminated while events are under way, ${TERMINATIONS} times`, async () => {
    const random = createRandom(seed);
    const map = open();
    const own: Key[] = [];
    map.on('expire', (entries) => void own.push(...entries.map(([key]) => key)));
    for (let round = 0; round < TERMINATIONS; round++) {
      const worker = await listen(map, { slowMs: random() < 0.5 ? 0 : 1 });
      map.setMany(
        Array.from({ length: 2000 }, (_, index) => [`${round} ${index}`, { index }]),
        { ttl: random() * 4 },
      );
      await setTimeout(random() * 8);
      await worker.end();
    }
    await until(() => own.length >= TERMINATIONS * 2000, 'the delivery to the main thread');
    expect(new Set(own).size).toBe(TERMINATIONS * 2000);
    expect(map.size).toBe(0);
  }, 120_000);
});

describe('a thread that listens', () => {
  function run(...given: string[]): Promise<Outcome> {
    return runProgramIn(import.meta.url, 'listening', given, ['--expose-gc']);
  }
  /** What it prints, and its code. */
  const expected: Record<string, [output: string, code: number]> = {
    'nothing expires': ['', 0],
    'nothing keeps it alive': ['', 0],
    'keepAlive, off': ['a,1\n', 0],
    'keepAlive, close': ['', 0],
    'keepAlive of two': ['a,1\na,1\nb,2\n', 0],
    'keepAlive, never heard': ['', 0],
    'exit in a listener': ['', 7],
    'exit while events wait': ['', 7],
    'end while events wait': ['', 7],
    'close in a listener': ['', 0],
    'dropped maps': ['100 100 0\n', 0],
  };

  it.each(Object.entries(expected))('ends as it should: the main one, %s', async (ending, [output, code]) => {
    expect(await run('main', ending)).toEqual({ code, signal: null, output });
  });

  it.each(Object.entries(expected))('ends as it should: a worker, %s', async (ending, [output, code]) => {
    expect(await run('worker', ending)).toEqual({ code: 0, signal: null, output: `${output}${code}\n` });
  });

  it('ends by an error of a listener that nobody catches, after the others were called', async () => {
    const main = await run('main', 'throw in a listener');
    expect(main).toMatchObject({ code: 1, signal: null });
    expect(main.output).toMatch(/^told\n.*on purpose/s);
    expect(await run('worker', 'throw in a listener')).toEqual({
      code: 0,
      signal: null,
      output: 'told\non purpose\n1\n',
    });
  });
});
