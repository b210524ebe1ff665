/** What takes the place of a map's store once the map is closed: everything throws. Open maps pay for no check. */

import { createClosedError } from './errors.js';
import type { NativeStore } from './native.js';

const { freeze } = Object;

function refuse(): never {
  throw createClosedError('this ShardMap was closed: by close(), by dispose, or because its thread ends');
}

/** The store of every closed map. Closing it again does nothing. */
export const CLOSED_STORE: NativeStore = freeze({
  get id(): never {
    return refuse();
  },
  get name(): never {
    return refuse();
  },
  get shards(): never {
    return refuse();
  },
  get control(): never {
    return refuse();
  },
  get: refuse,
  has: refuse,
  set: refuse,
  setEncoded: refuse,
  delete: refuse,
  clear: refuse,
  size: refuse,
  insert: refuse,
  insertEncoded: refuse,
  page: refuse,
  recheck: refuse,
  stats: refuse,
  close(): void {},
});
