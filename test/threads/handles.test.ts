/** Danger: a handle or a name that reaches another thread does not find its store there, or keeps it open too long. */

import { MessageChannel } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { ShardMap } from '../../lib/index.js';
import { expectClosed } from '../lib/expect-error.js';
import { Thread } from './threads.js';

const threads: Thread[] = [];
afterEach(async () => {
  for (const thread of threads.splice(0)) await thread.end();
});

async function start(workerData?: unknown): Promise<Thread> {
  const thread = await Thread.start('caller', workerData);
  threads.push(thread);
  return thread;
}

const closed = { error: { name: 'ShardMapError', code: 'ERR_SHARDMAP_CLOSED', constructor: 'ShardMapError' } };

describe('a handle', () => {
  it('arrives by workerData and by postMessage', async () => {
    const map = new ShardMap([['a', 1]]);
    const one = await start(map.handle);
    expect(await one.ask(['get', 'a'])).toEqual({ result: 1 });
    const other = await start();
    expect(await other.ask(['attach', map.handle])).toEqual({ result: undefined });
    expect(await other.ask(['get', 'a'])).toEqual({ result: 1 });
    expect(await other.ask(['handle'])).toEqual({ result: map.handle });
  });

  it('arrives by a channel between two other threads', async () => {
    const map = new ShardMap([['a', 1]]);
    const { port1, port2 } = new MessageChannel();
    const received = new Promise((resolve) => port2.once('message', resolve));
    port1.postMessage({ nested: [map.handle] });
    const { nested } = (await received) as { nested: [typeof map.handle] };
    port1.close();
    expect(ShardMap.from(nested[0]).get('a')).toBe(1);
  });

  it('of a store that a worker made outlives that worker here', async () => {
    const thread = await start();
    await thread.ask(['open', undefined]);
    await thread.ask(['set', 'a', 1]);
    const { result } = (await thread.ask(['handle'])) as { result: typeof ShardMap.prototype.handle };
    const map = ShardMap.from(result);
    await thread.end();
    expect(map.get('a')).toBe(1);
    map.close();
    expectClosed(() => ShardMap.from(result));
  });

  it('of a store that only a worker had is closed when that worker ends', async () => {
    const thread = await start();
    await thread.ask(['open', undefined]);
    const { result } = (await thread.ask(['handle'])) as { result: typeof ShardMap.prototype.handle };
    await thread.end();
    expectClosed(() => ShardMap.from(result));
  });
});

describe('close', () => {
  it('in one thread leaves the others open, and the last one ends the store', async () => {
    const map = new ShardMap<string, number>([['a', 1]]);
    const { handle } = map;
    const [one, other] = [await start(handle), await start(handle)];
    map.close();
    expectClosed(() => map.get('a'));
    expect(await one.ask(['set', 'a', 2])).toEqual({ result: undefined });
    await one.ask(['close']);
    for (const use of [['get', 'a'], ['set', 'a', 1], ['size'], ['entries'], ['handle'], ['clear'], ['stats']]) {
      expect(await one.ask(use)).toEqual(closed);
    }
    expect(await other.ask(['get', 'a'])).toEqual({ result: 2 });
    await other.ask(['close']);
    expect(await other.ask(['get', 'a'])).toEqual(closed);
    expect(await other.ask(['attach', handle])).toEqual(closed);
    expectClosed(() => ShardMap.from(handle));
  });
});

describe('a name', () => {
  it('finds one store in all threads', async () => {
    const map = new ShardMap<string, number>([['a', 1]], { name: 'threads', shards: 32 });
    const [one, other] = [await start(), await start()];
    await one.ask(['open', 'threads']);
    await other.ask(['open', 'threads', { shards: 32 }]);
    await one.ask(['set', 'b', 2]);
    expect(await other.ask(['entries'])).toEqual({ result: [...map] });
    const conflict = { name: 'ShardMapError', code: 'ERR_SHARDMAP_OPTIONS_CONFLICT', constructor: 'ShardMapError' };
    expect(await other.ask(['open', 'threads', { shards: 64 }])).toEqual({ error: conflict });
    map.close();
    await one.end();
    expect(await other.ask(['get', 'b'])).toEqual({ result: 2 });
    await other.end();
    expect(new ShardMap(null, { name: 'threads' }).size).toBe(0);
  });

  it('makes one store where many threads open it at once', async () => {
    const four = await Promise.all([start(), start(), start(), start()]);
    for (let round = 0; round < 20; round++) {
      await Promise.all(four.map((thread) => thread.ask(['open', `at once ${round}`])));
      const handles = await Promise.all(four.map((thread) => thread.ask(['handle'])));
      expect(new Set(handles.map((each) => JSON.stringify(each))).size).toBe(1);
    }
  });
});
