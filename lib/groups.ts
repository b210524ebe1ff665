/** The grouping of items by key, as `Map.groupBy` does it, with a store as the index of the groups. */

import type { Codec } from './codec.js';
import { createArgumentError } from './errors.js';
import { canonicalizeKey, readKeyOnce } from './key.js';
import { ABSENT, addon } from './native.js';

const { insert, setEncoded } = addon;

/**
 * Fills the empty store at `slot` with an array of items for each key that `callback` returns, keys in order of first
 * appearance.
 */
export function groupInto<Item>(
  slot: number,
  codec: Codec,
  items: Iterable<Item>,
  callback: (item: Item, index: number) => unknown,
): void {
  if (items === undefined || items === null) throw createArgumentError('items', 'an iterable', items);
  if (typeof callback !== 'function') throw createArgumentError('callback', 'a function', callback);
  const keys: unknown[] = [];
  const groups: Item[][] = [];
  let index = 0;
  for (const item of items) {
    const key = readKeyOnce(callback(item, index++));
    const found = insert(slot, key, groups.length, ABSENT);
    if (found === ABSENT) {
      keys[groups.length] = canonicalizeKey(key);
      groups[groups.length] = [item];
    } else {
      const group = groups[found as number] as Item[];
      group[group.length] = item;
    }
  }
  for (let each = 0; each < groups.length; each++) {
    const { kind, view, start, end } = codec.encodeObject(groups[each]);
    setEncoded(slot, keys[each], kind, view, start, end);
  }
}
