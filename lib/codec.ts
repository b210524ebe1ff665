/**
 * Values that are objects, as bytes and back: V8's serialisation format, with a copy's semantics as `structuredClone`
 * has them. Primitives never come here; the addon stores them as they are.
 */

import { DefaultDeserializer, DefaultSerializer, Deserializer } from 'node:v8';

const CloneError = DOMException;
const Bytes = Uint8Array;
const { _readHostObject } = DefaultDeserializer.prototype as unknown as HostObjectReader;

/** Node's reader of typed arrays and buffers. */
interface HostObjectReader {
  _readHostObject(): unknown;
}

/** Whether the addon stores `value` as it is. Functions and symbols are not storable at all: `encode` says so. */
export function isPlain(value: unknown): boolean {
  const type = typeof value;
  return type === 'object' ? value === null : type !== 'function' && type !== 'symbol';
}

/** V8 calls it, and Node's writer of host objects calls it with `new`: a plain function serves both. */
function DataCloneError(message: string): DOMException {
  return new CloneError(message, 'DataCloneError');
}

/**
 * The bytes of `value`. Throws a `DataCloneError` for what cannot be copied, and whatever a getter of `value` throws.
 */
export function encode(value: unknown): Uint8Array {
  const serializer = new DefaultSerializer() as DefaultSerializer & { _getDataCloneError: typeof DataCloneError };
  serializer._getDataCloneError = DataCloneError;
  serializer.writeHeader();
  serializer.writeValue(value);
  return serializer.releaseBuffer();
}

/** A fresh copy of the value that `encode` made the bytes from. */
export function decode(bytes: unknown): unknown {
  // Not a DefaultDeserializer: on Node 20 making one runs Array.prototype[Symbol.iterator], which users may have
  // replaced.
  const deserializer = new Deserializer(new Bytes(bytes as ArrayBuffer)) as Deserializer & HostObjectReader;
  deserializer._readHostObject = _readHostObject;
  deserializer.readHeader();
  return deserializer.readValue();
}

/** A value as the addon returns it, decoded where it was stored encoded. */
export function decodeStored(stored: unknown): unknown {
  return typeof stored === 'object' && stored !== null ? decode(stored) : stored;
}
