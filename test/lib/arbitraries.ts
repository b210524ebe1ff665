/** Random keys and values for the tests: few enough that keys meet again, odd enough to hurt. */

import fc from 'fast-check';
import type { Key } from '../../lib/index.js';

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
];

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

/** One object for each content of bytes, so that a `Map` can stand for a map whose bytes are compared by content. */
export class KeyInterner {
  readonly #byContent = new Map<string, { readonly bytes: string }>();

  of(key: unknown): unknown {
    if (!(key instanceof Uint8Array)) return key;
    const bytes = Buffer.from(key).toString('hex');
    const known = this.#byContent.get(bytes);
    if (known !== undefined) return known;
    const made = { bytes };
    this.#byContent.set(bytes, made);
    return made;
  }
}
