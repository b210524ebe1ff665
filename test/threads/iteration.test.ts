/** Danger: under other threads' writes an iteration skips an entry that was there all the time, or shows it twice. */

import { describe, expect, it } from 'vitest';
import { type Key, ShardMap } from '../../lib/index.js';
import { Thread } from './threads.js';

const STABLE = 5000;

describe('iteration under the writes of two other threads', () => {
  it('shows each entry that is there throughout once, in order', async () => {
    const map = new ShardMap<Key, unknown>();
    for (let index = 0; index < STABLE; index++) map.set(`stable ${index}`, index);
    const stop = new SharedArrayBuffer(4);
    const threads = await Thread.startAll(2, 'churner', () => ({ handle: map.handle, stop }));
    const answers = threads.map((thread) => thread.answer());
    const deadline = Date.now() + 2000;
    let walks = 0;
    while (Date.now() < deadline || walks < 5) {
      const seen: unknown[] = [];
      const see = (value: unknown, key: Key): void => {
        if (String(key).startsWith('stable')) seen.push(value);
      };
      if (walks % 2 === 0) map.forEach(see);
      else for (const [key, value] of map) see(value, key);
      // Own writes too: then each entry is looked at again before it is shown.
      if (walks % 3 === 0) for (const [key, value] of map) if (key === `stable ${value}`) map.set(key, value);
      expect(seen).toEqual(Array.from({ length: STABLE }, (_, index) => index));
      walks++;
    }
    Atomics.store(new Int32Array(stop), 0, 1);
    const steps = (await Promise.all(answers)) as number[];
    for (const thread of threads) await thread.end();
    expect(Math.min(...steps)).toBeGreaterThan(1000);
  });
});
