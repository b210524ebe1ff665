/** The operations that `shardmap bench` counts: the same on a map of either kind. */

/** What of a map is measured. */
export interface Measured {
  get(key: string): number | undefined;
  set(key: string, value: number): unknown;
}

/** Between two looks at the clock. */
const OPERATIONS_PER_LOOK = 1000;
/** One in so many operations of a mix is a set. */
const SET_EVERY = 20;

export function keysOf(entries: number): string[] {
  return Array.from({ length: entries }, (_, index) => `entry number ${index}`);
}

export type Mix = 'get' | 'set' | 'mixed';

/** Runs operations on random keys for so long; returns how many there were in a second. */
export function runFor(ms: number, map: Measured, keys: readonly string[], mix: Mix): number {
  const begin = performance.now();
  let operations = 0;
  let left = 0;
  let state = 1 + Math.floor(Math.random() * 2 ** 31);
  const next = (): string => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return keys[Math.floor((state / 2 ** 32) * keys.length)] as string;
  };
  do {
    for (let index = 0; index < OPERATIONS_PER_LOOK; index++) {
      const isSet = mix === 'set' || (mix === 'mixed' && index % SET_EVERY === 0);
      if (isSet) map.set(next(), index);
      else left += map.get(next()) ?? 1;
    }
    operations += OPERATIONS_PER_LOOK;
  } while (performance.now() - begin < ms);
  // What is read has to be used, or it need not be read.
  if (Number.isNaN(left)) throw new Error('a value is no number');
  return (operations * 1000) / (performance.now() - begin);
}
