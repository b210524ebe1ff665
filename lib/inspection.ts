/** How `console.log` and `util.inspect` show a map: as they show a `Map`, with its first entries. */

import type { InspectOptions, inspect } from 'node:util';

const NativeMap = Map;
const ENTRIES_SHOWN = 100;

/** What inspection needs of a map. */
export interface Inspected {
  readonly size: number;
  entries(): Iterator<[unknown, unknown], unknown>;
}

/** The text for `map`; `options` and `format` as `util.inspect` hands them on. */
export function inspectEntries(map: Inspected, options: InspectOptions, format: typeof inspect): string {
  const limit = options.maxArrayLength ?? ENTRIES_SHOWN;
  const shown = new NativeMap<unknown, unknown>();
  const iterator = map.entries();
  for (let step = iterator.next(); !step.done && shown.size < limit; step = iterator.next())
    shown.set(step.value[0], step.value[1]);
  const { size } = map;
  const text = format(shown, options);
  const entries = text.slice(text.indexOf('{'));
  return `ShardMap(${size}) ${size > shown.size ? `${entries.slice(0, -1)}… ${size - shown.size} more }` : entries}`;
}
