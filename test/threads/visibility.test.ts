/** Danger: a thread goes on seeing an old value, or none, after another thread's call returned. */

import { setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { type Key, ShardMap } from '../../lib/index.js';
import { Thread } from './threads.js';

const threads: Thread[] = [];
afterEach(async () => {
  for (const thread of threads.splice(0)) await thread.end();
});

async function start(name: string, workerData?: unknown): Promise<Thread> {
  const thread = await Thread.start(name, workerData);
  threads.push(thread);
  return thread;
}

describe('what one thread does', () => {
  it('is seen by the other once it is told', async () => {
    const map = new ShardMap<Key, unknown>();
    const thread = await start('caller', map.handle);
    const values = [
      1,
      'text',
      'Ж'.repeat(5000),
      2n ** 100n,
      null,
      undefined,
      true,
      { nested: [1, 2n, new Date(0)] },
      Uint8Array.of(1, 2),
    ];
    for (const value of values) {
      map.set('key', value);
      expect(await thread.ask(['get', 'key'])).toEqual({ result: map.get('key') });
      await thread.ask(['set', 'back', value]);
      expect(map.get('back')).toEqual(value);
    }
    expect(await thread.ask(['size'])).toEqual({ result: 2 });
    expect(await thread.ask(['entries'])).toEqual({ result: [...map] });
    await thread.ask(['delete', 'key']);
    expect(map.has('key')).toBe(false);
    await thread.ask(['clear']);
    expect([...map]).toEqual([]);
  });

  it('is seen by the other under keys of any kind, composite ones too', async () => {
    const map = new ShardMap<Key, unknown>();
    const thread = await start('caller', map.handle);
    const long = 'long '.repeat(500);
    const keys: Key[] = ['a', -1n, null, Uint8Array.of(1), [], ['ann', 7], ['ann', '7'], ['Ж', 2n ** 70n, 0.5, long]];
    for (const [index, key] of keys.entries()) {
      map.set(key, index);
      expect(await thread.ask(['get', key])).toEqual({ result: index });
      await thread.ask(['set', key, -index]);
      expect(map.get(key)).toBe(-index);
    }
    expect(await thread.ask(['entries'])).toEqual({ result: keys.map((key, index) => [key, -index]) });
  });

  it('is seen by the other at once, without a message', async () => {
    const rounds = 20_000;
    const map = new ShardMap<string, unknown>();
    const turn = new SharedArrayBuffer(4);
    const turns = new Int32Array(turn);
    const thread = await start('partner', { handle: map.handle, turn, rounds });
    const answer = thread.answer();
    let wrong = 0;
    for (let round = 1; round <= rounds; round++) {
      map.set('ping', round).set(`ping ${round}`, `text ${round}`);
      Atomics.store(turns, 0, 2 * round - 1);
      Atomics.notify(turns, 0);
      while (Atomics.load(turns, 0) === 2 * round - 1) Atomics.wait(turns, 0, 2 * round - 1);
      if (map.get('pong') !== -round || map.has(`ping ${round}`)) wrong++;
    }
    expect(wrong).toBe(0);
    expect(await answer).toBe(0);
  });

  it('is seen by threads that read nothing but the same keys all the time', async () => {
    const map = new ShardMap<string, number | boolean>([
      ['counting', true],
      ['count', 0],
      ['stop', false],
    ]);
    const announced = new SharedArrayBuffer(4);
    const returned = new Int32Array(announced);
    const watchers = [1, 2].map(() => start('watcher', { handle: map.handle, announced }));
    const answers = (await Promise.all(watchers)).map((watcher) => watcher.answer());
    const rounds = 300;
    for (let round = 1; round <= rounds; round++) {
      map.set('count', round);
      Atomics.store(returned, 0, round);
      await setTimeout(1);
    }
    map.set('counting', false);
    for (const answer of await Promise.all(answers)) {
      expect(answer).toMatchObject({ wrong: 0, last: rounds });
      expect((answer as { changes: number }).changes).toBeGreaterThan(1);
    }
    const stopped = threads.map((watcher) => watcher.answer());
    await setTimeout(200); // long enough for the loop to be compiled
    map.set('stop', true);
    expect(await Promise.all(stopped)).toEqual(['stopped', 'stopped']);
  });

  it('is told by typed errors in each thread', async () => {
    const map = new ShardMap();
    const thread = await start('caller', map.handle);
    const keyError = { name: 'TypeError', code: 'ERR_SHARDMAP_INVALID_KEY', constructor: 'TypeError' };
    expect(await thread.ask(['set', {}, 1])).toEqual({ error: keyError });
    const handleError = { name: 'TypeError', code: 'ERR_SHARDMAP_INVALID_HANDLE', constructor: 'TypeError' };
    expect(await thread.ask(['attach', { garbage: 1 }])).toEqual({ error: handleError });
    expect(map.size).toBe(0);
  });
});
