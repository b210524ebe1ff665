/** Danger: a line tells another entry than the one it was made of, or is taken for one that it does not tell. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeLine, encodeLine } from '../../lib/cli/line.js';
import { readLines } from '../../lib/cli/line-reader.js';
import { type Key, ShardMap } from '../../lib/index.js';
import { anyKey, anyValue, oddKeys } from '../lib/arbitraries.js';
import { clonable } from '../lib/clonable.js';
import { difference } from '../lib/difference.js';
import { runCount, seed } from '../lib/run-size.js';
import { typedArrayClasses } from '../lib/typed-arrays.js';

const options = { seed, numRuns: runCount(1000) };

/** A key and a value as a map gives them back. */
function storedOf(key: Key, value: unknown): [Key, unknown] {
  map.clear();
  map.set(key, value);
  const [entry] = [...map];
  return entry as [Key, unknown];
}

const map = new ShardMap<Key, unknown>(null, { shards: 1 });

describe(`a line (SHARDMAP_TEST_SEED=${seed})`, () => {
  it('has one line, and gives back exactly its entry', () => {
    const entry = fc.tuple(anyKey, fc.oneof(clonable, anyValue));
    const property = fc.property(entry, fc.option(fc.date({ noInvalidDate: true })), ([key, value], date) => {
      const [storedKey, stored] = storedOf(key, value);
      const line = encodeLine({ key: storedKey, value: stored, expiresAt: date?.getTime() });
      expect(line).not.toContain('\n');
      const back = decodeLine(Buffer.from(line).toString());
      expect(difference(storedKey, back.key)).toBeUndefined();
      expect(difference(stored, back.value)).toBeUndefined();
      expect(back.expiresAt).toBe(date?.getTime());
    });
    fc.assert(property, options);
  });

  it('has keys that are easily taken for one another', () => {
    for (const key of oddKeys) {
      const [stored] = storedOf(key, 1);
      const back = decodeLine(encodeLine({ key: stored, value: 1, expiresAt: undefined }));
      expect(difference(stored, back.key)).toBeUndefined();
    }
  });

  it.each([
    ['a', 1, '{"key":"a","value":1}'],
    [7, { a: [1, null, 'ü'] }, '{"key":7,"value":{"a":[1,null,"ü"]}}'],
    [['ann', 1n], true, '{"key":["ann",{"bigint":"1"}],"value":true}'],
    [Number.NaN, undefined, '{"key":{"number":"NaN"},"tagged":{"undefined":true}}'],
    [undefined, -0, '{"key":{"undefined":true},"tagged":{"number":"-0"}}'],
    [-5n, 2n ** 64n, '{"key":{"bigint":"-5"},"tagged":{"bigint":"18446744073709551616"}}'],
    [new Uint8Array([1, 2]), Float32Array.of(1), '{"key":{"bytes":"AQI="},"tagged":{"Float32Array":"AACAPw=="}}'],
    [false, Buffer.from('b'), '{"key":false,"tagged":{"Buffer":"Yg=="}}'],
    ['\ud800', '\udfff', '{"key":"\\ud800","value":"\\udfff"}'],
    [null, JSON.parse('{"__proto__":{"a":1}}'), '{"key":null,"value":{"__proto__":{"a":1}}}'],
  ] as [Key, unknown, string][])('of %s and %s is readable', (key, value, line) => {
    expect(encodeLine({ key, value, expiresAt: undefined })).toBe(line);
    expect(difference(value, decodeLine(line).value)).toBeUndefined();
  });

  it.each(typedArrayClasses.map((Class) => [Class.name, Class] as const))('has a %s as bytes', (name, Class) => {
    const value = new Class(Buffer.alloc(3 * Class.BYTES_PER_ELEMENT, 7).buffer.slice(0, 3 * Class.BYTES_PER_ELEMENT));
    const line = encodeLine({ key: 1, value, expiresAt: undefined });
    expect(Object.keys((JSON.parse(line) as { tagged: object }).tagged)).toEqual([name]);
    expect(difference(value, decodeLine(line).value)).toBeUndefined();
  });

  const shared = { a: 1 };
  const holes = [1, 2, 3];
  delete holes[1];
  it.each([
    ['an object that is met twice', [shared, shared]],
    ['a hole', holes],
    ['a property of an array', Object.assign([1], { more: 2 })],
    ['-0 inside', [-0]],
    ['NaN inside', { a: Number.NaN }],
    ['undefined inside', { a: undefined }],
    ['a bigint inside', [1n]],
    ['a date', new Date(0)],
    ['a deep tree', JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`)],
  ])('with %s is encoded', (_, value) => {
    const line = encodeLine({ key: 1, value, expiresAt: undefined });
    expect(Object.keys(JSON.parse(line) as object)).toEqual(['key', 'encoded']);
    expect(difference(value, decodeLine(line).value)).toBeUndefined();
  });

  it.each([
    ['', 'it is no JSON: '],
    ['{"key":1,"value":2', 'it is no JSON: '],
    ['[1,2]', 'it is no JSON object'],
    ['null', 'it is no JSON object'],
    ['{"value":1}', 'it has no "key"'],
    ['{"key":1}', 'it has no "value", and none of the others: value, tagged, encoded, custom'],
    ['{"key":1,"value":1,"tagged":{"bigint":"1"}}', 'it has both "value" and "tagged"'],
    ['{"key":1,"value":1,"ttl":5}', 'there is no "ttl"'],
    ['{"key":{},"value":1}', 'the key must be a primitive or an object of one member, such as {"bigint":"12"}'],
    ['{"key":{"bigint":"1","number":"2"},"value":1}', 'the key must be a primitive or an object of one member'],
    ['{"key":{"bigint":"01"},"value":1}', 'the key has a "bigint" that is none'],
    ['{"key":{"bigint":12},"value":1}', 'the key has a "bigint" that is none'],
    ['{"key":{"number":"1"},"value":1}', 'the key has a "number" that is none'],
    ['{"key":{"number":"toString"},"value":1}', 'the key has a "number" that is none'],
    ['{"key":{"undefined":false},"value":1}', 'the key has a "undefined" that is none'],
    ['{"key":{"date":"x"},"value":1}', 'the key has an unknown tag "date"'],
    ['{"key":[1,[2]],"value":1}', 'part 1 of the key must be a primitive'],
    ['{"key":[{"bytes":"AQI="}],"value":1}', 'part 0 of the key has an unknown tag "bytes"'],
    ['{"key":{"bytes":"AQI"},"value":1}', 'the key must be base64'],
    ['{"key":{"bytes":5},"value":1}', 'the key must be base64'],
    ['{"key":1,"tagged":5}', '"tagged" must be an object such as {"bigint":"12"}'],
    ['{"key":1,"tagged":{"constructor":"AA=="}}', '"tagged" has an unknown tag "constructor"'],
    ['{"key":1,"tagged":{"Uint16Array":"AQID"}}', '"Uint16Array" has 3 bytes, and each element takes 2'],
    ['{"key":1,"encoded":"AAAA"}', '"encoded" is no serialised value: '],
    ['{"key":1,"encoded":"!"}', '"encoded" must be base64'],
    ['{"key":1,"custom":1}', '"custom" must be base64'],
    ['{"key":1,"value":1,"expiresAt":12}', '"expiresAt" must be a moment such as "2030-01-31T12:00:00.000Z"'],
    ['{"key":1,"value":1,"expiresAt":"tomorrow"}', '"expiresAt" must be a moment'],
    ['{"key":1,"value":1,"expiresAt":"2030-13-01T00:00:00Z"}', '"expiresAt" must be a moment'],
    ['{"key":1,"value":1,"expiresAt":"2030-01-01T00:00:00"}', '"expiresAt" must be a moment'],
  ])('%s is refused', (line, message) => {
    expect(() => decodeLine(line)).toThrow(message);
  });

  it('that is damaged anywhere is refused, or tells some entry: nothing else is thrown', () => {
    const property = fc.property(clonable, fc.nat(), fc.nat(255), (value, at, byte) => {
      const [, stored] = storedOf(1, value);
      const bytes = Buffer.from(encodeLine({ key: 1, value: stored, expiresAt: 0 }));
      bytes[at % bytes.length] = byte;
      try {
        decodeLine(bytes.toString());
      } catch (error) {
        expect((error as Error).constructor.name).toBe('FormatError');
      }
    });
    fc.assert(property, options);
  });
});

describe('lines', () => {
  it('are the same however the bytes come', async () => {
    const text = '\ufeff{"a":"\u2028"}\r\n\n"ü\ud83d\ude00"\n\ufeff\nlast';
    const bytes = Buffer.concat([Buffer.from(text), Buffer.from([10, 0xff, 0xfe, 10]), Buffer.from('no end')]);
    const expected = ['{"a":"\u2028"}\r', '', '"ü\ud83d\ude00"', '\ufeff', 'last', undefined, 'no end'];
    for (const size of [1, 2, 3, 7, 1000]) {
      const chunks: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
      const found = [];
      for await (const lines of readLines(chunks as never)) found.push(...lines);
      expect(found.map(({ text }) => text)).toEqual(expected);
      expect(found.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    }
  });
});
