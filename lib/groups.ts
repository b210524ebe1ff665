/** The grouping of items by key, as `Map.groupBy` does it, with a store as the index of the groups. */

import { encode } from './codec.js';
import { createArgumentError } from './errors.js';
import { canonicalizeKey } from './key.js';
import { ABSENT, type NativeStore } from './native.js';

/** Fills the empty store `native` with an array of items for each key that `callback` returns, keys in order of first appearance. */
export function groupInto<Item>(
  native: NativeStore,
  items: Iterable<Item>,
  callback: (item: Item, index: number) => unknown,
): void {
  if (items === undefined || items === null) throw createArgumentError('items', 'an iterable', items);
  if (typeof callback !== 'function') throw createArgumentError('callback', 'a function', callback);
  const keys: unknown[] = [];
  const groups: Item[][] = [];
  let index = 0;
  for (const item of items) {
    const key = callback(item, index++);
    const found = native.insert(key, groups.length, ABSENT);
    if (found === ABSENT) {
      keys[groups.length] = canonicalizeKey(key);
      groups[groups.length] = [item];
    } else {
      const group = groups[found as number] as Item[];
      group[group.length] = item;
    }
  }
  for (let each = 0; each < groups.length; each++) native.setEncoded(keys[each], encode(groups[each]));
}
