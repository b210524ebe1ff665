/** Danger: a class that extends ShardMap does not get what one that extends Map gets. */

import { describe, expect, it } from 'vitest';
import { type Key, ShardMap, type ShardMapHandle, type ShardMapOptions } from '../../lib/index.js';
import { expectClosed, expectError } from './expect-error.js';

class Counted<K extends Key, V> extends ShardMap<K, V> {
  sets = 0;
  readonly label: string;

  constructor(entries?: Iterable<readonly [K, V]> | null, options?: ShardMapOptions) {
    super(entries, options);
    this.label = 'counted';
  }

  override set(key: K, value: V): this {
    this.sets = (this.sets ?? 0) + 1;
    return super.set(key, value);
  }
}

describe('a subclass', () => {
  it('is one, with its own methods, fields and species', () => {
    const map = new Counted<string, number>([['a', 1]]);
    expect(map).toBeInstanceOf(Counted);
    expect(map).toBeInstanceOf(ShardMap);
    expect(Object.prototype.toString.call(map)).toBe('[object Map]');
    expect(map.set('b', 2)).toBe(map);
    expect([map.sets, map.label, map.size]).toEqual([1, 'counted', 2]);
    expect(Counted[Symbol.species]).toBe(Counted);
  });

  it('has its own set called for the entries of the constructor', () => {
    const seen: unknown[] = [];
    class Seen extends ShardMap<string, number> {
      override set(key: string, value: number): this {
        seen.push([key, value]);
        return super.set(key, value * 2);
      }
    }
    const map = new Seen([
      ['a', 1],
      ['b', 2],
    ]);
    expect(seen).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
    expect([...map.values()]).toEqual([2, 4]);
  });

  it('is attached by from with its constructor run', () => {
    const map = new Counted<string, number>([['a', 1]]);
    const other = Counted.from<string, number>(map.handle) as Counted<string, number>;
    expect(other).toBeInstanceOf(Counted);
    expect(other.label).toBe('counted');
    expect(other.get('a')).toBe(1);
  });

  it('whose constructor keeps the options to itself cannot be attached, and leaves no handle open', () => {
    class Deaf extends ShardMap<string, number> {
      constructor() {
        super([['deaf', 1]]);
      }
    }
    const map = new Deaf();
    const { handle } = map;
    expectError(() => Deaf.from(handle), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
    map.close();
    expectClosed(() => ShardMap.from(handle));
  });

  it('from taken off its class attaches a plain one', () => {
    const map = new ShardMap([['a', 1]]);
    const { from } = ShardMap as { from: (handle: ShardMapHandle) => ShardMap };
    expect(Object.getPrototypeOf(from(map.handle))).toBe(ShardMap.prototype);
  });

  it('that overrides close is disposed through it', () => {
    let closes = 0;
    class Closing extends ShardMap {
      override close(): void {
        closes++;
        super.close();
      }
    }
    const map = new Closing();
    map[Symbol.dispose]();
    expect(closes).toBe(1);
    expectClosed(() => map.size);
  });
});
