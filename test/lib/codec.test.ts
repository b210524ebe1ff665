/** Danger: a user's codec loses a value, sees one it should not, or leaves the map changed where it fails. */

import { describe, expect, it } from 'vitest';
import { ShardMap, type ShardMapCodec } from '../../lib/index.js';
import { addon, type NativeStore } from '../../lib/native.js';
import { caught, expectError } from './expect-error.js';

class Point {
  readonly x: number;
  readonly y: number;

  constructor(x: number, y: number) {
    this.x = x;
    this.y = y;
  }
}

/** Keeps the class of points, which no other way of encoding does. */
const pointCodec: ShardMapCodec = {
  encode: (value: unknown) => Buffer.from(JSON.stringify(value instanceof Point ? ['Point', value.x, value.y] : value)),
  decode(bytes) {
    const value = JSON.parse(Buffer.from(bytes).toString()) as unknown;
    return Array.isArray(value) && value[0] === 'Point' ? new Point(value[1] as number, value[2] as number) : value;
  },
};

function open(codec: ShardMapCodec = pointCodec): ShardMap<string, unknown> {
  return new ShardMap<string, unknown>(null, { codec });
}

describe('a codec of the user', () => {
  it('has its values come back as it decodes them, by every way to read', () => {
    const map = open();
    const point = new Point(1, 2);
    map.set('set', point).setMany([['batch', point]]);
    expect(map.getOrInsert('inserted', point)).toBe(point);
    expect(map.getOrInsertComputed('computed', () => point)).toBe(point);
    const keys = ['set', 'batch', 'inserted', 'computed'];
    for (const key of keys) expect(map.get(key)).toEqual(point);
    for (const key of keys) expect(map.get(key)).toBeInstanceOf(Point);
    expect(map.getMany(keys)).toEqual(keys.map(() => point));
    expect([...map.values()]).toEqual(keys.map(() => point));
    expect(map.getOrInsert('set', 1)).toEqual(point);
  });

  it('is not asked for primitives and bytes', () => {
    const map = open({ encode: () => expect.unreachable(), decode: () => expect.unreachable() });
    const values = [
      1,
      'text',
      2n,
      null,
      undefined,
      true,
      Uint8Array.of(1),
      Float64Array.of(2),
      new Uint8Array(3).buffer,
    ];
    for (const value of [...values, Buffer.from('b')]) expect(map.set('key', value).get('key')).toEqual(value);
  });

  it('may encode what structuredClone refuses', () => {
    const map = open({
      encode: (value: unknown) => Buffer.from(String(value)),
      decode: (bytes) => Buffer.from(bytes).toString(),
    });
    expect(map.set('f', () => 1).get('f')).toBe('() => 1');
    expect(map.set('s', Symbol('name')).get('s')).toBe('Symbol(name)');
  });

  it('gives and gets bytes that are its own', () => {
    const shared = Buffer.from('[1]');
    const seen: Uint8Array[] = [];
    const map = open({
      encode: () => shared,
      decode(bytes) {
        seen.push(bytes);
        const text = Buffer.from(bytes).toString();
        bytes.fill(0);
        return text;
      },
    });
    map.set('a', {});
    shared.fill(0);
    expect([map.get('a'), map.get('a'), ...map.values(), ...map.getMany(['a'])]).toEqual(['[1]', '[1]', '[1]', '[1]']);
    expect(seen[0]?.buffer).not.toBe(seen[1]?.buffer);
  });

  it('may use the map, and close it', () => {
    const map: ShardMap<string, unknown> = open({
      encode(value: unknown) {
        if ((value as { closes?: boolean }).closes === true) map.close();
        else map.set('inner', 1);
        return Buffer.from('outer');
      },
      decode(bytes) {
        map.set('read', 1);
        return Buffer.from(bytes).toString();
      },
    });
    expect(map.set('key', {}).get('key')).toBe('outer');
    expect([...map.keys()]).toEqual(['inner', 'key', 'read']);
    expectError(() => map.set('key', { closes: true }), 'ShardMapError', 'ERR_SHARDMAP_CLOSED');
  });

  it('may read the map while a batch or a page is decoded', () => {
    const map: ShardMap<string, unknown> = open({
      encode: (value: unknown) => Buffer.from((value as { text: string }).text),
      decode(bytes) {
        const text = Buffer.from(bytes).toString();
        if (text.startsWith('outer')) map.getMany(['inner', 'inner']);
        return text;
      },
    });
    const texts = Array.from({ length: 20 }, (_, index) => `outer ${index}`);
    map.set('inner', { text: 'i'.repeat(500) });
    map.setMany(texts.map((text) => [text, { text }]));
    expect(map.getMany(texts)).toEqual(texts);
    expect([...map.values()].slice(1)).toEqual(texts);
    for (const text of texts) expect(map.get(text)).toBe(text);
  });

  it('is brought by each map of the store', () => {
    const map = open();
    map.set('point', new Point(1, 2));
    const same = ShardMap.from<string, unknown>(map.handle, { codec: pointCodec });
    expect(same.get('point')).toEqual(new Point(1, 2));
    const without = ShardMap.from<string, unknown>(map.handle);
    for (const read of [() => without.get('point'), () => [...without], () => without.getMany(['point'])]) {
      expectError(read, 'TypeError', 'ERR_SHARDMAP_CODEC');
    }
    expect(without.has('point')).toBe(true);
    expect([...without.keys()]).toEqual(['point']);
    without.set('plain', { a: new Map([[1, 2]]) });
    expect(map.get('plain')).toEqual({ a: new Map([[1, 2]]) });
  });
});

describe('a codec that fails', () => {
  it.each([
    undefined,
    null,
    'text',
    [1],
    {},
    new ArrayBuffer(1),
    Float64Array.of(1),
    new Uint8Array(new SharedArrayBuffer(1)),
  ])('by encoding to %s is told so, and nothing is changed', (result) => {
    const map = open({ encode: () => result as Uint8Array, decode: () => 0 });
    map.set('key', 'before');
    for (const run of [
      () => map.set('key', {}),
      () => map.set('new', {}),
      () => map.getOrInsert('new', {}),
      () => map.getOrInsertComputed('new', () => ({})),
      () =>
        map.setMany([
          ['key', 1],
          ['new', {}],
        ]),
    ]) {
      expectError(run, 'TypeError', 'ERR_SHARDMAP_CODEC');
    }
    expect([...map]).toEqual([['key', 'before']]);
  });

  it('by throwing throws just that, and nothing is changed', () => {
    const error = new Error('from the codec');
    const fail = (): never => {
      throw error;
    };
    const map = open({ encode: fail, decode: fail });
    map.set('key', 'before');
    for (const run of [
      () => map.set('key', {}),
      () =>
        map.setMany([
          ['a', 1],
          ['b', {}],
        ]),
    ])
      expect(caught(run)).toBe(error);
    expect([...map]).toEqual([['key', 'before']]);
    const reader = ShardMap.from<string, unknown>(open().set('key', {}).handle, {
      codec: { encode: fail, decode: fail },
    });
    expect(caught(() => reader.get('key'))).toBe(error);
    expect(caught(() => reader.getMany(['key']))).toBe(error);
  });

  it.each([1, 'codec', null, {}, { encode() {} }, { decode() {} }, { encode: 1, decode() {} }])(
    'by being %s is refused',
    (codec) => {
      const options = { codec } as unknown as { codec: ShardMapCodec };
      expectError(() => new ShardMap(null, options), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
      expectError(() => ShardMap.from(open().handle, options), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
    },
  );
});

describe('a map that a getter closes while its object is encoded', () => {
  it('saves no structure in the store that has its slot by then', () => {
    const map = new ShardMap<string, unknown>();
    map.set('met once', { got: 1 });
    let other: NativeStore | undefined;
    const value = {
      get got() {
        map.close();
        other = addon.create(undefined, 0, 0, false);
        return 1;
      },
    };
    expectError(() => map.set('met twice', value), 'ShardMapError', 'ERR_SHARDMAP_CLOSED');
    const { slot } = other as unknown as NativeStore;
    expect(addon.loadStructures(slot)).toBeUndefined();
    addon.close(slot);
  });
});
