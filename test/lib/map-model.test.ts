/**
 * Danger: some interleaving of mutation and live iteration behaves otherwise than a `Map` does.
 * Random sequences run against a `Map` and a ShardMap side by side; several iterators stay open all the while.
 */

import { deepStrictEqual, ok, strictEqual } from 'node:assert';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { type Key, ShardMap } from '../../lib/index.js';
import { anyKey, anyValue, KeyInterner } from './arbitraries.js';
import { runCount, seed } from './run-size.js';

type Kind = 'keys' | 'values' | 'entries';
interface Model {
  readonly map: Map<unknown, unknown>;
  readonly interner: KeyInterner;
  readonly iterators: Iterator<unknown>[];
}
interface Real {
  readonly map: ShardMap<Key, unknown>;
  readonly iterators: Iterator<unknown>[];
}
type Command = fc.Command<Model, Real>;

function command(name: string, run: (model: Model, real: Real) => void): Command {
  return { check: () => true, run, toString: () => name };
}

function show(value: unknown): string {
  return fc.stringify(value);
}

/** What the model's keys would be: bytes and arrays interned, alone or first in an entry. */
function intern(model: Model, kind: Kind, item: unknown): unknown {
  if (kind === 'values' || item === undefined) return item;
  if (kind === 'keys') return model.interner.of(item);
  const [key, value] = item as [unknown, unknown];
  return [model.interner.of(key), value];
}

function sameItems(model: Model, real: Real): void {
  const items = [...real.map].map(([key, value]) => [model.interner.of(key), value]);
  deepStrictEqual(items, [...model.map]);
  strictEqual(real.map.size, model.map.size);
}

function setBoth(model: Model, real: Real, key: Key, value: unknown): void {
  model.map.set(model.interner.of(key), value);
  strictEqual(real.map.set(key, value), real.map);
}

function openCommand(kind: Kind): Command {
  return command(`open ${kind}`, (model, real) => {
    model.iterators.push(model.map[kind]());
    real.iterators.push(real.map[kind]());
    kinds.set(real.iterators.at(-1) as object, kind);
  });
}
const kinds = new WeakMap<object, Kind>();

function stepCommand(which: number, steps: number): Command {
  return command(`step iterator ${which} ${steps} times`, (model, real) => {
    if (real.iterators.length === 0) return;
    const index = which % real.iterators.length;
    const iterator = real.iterators[index] as Iterator<unknown>;
    for (let step = 0; step < steps; step++) {
      const expected = (model.iterators[index] as Iterator<unknown>).next();
      const actual = iterator.next();
      strictEqual(actual.done, expected.done);
      deepStrictEqual(intern(model, kinds.get(iterator) as Kind, actual.value), expected.value);
    }
  });
}

/** Mutates in the middle of `forEach`, at the given visits. */
function forEachCommand(at: number, key: Key, value: unknown, action: 'set' | 'delete' | 'move' | 'clear'): Command {
  const act = (
    map: { set(k: never, v: unknown): unknown; delete(k: never): boolean; clear(): void },
    mapKey: unknown,
  ): void => {
    if (action === 'clear') map.clear();
    if (action === 'delete' || action === 'move') map.delete(mapKey as never);
    if (action === 'set' || action === 'move') map.set(mapKey as never, value);
  };
  return command(`forEach with ${action} ${show(key)} at ${at}`, (model, real) => {
    const expected: unknown[] = [];
    const actual: unknown[] = [];
    model.map.forEach((each, eachKey) => {
      expected.push([eachKey, each]);
      if (expected.length === at + 1) act(model.map, model.interner.of(key));
    });
    real.map.forEach((each, eachKey) => {
      actual.push([model.interner.of(eachKey), each]);
      if (actual.length === at + 1) act(real.map, key);
    });
    deepStrictEqual(actual, expected);
  });
}

function computedCommand(
  key: Key,
  value: unknown,
  other: Key,
  action: 'nothing' | 'set' | 'set-delete' | 'set other',
): Command {
  return command(`getOrInsertComputed ${show(key)} with ${action}`, (model, real) => {
    const mapKey = model.interner.of(key);
    const isThere = model.map.has(mapKey);
    const expected = isThere ? model.map.get(mapKey) : value;
    const actual = real.map.getOrInsertComputed(key, (given) => {
      ok(!isThere);
      deepStrictEqual(model.interner.of(given), Object.is(key, -0) ? 0 : mapKey);
      if (action === 'set' || action === 'set-delete') setBoth(model, real, key, 'from the callback');
      if (action === 'set other') setBoth(model, real, other, 'from the callback');
      if (action === 'set-delete') {
        model.map.delete(mapKey);
        real.map.delete(key);
      }
      return value;
    });
    if (!isThere) model.map.set(mapKey, value);
    deepStrictEqual(actual, expected);
  });
}

const commands: fc.Arbitrary<Command>[] = [
  fc
    .tuple(anyKey, anyValue)
    .map(([key, value]) => command(`set ${show(key)}`, (model, real) => setBoth(model, real, key, value))),
  fc
    .tuple(anyKey, anyValue)
    .map(([key, value]) => command(`set ${show(key)}`, (model, real) => setBoth(model, real, key, value))),
  anyKey.map((key) =>
    command(`get ${show(key)}`, (model, real) => {
      deepStrictEqual(real.map.get(key), model.map.get(model.interner.of(key)));
      strictEqual(real.map.has(key), model.map.has(model.interner.of(key)));
    }),
  ),
  anyKey.map((key) =>
    command(`delete ${show(key)}`, (model, real) => {
      strictEqual(real.map.delete(key), model.map.delete(model.interner.of(key)));
    }),
  ),
  fc.tuple(anyKey, anyValue).map(([key, value]) =>
    command(`getOrInsert ${show(key)}`, (model, real) => {
      const mapKey = model.interner.of(key);
      if (!model.map.has(mapKey)) model.map.set(mapKey, value);
      deepStrictEqual(real.map.getOrInsert(key, value), model.map.get(mapKey));
    }),
  ),
  fc
    .tuple(anyKey, anyValue, anyKey, fc.constantFrom('nothing', 'set', 'set-delete', 'set other'))
    .map((given) => computedCommand(...given)),
  fc
    .tuple(fc.nat(8), anyKey, anyValue, fc.constantFrom('set', 'delete', 'move', 'clear'))
    .map((given) => forEachCommand(...given)),
  fc.constantFrom<Kind>('keys', 'values', 'entries').map(openCommand),
  fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 40 })).map((given) => stepCommand(...given)),
  fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 3 })).map((given) => stepCommand(...given)),
  fc.constant(command('compare all', sameItems)),
  fc.nat(9).map((dice) =>
    command(dice === 0 ? 'clear' : 'size', (model, real) => {
      if (dice === 0) {
        model.map.clear();
        strictEqual(real.map.clear(), undefined);
      }
      strictEqual(real.map.size, model.map.size);
    }),
  ),
];

function check(commandsMax: number, runs: number, shards: number | undefined): void {
  const sequences = fc.commands(commands, { maxCommands: commandsMax, size: 'max' });
  const property = fc.property(sequences, (sequence) => {
    const real = { map: new ShardMap<Key, unknown>(null, { shards }), iterators: [] };
    const model = { map: new Map(), interner: new KeyInterner(), iterators: [] };
    try {
      fc.modelRun(() => ({ model, real }), sequence);
      sameItems(model, real);
    } finally {
      real.map.close();
    }
  });
  fc.assert(property, { seed, numRuns: runs });
}

describe(`a ShardMap does what a Map does (SHARDMAP_TEST_SEED=${seed})`, () => {
  it('in short sequences', () => check(30, runCount(1600), undefined), 120_000);
  it('in long sequences', () => check(200, runCount(400), 16), 120_000);
  it('with a single shard', () => check(60, runCount(400), 1), 120_000);
});
