/** Random values that `structuredClone` copies: trees of all kinds of objects, then tied into graphs. */

import fc from 'fast-check';
import { typedArrayClasses } from './typed-arrays.js';

class Session {
  readonly id: unknown;
  #hidden = 1;

  constructor(id: unknown) {
    this.id = id;
  }

  get hidden(): number {
    return this.#hidden;
  }
}

const viewClasses = [...typedArrayClasses, DataView];

const string = fc.oneof(
  fc.string({ maxLength: 10 }),
  fc.string({ unit: 'binary', maxLength: 100 }),
  fc.constantFrom('', '\ud800', 'x\udfff', '\ud83d\ude00', 'é'.repeat(70), `${'a'.repeat(300)}\ud800`, 'Ж'.repeat(200)),
);

const primitive = fc.oneof(
  fc.integer(),
  fc.double(),
  string,
  fc.boolean(),
  fc.bigInt(),
  fc.constantFrom(
    ...[null, undefined, -0, 0, Number.NaN, Number.NEGATIVE_INFINITY, 2 ** 32, -(2 ** 31) - 1, 2 ** 53],
    ...[2n ** 63n, 2n ** 63n - 1n, -(2n ** 63n), -(2n ** 63n) - 1n, 2n ** 64n - 1n, 2n ** 64n, -(2n ** 700n)],
  ),
);

const name = fc.oneof(
  fc.constantFrom('a', 'b', 'c', 'id', 'name', 'items', '1', '0', '4294967295', '', '\ud800', 'é'),
  fc.constantFrom('__proto__', '__keys__', '__proto_', 'constructor', 'toJSON', 'hasOwnProperty', 'then', 'length'),
  string,
);

const bytes = fc.uint8Array({ maxLength: 48 });

const view = fc
  .tuple(bytes, fc.nat(5), fc.nat(5), fc.constantFrom(...viewClasses))
  .map(([content, skip, drop, View]) => {
    const unit = 'BYTES_PER_ELEMENT' in View ? View.BYTES_PER_ELEMENT : 1;
    const units = Math.floor(content.length / unit);
    const first = Math.min(skip, units);
    const buffer = content.slice().buffer;
    return new (View as DataViewConstructor)(buffer, first * unit, Math.max(0, units - first - drop));
  });

const leaf = fc.oneof(
  { weight: 12, arbitrary: primitive },
  {
    weight: 1,
    arbitrary: fc.oneof(fc.date({ noInvalidDate: false }), fc.constantFrom(new Date(8.64e15), new Date(-1.5))),
  },
  { weight: 1, arbitrary: fc.constantFrom(/a+/gi, /[\n/]\//u, /(?<x>y)/s) },
  { weight: 1, arbitrary: fc.oneof(primitive, string).map((value) => (value === null ? {} : Object(value))) },
  { weight: 2, arbitrary: view },
  { weight: 1, arbitrary: bytes.map((content) => content.slice().buffer) },
  { weight: 1, arbitrary: bytes.map((content) => Buffer.from(content)) },
);

const errorClass = fc.constantFrom(Error, TypeError, RangeError, SyntaxError, URIError, EvalError, ReferenceError);

/** A container is one that more can be put into: see `tie`. */
const tree = fc.letrec<{ node: unknown }>((again) => {
  const node = again('node');
  const properties = fc.array(fc.tuple(name, node), { maxLength: 6 });
  const list = fc.array(node, { maxLength: 6 });
  return {
    node: fc.oneof(
      { maxDepth: 4, depthIdentifier: 'tree' },
      { weight: 6, arbitrary: leaf },
      { weight: 5, arbitrary: properties.map((pairs) => define({}, pairs)) },
      { weight: 4, arbitrary: list },
      { weight: 1, arbitrary: properties.map((pairs) => define(Object.create(null), pairs)) },
      { weight: 1, arbitrary: node.map((id) => new Session(id)) },
      { weight: 1, arbitrary: node.map((value) => withGetter(value)) },
      { weight: 1, arbitrary: fc.tuple(list, fc.nat(9)).map(([items, place]) => withHoles(items, place)) },
      { weight: 1, arbitrary: fc.tuple(list, properties).map(([items, pairs]) => define(items, pairs)) },
      { weight: 1, arbitrary: fc.array(fc.tuple(node, node), { maxLength: 4 }).map((pairs) => new Map(pairs)) },
      { weight: 1, arbitrary: list.map((items) => new Set(items)) },
      {
        weight: 1,
        arbitrary: fc.tuple(errorClass, string, node).map(([Class, message, cause]) => new Class(message, { cause })),
      },
      { weight: 1, arbitrary: fc.tuple(bytes, fc.nat(9)).map(([content, at]) => overlapping(content, at)) },
    ),
  };
}).node;

/** Any value that can be copied, with shared and cyclic references. */
export const clonable: fc.Arbitrary<unknown> = fc
  .tuple(tree, fc.array(fc.tuple(fc.nat(), fc.nat(), name), { maxLength: 3 }))
  .map(([root, links]) => tie(root, links));

function define(target: object, pairs: readonly (readonly [string, unknown])[]): object {
  for (const [key, value] of pairs) {
    if (Array.isArray(target) && key === 'length') continue;
    const isIndex = Array.isArray(target) && String(Number(key) >>> 0) === key;
    if (isIndex && Number(key) > 20) continue;
    Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
  }
  return target;
}

function withGetter(value: unknown): object {
  return Object.defineProperty({ before: 1 }, 'got', { get: () => value, enumerable: true, configurable: true });
}

function withHoles(items: unknown[], place: number): unknown[] {
  delete items[place % (items.length + 1)];
  items.length += place % 3;
  return items;
}

/** Two views on one memory. */
function overlapping(content: Uint8Array, at: number): object {
  const { buffer } = content.slice();
  const first = Math.min(at, content.length);
  return { head: new DataView(buffer, 0, first), body: new Uint8Array(buffer, first) };
}

/** Makes some of the objects in a tree refer to others, or to themselves. */
function tie(root: unknown, links: readonly (readonly [number, number, string])[]): unknown {
  const objects: object[] = [];
  collect(root, objects, new Set());
  if (objects.length === 0) return root;
  for (const [from, to, key] of links) {
    const source = objects[from % objects.length] as object;
    const target = objects[to % objects.length] as object;
    if (source instanceof Map) source.set(key, target);
    else if (source instanceof Set) source.add(target);
    else if (Array.isArray(source)) source.push(target);
    else if (Object.getPrototypeOf(source) === Object.prototype) define(source, [[key, target]]);
  }
  return root;
}

function collect(value: unknown, objects: object[], seen: Set<unknown>): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  objects.push(value);
  const inner = value instanceof Map ? [...value].flat() : value instanceof Set ? [...value] : [];
  const own = ArrayBuffer.isView(value) ? [] : Object.keys(value).map((key) => (value as Record<string, unknown>)[key]);
  for (const each of [...inner, ...own]) collect(each, objects, seen);
}
