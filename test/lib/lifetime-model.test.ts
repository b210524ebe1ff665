/**
 * Danger: some sequence of operations leaves an entry with a deadline that is another's, or tells of one that it did not
 * have. Random sequences run against a plain reference; deadlines are hours away or have passed, so that time is no matter.
 */

import { deepStrictEqual } from 'node:assert';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { type LifetimeOptions, ShardMap } from '../../lib/index.js';
import { runCount, seed } from './run-size.js';
import { until } from './waiting.js';

const HOUR = 3_600_000;
const FOREVER = Number.POSITIVE_INFINITY;
const PASSED = 0;

/** A time to live in hours: FOREVER, PASSED, or more than one. */
type Life = number;
interface Options {
  readonly life?: Life;
  readonly isMoment: boolean;
  readonly keepTtl?: boolean;
}
interface Step {
  readonly operation: keyof typeof operations;
  readonly key: string;
  readonly value: unknown;
  readonly options: Options | undefined;
}

/** What a map shall be. */
class Model {
  readonly entries = new Map<string, { readonly value: unknown; readonly life: Life }>();
  readonly expired: [string, unknown][] = [];
  readonly #own: Life;

  constructor(own: Life) {
    this.#own = own;
  }

  put(key: string, value: unknown, options: Options | undefined, isModifying: boolean): void {
    const keeps = options?.keepTtl ?? (isModifying && options?.life === undefined);
    const existing = this.entries.get(key);
    const life = keeps && existing !== undefined ? existing.life : (options?.life ?? this.#own);
    this.live(key, value, life);
  }

  live(key: string, value: unknown, life: Life): void {
    this.entries.set(key, { value, life });
    if (life !== PASSED) return;
    this.entries.delete(key);
    this.expired.push([key, value]);
  }
}

function given(options: Options | undefined): LifetimeOptions | undefined {
  if (options === undefined) return undefined;
  const { life, isMoment, keepTtl } = options;
  if (life === undefined) return { keepTtl };
  if (life === PASSED) return { expiresAt: 1, keepTtl };
  return isMoment ? { expiresAt: Date.now() + life * HOUR, keepTtl } : { ttl: life * HOUR, keepTtl };
}

type Operation = (model: Model, map: ShardMap<string, unknown>, step: Step) => [actual: unknown, expected: unknown];
const setting =
  (set: (map: ShardMap<string, unknown>, step: Step, options: LifetimeOptions | undefined) => unknown): Operation =>
  (model, map, step) => {
    set(map, step, given(step.options));
    model.put(step.key, step.value, step.options, false);
    return [0, 0];
  };
const inserting =
  (insert: (map: ShardMap<string, unknown>, step: Step, options: LifetimeOptions | undefined) => unknown): Operation =>
  (model, map, step) => {
    const existing = model.entries.get(step.key);
    if (existing === undefined) model.put(step.key, step.value, step.options, false);
    return [insert(map, step, given(step.options)), existing === undefined ? step.value : existing.value];
  };

const operations = {
  set: setting((map, { key, value }, options) => map.set(key, value, options)),
  setMany: setting((map, { key, value }, options) => map.setMany([[key, value]], options)),
  getAndSet: setting((map, { key, value }, options) => map.getAndSet(key, value, options)),
  compareAndSet: setting((map, { key, value }, options) => map.compareAndSet(key, map.get(key), value, options)),
  getOrInsert: inserting((map, { key, value }, options) => map.getOrInsert(key, value, options)),
  getOrInsertComputed: inserting((map, { key, value }, options) => map.getOrInsertComputed(key, () => value, options)),
  orInsert: inserting((map, { key, value }, options) => map.entry(key).orInsert(value, options)),
  update: (model, map, { key, value, options }) => {
    model.put(key, value, options, true);
    return [map.update(key, () => value, given(options)), value];
  },
  increment: (model, map, { key, options }) => {
    const { value } = model.entries.get(key) ?? { value: 0 };
    if (typeof value !== 'number') return [0, 0];
    model.put(key, value + 1, options, true);
    return [map.increment(key, 1, given(options)), value + 1];
  },
  modifyOrInsert: (model, map, { key, value, options }) => {
    const isNew = !model.entries.has(key);
    model.put(key, isNew ? value : 'modified', { isMoment: false, ...options, keepTtl: true }, true);
    const modified = map
      .entry(key)
      .andModify(() => 'modified')
      .orInsert(value, given(options));
    return [modified, isNew ? value : 'modified'];
  },
  expire: (model, map, { key, options }) => {
    const existing = model.entries.get(key);
    const life = options?.life ?? 2;
    if (existing !== undefined) model.live(key, existing.value, life);
    const isThere = life === PASSED ? map.expireAt(key, 1) : map.expire(key, life * HOUR);
    return [isThere, existing !== undefined];
  },
  persist: (model, map, { key }) => {
    const existing = model.entries.get(key);
    if (existing !== undefined) model.live(key, existing.value, FOREVER);
    return [map.persist(key), existing !== undefined && existing.life !== FOREVER];
  },
  delete: (model, map, { key }) => [map.delete(key), model.entries.delete(key)],
  getAndDelete: (model, map, { key }) => {
    const existing = model.entries.get(key);
    model.entries.delete(key);
    return [map.getAndDelete(key), existing?.value];
  },
} satisfies Record<string, Operation>;

const life = fc.constantFrom(undefined, undefined, PASSED, 10, 20, 30, FOREVER);
const options = fc
  .tuple(life, fc.boolean(), fc.constantFrom(undefined, undefined, true, false))
  .map(([life, isMoment, keepTtl]) => ({ life, isMoment, keepTtl }) as Options);
const steps = fc.array(
  fc.record({
    operation: fc.constantFrom(...(Object.keys(operations) as (keyof typeof operations)[])),
    key: fc.constantFrom('a', 'b', 'c', 'd'),
    value: fc.constantFrom<unknown>(1, 'text', { n: 1 }, [1, 2], 'long '.repeat(50)),
    options: fc.option(options, { nil: undefined }),
  }),
  { minLength: 1, maxLength: 60 },
);

function sameEntries(model: Model, map: ShardMap<string, unknown>): void {
  const entries = [...map].map(([key, value]) => [key, value, Math.round((map.ttl(key) ?? Number.NaN) / HOUR)]);
  deepStrictEqual(
    entries,
    [...model.entries].map(([key, { value, life }]) => [key, value, life]),
  );
}

describe(`sequences of operations with lifetimes (SHARDMAP_TEST_SEED=${seed})`, () => {
  it.each([
    [FOREVER, FOREVER],
    [5, 5 * HOUR],
  ])('do what the reference does, in a map with a ttl of %s hours', async (own, ttl) => {
    const run = async (steps: Step[]): Promise<void> => {
      const map = new ShardMap<string, unknown>(null, { ttl, shards: 2 });
      const model = new Model(own);
      const told: unknown[] = [];
      map.on('expire', (entries) => void told.push(...entries));
      for (const step of steps) {
        const [actual, expected] = operations[step.operation](model, map, step);
        deepStrictEqual(actual, expected);
        sameEntries(model, map);
      }
      await until(() => told.length >= model.expired.length, 'the delivery of all');
      const inOrder = (entries: unknown[]): string[] => entries.map((entry) => JSON.stringify(entry)).sort();
      deepStrictEqual(inOrder(told), inOrder(model.expired));
      map.close();
    };
    await fc.assert(fc.asyncProperty(steps, run), { seed, numRuns: runCount(300) });
  });
});
