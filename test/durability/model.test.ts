/**
 * Danger: some sequence of operations leaves a log from which another map comes back: in its entries, their order, kinds
 * or deadlines. Random sequences run against a `Map` and a map of a directory, which is opened again in between.
 */

import { deepStrictEqual, strictEqual } from 'node:assert';
import { rmSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { type Key, type LifetimeOptions, ShardMap, type ShardMapOpenOptions } from '../../lib/index.js';
import { anyKey, anyValue, KeyInterner } from '../lib/arbitraries.js';
import { runCount, seed } from '../lib/run-size.js';
import { newDirectoryInMemory } from './directories.js';

const RUNS = runCount(2000);
const HOUR = 3_600_000;
const FOREVER = Number.POSITIVE_INFINITY;
/** A moment long ago: what has this deadline is gone at once. */
const LONG_AGO = 1;

/** Lives are in hours, so that none ends while a test runs. */
interface Entry {
  readonly value: unknown;
  readonly hours: number;
}
interface Model {
  readonly map: Map<unknown, Entry>;
  readonly interner: KeyInterner;
}
interface Real {
  readonly dir: string;
  map: ShardMap<Key, unknown>;
}
type Command = fc.AsyncCommand<Model, Real>;

function command(name: string, run: (model: Model, real: Real) => unknown): Command {
  return { check: () => true, run: async (model, real) => void (await run(model, real)), toString: () => name };
}

function put(model: Model, key: Key, value: unknown, hours: number): void {
  const own = model.interner.of(key);
  if (hours === 0) model.map.delete(own);
  else model.map.set(own, { value, hours });
}

function lifetimeOf(hours: number): LifetimeOptions {
  return hours === 0 ? { expiresAt: LONG_AGO } : { ttl: hours * HOUR };
}

function sameEntries(model: Model, { map }: Real): void {
  const actual = [...map].map(([key, value]) => [
    model.interner.of(key),
    value,
    Math.round((map.ttl(key) ?? -1) / HOUR),
  ]);
  const expected = [...model.map].map(([key, { value, hours }]) => [key, value, hours]);
  deepStrictEqual(actual, expected);
}

const hours = fc.constantFrom(FOREVER, FOREVER, FOREVER, 0, 10, 20, 1000);
const entry = fc.record({ key: anyKey, value: anyValue, hours });
const show = fc.stringify;

const setting: fc.Arbitrary<Command>[] = [
  entry.map(({ key, value, hours }) =>
    command(`set ${show(key)} ${show(value)} for ${hours} h`, (model, { map }) => {
      if (hours === FOREVER) map.set(key, value);
      else map.set(key, value, lifetimeOf(hours));
      put(model, key, value, hours);
    }),
  ),
  fc.tuple(fc.array(entry, { maxLength: 6 }), hours).map(([entries, hours]) =>
    command(`setMany ${show(entries)} for ${hours} h`, (model, { map }) => {
      map.setMany(
        entries.map(({ key, value }) => [key, value]),
        lifetimeOf(hours),
      );
      for (const { key, value } of entries) put(model, key, value, hours);
    }),
  ),
  entry.map(({ key, value, hours }) =>
    command(`getAndSet ${show(key)} ${show(value)} for ${hours} h`, (model, { map }) => {
      const before = model.map.get(model.interner.of(key))?.value;
      deepStrictEqual(map.getAndSet(key, value, lifetimeOf(hours)), before);
      put(model, key, value, hours);
    }),
  ),
  entry.map(({ key, value, hours }) =>
    command(`getOrInsert ${show(key)} ${show(value)} for ${hours} h`, (model, { map }) => {
      const existing = model.map.get(model.interner.of(key));
      deepStrictEqual(map.getOrInsert(key, value, lifetimeOf(hours)), existing === undefined ? value : existing.value);
      if (existing === undefined) put(model, key, value, hours);
    }),
  ),
  fc.tuple(anyKey, anyValue).map(([key, value]) =>
    command(`update ${show(key)} ${show(value)}`, (model, { map }) => {
      map.update(key, () => value);
      if (value === undefined) model.map.delete(model.interner.of(key));
      else put(model, key, value, model.map.get(model.interner.of(key))?.hours ?? FOREVER);
    }),
  ),
  fc.tuple(anyKey, anyValue).map(([key, value]) =>
    command(`compareAndSet ${show(key)} ${show(value)}`, (model, { map }) => {
      strictEqual(map.compareAndSet(key, map.get(key), value), true);
      put(model, key, value, FOREVER);
    }),
  ),
  fc.integer({ min: -5, max: 5 }).map((by) =>
    command(`increment by ${by}`, (model, { map }) => {
      const existing = model.map.get('counter');
      const total = ((existing?.value as number | undefined) ?? 0) + by;
      strictEqual(map.increment('counter', by), total);
      put(model, 'counter', total, existing?.hours ?? FOREVER);
    }),
  ),
];

const other: fc.Arbitrary<Command>[] = [
  anyKey.map((key) =>
    command(`delete ${show(key)}`, (model, { map }) => {
      strictEqual(map.delete(key), model.map.delete(model.interner.of(key)));
    }),
  ),
  fc.array(anyKey, { maxLength: 6 }).map((keys) =>
    command(`deleteMany ${show(keys)}`, (model, { map }) => {
      const deleted = keys.filter((key) => model.map.delete(model.interner.of(key))).length;
      strictEqual(map.deleteMany(keys), deleted);
    }),
  ),
  anyKey.map((key) =>
    command(`getAndDelete ${show(key)}`, (model, { map }) => {
      const own = model.interner.of(key);
      deepStrictEqual(map.getAndDelete(key), model.map.get(own)?.value);
      model.map.delete(own);
    }),
  ),
  fc.tuple(anyKey, hours).map(([key, hours]) =>
    command(`expire ${show(key)} in ${hours} h`, (model, { map }) => {
      const existing = model.map.get(model.interner.of(key));
      if (hours === 0) map.expireAt(key, LONG_AGO);
      else if (hours === FOREVER) map.persist(key);
      else map.expire(key, hours * HOUR);
      if (existing !== undefined) put(model, key, existing.value, hours);
    }),
  ),
  fc.constant(
    command('clear', (model, { map }) => {
      map.clear();
      model.map.clear();
    }),
  ),
];

const keeping: fc.Arbitrary<Command>[] = [
  fc
    .record({
      shards: fc.constantFrom(1, 2, 16),
      fsync: fc.constantFrom<ShardMapOpenOptions['fsync']>('always', 'interval', 'never'),
    })
    .map((options) =>
      command(`reopen ${show(options)}`, async (model, real) => {
        real.map.close();
        real.map = await ShardMap.open<Key, unknown>({ dir: real.dir, ...options });
        sameEntries(model, real);
      }),
    ),
  fc.constant(command('compact', (_, { map }) => map.compact())),
  fc.constant(command('flush', (_, { map }) => map.flush())),
  fc.boolean().map((waits) =>
    command(`reshard${waits ? ' to its end' : ''}`, async (_, { map }) => {
      const { shards } = map.stats();
      const resharding = map.reshard(Math.min(shards * 2, 1024) < shards ? shards : Math.min(shards * 2, 1024));
      if (waits) await resharding;
      else resharding.catch(() => 'closed before it came to its end, or there are more by now');
    }),
  ),
];

const commands = fc.commands(
  [...setting, ...setting, ...other, ...keeping].map((arbitrary) => arbitrary as fc.Arbitrary<Command>),
  { maxCommands: 25, size: 'max' },
);

describe(`sequences of operations (SHARDMAP_TEST_SEED=${seed})`, () => {
  it(
    `do what those of a Map do, also when the map is opened again, ${RUNS} times`,
    async () => {
      const root = newDirectoryInMemory();
      let runs = 0;
      const run = async (steps: Iterable<Command>): Promise<void> => {
        const dir = path.join(root, String(runs++));
        const real: Real = { dir, map: await ShardMap.open<Key, unknown>({ dir }) };
        const model: Model = { map: new Map(), interner: new KeyInterner() };
        try {
          await fc.asyncModelRun(() => ({ model, real }), steps);
          sameEntries(model, real);
          real.map.close();
          real.map = await ShardMap.open<Key, unknown>({ dir, recovery: 'strict' });
          sameEntries(model, real);
        } finally {
          real.map.close();
          rmSync(dir, { recursive: true });
        }
      };
      await fc.assert(fc.asyncProperty(commands, run), { seed, numRuns: RUNS });
    },
    60_000 + RUNS * 100,
  );
});
