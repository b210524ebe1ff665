/** Random keys and values for the tests: few enough that keys meet again, odd enough to hurt. */

import fc from 'fast-check';
import type { Key, KeyPart } from '../../lib/index.js';

const parent = new Uint8Array([0, 1, 2, 3, 0, 1, 2, 3]);

/** Keys that are easily taken for one another. */
export const oddKeys: readonly Key[] = [
  '',
  '\0',
  'a\0b',
  'a\0c',
  'a',
  '\ud800',
  '\udfff',
  '\ud800\ud800',
  '\ud83d\ude00',
  '\ufffd',
  'é',
  'ÿ',
  'Ā',
  'long '.repeat(500),
  `${'long '.repeat(500)}!`,
  `${'long '.repeat(500)}\u0416`,
  0,
  -0,
  Number.NaN,
  1,
  '1',
  1n,
  '1n',
  -1n,
  -1,
  0n,
  false,
  true,
  'true',
  null,
  'null',
  undefined,
  'undefined',
  Number.MAX_SAFE_INTEGER,
  2 ** 53 + 2,
  2n ** 53n + 2n,
  2n ** 64n,
  -(2n ** 64n),
  2n ** 63n,
  2n ** 600n,
  2n ** 600n + 1n,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.MIN_VALUE,
  0.1,
  new Uint8Array(0),
  new Uint8Array([0]),
  parent.subarray(0, 4),
  parent.subarray(4, 8),
  parent.subarray(1, 3),
  Buffer.from('a'),
  new Uint8Array(700).fill(7),
  [],
  [undefined],
  [null],
  ['null'],
  [''],
  ['', ''],
  ['a'],
  ['a', ''],
  ['', 'a'],
  ['ab'],
  ['a', 'b'],
  ['a,b'],
  ['b', 'a'],
  ['a', 'b', ''],
  ['\0'],
  ['\ud800'],
  ['\ud800', '\udfff'],
  ['\ud800\udfff'],
  ['é', 'Ж'],
  [0],
  [-0, 0],
  [Number.NaN],
  [1],
  ['1'],
  [1n],
  [-1n],
  [-1],
  [true],
  [false],
  [2 ** 53],
  [2 ** 53 - 1],
  [-(2 ** 53)],
  [2 ** 53 + 2],
  [2n ** 64n, -(2n ** 64n)],
  [0.1, Number.POSITIVE_INFINITY, Number.MIN_VALUE],
  ['user', 'long '.repeat(500)],
  ['user', 'long '.repeat(500), 'Ж'.repeat(300)],
  Array.from({ length: 300 }, (_, index) => index),
];

const anyPart: fc.Arbitrary<KeyPart> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('', 'a', 'b', 'ab', '1', 'Ж', '\ud800', 0, -0, 1, -1, Number.NaN, 0.5) },
  { weight: 2, arbitrary: fc.constantFrom(true, false, null, undefined, 0n, 1n, -1n, 2n ** 64n, 2 ** 53, 2 ** 53 + 2) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
  { weight: 1, arbitrary: fc.double() },
  { weight: 1, arbitrary: fc.maxSafeInteger() },
  { weight: 1, arbitrary: fc.bigInt() },
);

/** Arrays of parts, short enough that they meet again; some have holes in place of `undefined`. */
export const compositeKey: fc.Arbitrary<readonly KeyPart[]> = fc.oneof(
  { weight: 5, arbitrary: fc.array(anyPart, { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.sparseArray(anyPart, { maxNumElements: 3, maxLength: 4 }) as fc.Arbitrary<KeyPart[]> },
);

export const anyKey: fc.Arbitrary<Key> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...oddKeys) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 30 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }) },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.integer({ min: 0xd7f0, max: 0xe00f }), { maxLength: 3 })
      .map((units) => String.fromCharCode(...units)),
  },
  { weight: 1, arbitrary: fc.double() },
  { weight: 1, arbitrary: fc.bigInt() },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 3 }) },
  { weight: 3, arbitrary: compositeKey },
);

/** Values that the addon stores itself. */
export const plainValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(
    -0,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    null,
    undefined,
    true,
    false,
    '',
    '\ud800',
    'é',
    'Ж',
    0n,
    -1n,
    2n ** 64n,
    -(2n ** 200n),
  ),
  fc.string({ unit: 'binary' }),
  fc.string({ minLength: 300, maxLength: 2000 }),
  fc.bigInt(),
);

export const anyValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 5, arbitrary: plainValue },
  { weight: 1, arbitrary: fc.object({ maxDepth: 1, withNullPrototype: false }) },
);

/** What two composite keys have in common exactly where they are the same one. */
export function describeParts(parts: readonly unknown[]): string {
  const texts = Array.from(parts, (part) => {
    if (typeof part === 'string') return JSON.stringify(part);
    return typeof part === 'bigint' ? `${part}n` : String(part);
  });
  return `[${texts.join()}]`;
}

/**
 * One object for each content of bytes and each list of parts, so that a `Map` can stand for a map that compares keys
 * by content.
 */
export class KeyInterner {
  readonly #byContent = new Map<string, { readonly content: string }>();

  of(key: unknown): unknown {
    if (typeof key !== 'object' || key === null) return key;
    const content = Array.isArray(key) ? describeParts(key) : Buffer.from(key as Uint8Array).toString('hex');
    const known = this.#byContent.get(content);
    if (known !== undefined) return known;
    const made = { content };
    this.#byContent.set(content, made);
    return made;
  }
}
