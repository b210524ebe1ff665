/** Danger: a handle attaches to another store than its own, or garbage is taken for a handle. */

import { describe, expect, it } from 'vitest';
import { type Key, ShardMap, type ShardMapHandle } from '../../lib/index.js';
import { expectClosed, expectError } from './expect-error.js';

describe('a handle', () => {
  it('attaches to the same store, as it is and as a structured clone', () => {
    const map = new ShardMap<string, number>([['a', 1]]);
    for (const handle of [
      map.handle,
      structuredClone(map.handle),
      JSON.parse(JSON.stringify(map.handle)) as ShardMapHandle,
    ]) {
      const other = ShardMap.from<string, number>(handle);
      expect(other).not.toBe(map);
      expect(other.get('a')).toBe(1);
      other.set('b', 2);
      expect(map.get('b')).toBe(2);
      expect(other.handle).toEqual(map.handle);
      map.delete('b');
      expect(other.has('b')).toBe(false);
      other.close();
    }
    expect(map.size).toBe(1);
  });

  it('is small, frozen and unlike that of any other store', () => {
    const { handle } = new ShardMap();
    expect(Object.isFrozen(handle)).toBe(true);
    expect(Object.keys(handle)).toEqual(['shardmap']);
    expect(handle.shardmap).toMatch(/^[0-9a-f]{32}$/);
    expect(handle).not.toEqual(new ShardMap().handle);
  });

  const id = new ShardMap().handle.shardmap;
  it.each([
    [undefined],
    [null],
    [1],
    [id],
    [{}],
    [[]],
    [[id]],
    [() => id],
    [{ shardmap: undefined }],
    [{ shardmap: 1 }],
    [{ shardmap: '' }],
    [{ shardmap: id.slice(1) }],
    [{ shardmap: `${id}0` }],
    [{ shardmap: id.toUpperCase().replace(/^./, 'A') }],
    [{ shardmap: `g${id.slice(1)}` }],
    [{ shardmap: new String(id) }],
    [Object.create({ shardmap: id })],
    [new Map([['shardmap', id]])],
    [new ShardMap()],
    [{ id }],
  ])('%j is garbage', (garbage) => {
    expectError(() => ShardMap.from(garbage as ShardMapHandle), 'TypeError', 'ERR_SHARDMAP_INVALID_HANDLE');
  });

  it('of a store that was never open here is of a closed one', () => {
    expectClosed(() => ShardMap.from({ shardmap: '0'.repeat(32) }));
    expectClosed(() => ShardMap.from({ shardmap: 'f'.repeat(32) }));
  });

  it('of a store whose last map was closed attaches no more', () => {
    const map = new ShardMap([['a', 1]]);
    const { handle } = map;
    const other = ShardMap.from(handle);
    map.close();
    const third = ShardMap.from(handle);
    expect(third.get('a')).toBe(1);
    third.close();
    other.close();
    expectClosed(() => ShardMap.from(handle));
  });

  it('runs no getter', () => {
    const garbage = {
      get shardmap(): string {
        return expect.unreachable();
      },
    };
    expectError(() => ShardMap.from(garbage), 'TypeError', 'ERR_SHARDMAP_INVALID_HANDLE');
  });
});

describe('an iterator', () => {
  it('notices what another map of its store does in the same thread', () => {
    const map = new ShardMap<Key, number>([
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ]);
    const other = ShardMap.from<Key, number>(map.handle);
    const entries = map.entries();
    expect(entries.next().value).toEqual(['a', 1]);
    other.delete('b');
    other.set('c', 30);
    other.set('d', 4);
    expect([...entries]).toEqual([
      ['c', 30],
      ['d', 4],
    ]);
  });
});
