/**
 * Values that a codec of the user's has encoded: the command has no such codec, and hands their bytes on as they are.
 */

import type { ShardMapCodec } from '../index.js';

export class OpaqueValue {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** Stores the bytes of an opaque value, and gives them back as one. A map with it sets no other objects. */
export const opaqueCodec: ShardMapCodec = {
  encode: (value: OpaqueValue) => value.bytes,
  decode: (bytes) => new OpaqueValue(bytes),
};
