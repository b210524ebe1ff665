/**
 * Danger: two threads both win one value of a SyncMap, or a value is lost between them; a range visits a key twice, or
 * passes one by that was there all the time.
 */

import { describe, expect, it } from 'vitest';
import { type Key, ShardMap } from '../../lib/index.js';
import { SyncMap } from '../../lib/sync-map.js';
import { Thread } from './threads.js';

/** What each rival answers. */
async function race(name: string, rivals: number, steps: number, map: SyncMap<Key>): Promise<unknown[][]> {
  const gate = new SharedArrayBuffer(8);
  const given = (index: number): unknown => ({ handle: map.handle, gate, rivals, race: name, steps, index });
  const threads = await Thread.startAll(rivals, 'sync-rival', given);
  const answers = await Promise.all(threads.map((thread) => thread.answer()));
  for (const thread of threads) await thread.end();
  return answers as unknown[][];
}

function sorted(numbers: readonly unknown[]): number[] {
  return (numbers as number[]).toSorted((a, b) => a - b);
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

describe.each([2, 4])('of %i threads', (rivals) => {
  it('each value that is swapped in is swapped out once, or is there at the end', async () => {
    const steps = 10_000;
    const map = new SyncMap<Key>();
    const previous = (await race('swap', rivals, steps, map)).flat() as [number, unknown][];
    const lost = previous.filter(([, value]) => value === 'none').map(([key]) => key);
    expect(sorted(lost)).toEqual([0, 1, 2]);
    const swappedOut = previous.flatMap(([, value]) => (value === 'none' ? [] : [value]));
    const left = [0, 1, 2].map((key) => map.load(key)[0]);
    expect(sorted([...swappedOut, ...left])).toEqual(upTo(rivals * steps));
  });

  it('one wins each compareAndSwap', async () => {
    const steps = 20_000;
    const map = new SyncMap<Key>();
    map.store('counter', undefined);
    expect(sorted((await race('compareAndSwap', rivals, steps, map)).flat())).toEqual(upTo(steps));
    expect(map.load('counter')).toEqual([steps, true]);
  });

  it('one holds a lock of loadOrStore and compareAndDelete', async () => {
    const map = new SyncMap<Key>();
    expect(await race('compareAndDelete', rivals, 1000, map)).toEqual(upTo(rivals).map(() => [0]));
    expect(map.count()).toBe(0);
  });

  it.each(['loadOrStore', 'loadAndDelete'])('one wins each %s, of undefined too', async (name) => {
    const steps = 10_000;
    const map = new SyncMap<Key>();
    if (name === 'loadAndDelete') for (const key of upTo(steps)) map.store(key, key % 2 === 0 ? undefined : key);
    expect(sorted((await race(name, rivals, steps, map)).flat())).toEqual(upTo(steps));
    expect(map.count()).toBe(name === 'loadAndDelete' ? 0 : steps);
  });

  it('one ranges over what is there throughout once, and over no key twice, whatever the others do', async () => {
    const map = new SyncMap<Key>({ shards: 16 });
    for (const n of upTo(200)) map.store(`steady ${n}`, n);
    expect(await race('range', rivals, 300, map)).toEqual(upTo(rivals).map(() => [0]));
  });

  it('all clear the map, and what is counted then is what is there', async () => {
    const map = new SyncMap<Key>();
    expect(await race('clear', rivals, 5000, map)).toEqual(upTo(rivals).map(() => [0]));
    let visits = 0;
    map.range(() => ++visits > 0);
    expect(visits).toBe(map.count());
    expect(ShardMap.from(map.handle).size).toBe(visits);
    map.clear();
    map.range(() => expect.unreachable());
    expect(map.count()).toBe(0);
  });
});
