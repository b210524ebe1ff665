/** The handle of a store: what one thread sends to another so that both use the same store. */

import { createError } from './errors.js';
import type { NativeStore } from './native.js';

const { freeze, getOwnPropertyDescriptor } = Object;
const ID_CHARS = 32;

/** Names a store within this process: small, frozen, survives `workerData`, `postMessage` and `structuredClone`. */
export interface ShardMapHandle {
  /** The store's id: 32 lower-case hexadecimal digits. */
  readonly shardmap: string;
}

/** The handle of an open store. */
export function createHandle(native: NativeStore): ShardMapHandle {
  return freeze({ shardmap: native.id });
}

/**
 * The id in a handle; throws where `handle` is none. Reads own data properties only, so that no code of the user's
 * runs.
 */
export function readHandle(handle: unknown): string {
  if (typeof handle === 'object' && handle !== null) {
    const id: unknown = getOwnPropertyDescriptor(handle, 'shardmap')?.value;
    if (typeof id === 'string' && isId(id)) return id;
  }
  const message = `a handle is the object that map.handle gives, { shardmap: '${ID_CHARS} hexadecimal digits' }, and this is none`;
  throw createError('ERR_SHARDMAP_INVALID_HANDLE', message);
}

function isId(text: string): boolean {
  if (text.length !== ID_CHARS) return false;
  for (let index = 0; index < ID_CHARS; index++) {
    const char = text[index] as string;
    if (!((char >= '0' && char <= '9') || (char >= 'a' && char <= 'f'))) return false;
  }
  return true;
}
