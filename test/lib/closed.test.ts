/** Danger: a closed map reaches memory that is freed, or goes on as if nothing was. */

import { describe, expect, it } from 'vitest';
import { type Key, ShardMap } from '../../lib/index.js';
import { expectClosed, expectError } from './expect-error.js';

function closed(): ShardMap<Key, unknown> {
  const map = new ShardMap<Key, unknown>([['a', 1]]);
  map.close();
  return map;
}

describe('a closed map', () => {
  const uses: Record<string, (map: ShardMap<Key, unknown>) => unknown> = {
    get: (map) => map.get('a'),
    has: (map) => map.has('a'),
    set: (map) => map.set('a', 1),
    'set of an object': (map) => map.set('a', {}),
    delete: (map) => map.delete('a'),
    clear: (map) => map.clear(),
    size: (map) => map.size,
    forEach: (map) => map.forEach(() => void expect.unreachable()),
    keys: (map) => map.keys(),
    values: (map) => map.values(),
    entries: (map) => map.entries(),
    'for…of': (map) => [...map],
    getOrInsert: (map) => map.getOrInsert('a', 1),
    'getOrInsert of an object': (map) => map.getOrInsert('a', {}),
    getOrInsertComputed: (map) => map.getOrInsertComputed('a', () => expect.unreachable()),
    increment: (map) => map.increment('a'),
    getAndSet: (map) => map.getAndSet('a', 1),
    'getAndSet of an object': (map) => map.getAndSet('a', {}),
    getAndDelete: (map) => map.getAndDelete('a'),
    compareAndSet: (map) => map.compareAndSet('a', 1, 2),
    'compareAndSet of objects': (map) => map.compareAndSet('a', {}, {}),
    compareAndDelete: (map) => map.compareAndDelete('a', 1),
    update: (map) => map.update('a', () => expect.unreachable()),
    entry: (map) => map.entry('a'),
    'set with a ttl': (map) => map.set('a', 1, { ttl: 1000 }),
    'setMany with a ttl': (map) => map.setMany([['a', 1]], { ttl: 1000 }),
    ttl: (map) => map.ttl('a'),
    expire: (map) => map.expire('a', 1000),
    expireAt: (map) => map.expireAt('a', new Date()),
    persist: (map) => map.persist('a'),
    touch: (map) => map.touch('a'),
    on: (map) => map.on('expire', () => expect.unreachable()),
    off: (map) => map.off('expire', () => expect.unreachable()),
    writer: (map) => map.writer(),
    stats: (map) => map.stats(),
    name: (map) => map.name,
    handle: (map) => map.handle,
  };
  it.each(Object.entries(uses))('refuses %s', (_, use) => {
    const map = closed();
    expectClosed(() => use(map));
  });

  it('checks its arguments as an open one does: the callback first', () => {
    expectError(() => closed().forEach(1 as never), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
  });

  it('can be closed again', () => {
    const map = closed();
    expect(map.close()).toBeUndefined();
    map[Symbol.dispose]();
  });

  it('leaves other maps of its store as they are', () => {
    const map = new ShardMap([['a', 1]]);
    const other = ShardMap.from(map.handle);
    const entries = other.entries();
    map.close();
    expect(other.get('a')).toBe(1);
    expect([...entries]).toEqual([['a', 1]]);
  });
});

describe('iterators made before', () => {
  const entries = Array.from({ length: 100 }, (_, index) => [index, index] as const);
  it.each(['keys', 'values', 'entries'] as const)(
    '%s throw after close, before the first and in the middle',
    (kind) => {
      const map = new ShardMap<number, number>(entries);
      const fresh = map[kind]();
      const half = map[kind]();
      for (let step = 0; step < 5; step++) half.next();
      map.close();
      expectClosed(() => fresh.next());
      expectClosed(() => half.next());
      expectClosed(() => half.next());
    },
  );

  it('stay finished where they were', () => {
    const map = new ShardMap([['a', 1]]);
    const keys = map.keys();
    expect([...keys]).toEqual(['a']);
    map.close();
    expect(keys.next()).toEqual({ value: undefined, done: true });
  });
});

describe('closing in the middle', () => {
  const twenty = (): ShardMap<number, unknown> =>
    new ShardMap<number, unknown>(Array.from({ length: 20 }, (_, index) => [index, index]));
  it('of forEach ends it with an error', () => {
    const map = twenty();
    let visits = 0;
    expectClosed(() =>
      map.forEach(() => {
        visits++;
        map.close();
      }),
    );
    expect(visits).toBe(1);
  });

  it('of a computation ends it with an error', () => {
    const map = twenty();
    expectClosed(() =>
      map.getOrInsertComputed(99, () => {
        map.close();
        return 1;
      }),
    );
  });

  it('of the encoding of a value ends the call with an error', () => {
    for (const use of ['set', 'getOrInsert'] as const) {
      const map = twenty();
      const value = {
        get trap() {
          map.close();
          return 1;
        },
      };
      expectClosed(() => map[use](99, value));
    }
  });

  it('of the construction ends it with an error', () => {
    class SelfClosing extends ShardMap<number, number> {
      override set(key: number, value: number): this {
        super.set(key, value);
        this.close();
        return this;
      }
    }
    expectClosed(
      () =>
        new SelfClosing([
          [1, 1],
          [2, 2],
        ]),
    );
  });
});

describe('dispose', () => {
  it('closes, at once or as a promise', async () => {
    const map = new ShardMap();
    expect(map[Symbol.dispose]()).toBeUndefined();
    expectClosed(() => map.size);
    const other = new ShardMap();
    const disposed = other[Symbol.asyncDispose]();
    expectClosed(() => other.size);
    await expect(disposed).resolves.toBeUndefined();
  });
});
