/**
 * The way of values that nothing simpler copies exactly: V8's serialisation format, with the semantics of
 * `structuredClone`, shared and cyclic references, maps, sets, errors, holes of arrays included.
 *
 * Views inside of a value are stored as binary.ts says. Where several of them share memory, they share a copy of all of
 * it afterwards; a `Buffer` never does, as its memory is often Node's pool.
 */

import { Blob, Buffer } from 'node:buffer';
import { types } from 'node:util';
import { Deserializer, Serializer } from 'node:v8';
import { binaryKindOf, decodeBinary, type Encoded, encodeBinary, viewOf } from './binary.js';
import { createCloneError, describe } from './errors.js';
import { addon } from './native.js';

const { valueKinds: kinds } = addon;
const NativeSet = Set;
const { add, forEach: forEachOfSet, has } = Set.prototype;
const NativeWeakSet = WeakSet;
const { add: addWeakly, has: hasWeakly } = WeakSet.prototype;
const NativeException = DOMException;
const copyByPlatform = structuredClone;
const { forEach: forEachOfMap } = Map.prototype;
const { getOwnPropertyDescriptor, getPrototypeOf, keys } = Object;
const { isMap, isProxy, isSet } = types;
const { apply } = Reflect;
const { isView } = ArrayBuffer;
const { isBuffer } = Buffer;

/** Of a view that is stored with all of its memory: added to its kind. */
const WITH_BUFFER = 0x100;

class CloneWriter extends Serializer {
  // Missing in its published types.
  declare _setTreatArrayBufferViewsAsHostObjects: (treat: boolean) => void;
  /** Whether two views were met that share memory. */
  sharesMemory = false;
  readonly #keepsBuffers: boolean;
  readonly #place: number | undefined;
  readonly #buffers = new NativeSet<ArrayBufferLike>();

  constructor(keepsBuffers: boolean, place?: number) {
    super();
    this.#keepsBuffers = keepsBuffers;
    this.#place = place;
    this._setTreatArrayBufferViewsAsHostObjects(true);
    this.writeHeader();
  }

  /** V8 calls it, for what it cannot copy. */
  _getDataCloneError(message: string): DOMException {
    return createCloneError(message, this.#place);
  }

  /** V8 calls it for views, and for objects of Node's that it knows nothing of. */
  _writeHostObject(object: object): void {
    if (!isView(object)) throw createPlatformError(object, this.#place);
    const kind = binaryKindOf(object) as number;
    const { end } = encodeBinary(object, kind, this.#place);
    if (isBuffer(object) || !this.#keepsBuffers) {
      this.writeUint32(kind);
      this.writeUint32(end);
      this.writeRawBytes(object as NodeJS.ArrayBufferView);
    } else {
      this.writeUint32(kind + WITH_BUFFER);
      this.writeUint32(end);
      this.writeUint32(object.byteOffset);
      this.writeValue(object.buffer);
    }
    if (!isBuffer(object)) this.#note(object.buffer);
  }

  #note(buffer: ArrayBufferLike): void {
    if (apply(has, this.#buffers, [buffer])) this.sharesMemory = true;
    else apply(add, this.#buffers, [buffer]);
  }
}

class CloneReader extends Deserializer {
  constructor(bytes: Uint8Array) {
    super(bytes);
    this.readHeader();
  }

  _readHostObject(): unknown {
    const kind = this.readUint32();
    const byteLength = this.readUint32();
    if (kind < WITH_BUFFER) return decodeBinary(kind, this.readRawBytes(byteLength), 0, byteLength);
    const byteOffset = this.readUint32();
    return viewOf(kind - WITH_BUFFER, this.readValue() as ArrayBuffer, byteOffset, byteLength);
  }
}

/** The symbol by which Node's own classes, such as `Blob`, tell `structuredClone` how to copy them. */
const platformClone = Object.getOwnPropertySymbols(Blob.prototype).find(
  ({ description }) => description === 'messaging_clone_symbol',
);

/**
 * From Node 22 on V8 takes objects of these classes for empty ones; before, it knows that it does not know them. From
 * then on there are also objects that Node has marked as not to be cloned (`URL`, `Headers`), which only
 * `structuredClone` sees.
 */
const losesPlatformObjects = platformClone !== undefined && isSerializable(new Blob([]));

function isSerializable(value: unknown): boolean {
  try {
    return new CloneWriter(false).writeValue(value);
  } catch {
    return false;
  }
}

function createPlatformError(object: object, place: number | undefined): DOMException {
  return createCloneError(`${describe(object)} of Node's could not be cloned.`, place);
}

/** Throws for an object of Node's own, wherever in `value`. Of getters it knows nothing: it runs none. */
function refusePlatformObjects(value: unknown, place: number | undefined, seen: Set<object>): void {
  if (typeof value !== 'object' || value === null || isView(value) || isProxy(value)) return;
  if (apply(has, seen, [value])) return;
  apply(add, seen, [value]);
  if ((platformClone as symbol) in value) throw createPlatformError(value, place);
  const refuse = (inner: unknown) => refusePlatformObjects(inner, place, seen);
  if (isMap(value)) apply(forEachOfMap, value, [(inner: unknown, key: unknown) => [refuse(key), refuse(inner)]]);
  else if (isSet(value)) apply(forEachOfSet, value, [refuse]);
  const names = keys(value);
  for (let index = 0; index < names.length; index++) {
    refuse(getOwnPropertyDescriptor(value, names[index] as string)?.value);
  }
  refuseMarked(value, place);
}

/** Classes by their prototypes, of which an object was copied by `structuredClone`: those that are marked never are. */
const copiedClasses = new NativeWeakSet<object>(
  [Object, Array, Map, Set, Date, RegExp, Error, ArrayBuffer].map(({ prototype }) => prototype),
);

/** Throws for the first object of a class that Node has marked, and whatever a getter of it throws. */
function refuseMarked(value: object, place: number | undefined): void {
  const prototype: object | null = getPrototypeOf(value);
  if (prototype === null || apply(hasWeakly, copiedClasses, [prototype])) return;
  try {
    copyByPlatform(value);
  } catch (error) {
    if (!(error instanceof NativeException) || error.name !== 'DataCloneError') throw error;
    throw createCloneError(error.message, place);
  }
  apply(addWeakly, copiedClasses, [prototype]);
}

/** Throws a `DataCloneError` for what cannot be copied, and whatever a getter of `value` throws. */
export function encodeClone(value: unknown, place?: number): Encoded {
  if (losesPlatformObjects) refusePlatformObjects(value, place, new NativeSet());
  let writer = new CloneWriter(false, place);
  writer.writeValue(value);
  if (writer.sharesMemory) {
    writer = new CloneWriter(true, place);
    writer.writeValue(value);
  }
  const view = writer.releaseBuffer();
  return { kind: kinds.clone, view, start: 0, end: view.length };
}

/** A fresh copy of the value that `encodeClone` made the bytes from. */
export function decodeClone(bytes: Uint8Array): unknown {
  return new CloneReader(bytes).readValue();
}
