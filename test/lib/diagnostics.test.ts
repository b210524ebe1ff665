/**
 * Danger: a subscriber is not told, is told wrongly, or changes what it looks at: how maps behave, how long they live, or
 * whether the process ends. Without subscribers anything is done at all.
 */

import { execFile } from 'node:child_process';
import { type ChannelListener, channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { channels } from '../../lib/diagnostics.js';
import { type Key, ShardMap, type ShardMapOpenOptions } from '../../lib/index.js';
import { newDirectory } from '../durability/directories.js';
import { caught, expectError } from './expect-error.js';
import { busyWait, until } from './waiting.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const run = promisify(execFile);

type Message = Record<string, unknown>;

/** For an update. */
function slowly(): number {
  busyWait(11);
  return 2;
}

const subscribed: [string, ChannelListener][] = [];
const opened: { close(): void }[] = [];
afterEach(() => {
  for (const [name, listener] of subscribed.splice(0)) unsubscribe(name, listener);
  for (const map of opened.splice(0)) map.close();
});

function collect(name: string): Message[] {
  const messages: Message[] = [];
  const listener: ChannelListener = (message) => void messages.push(message as Message);
  subscribe(name, listener);
  subscribed.push([name, listener]);
  return messages;
}

function create(options = {}): ShardMap<Key, unknown> {
  const map = new ShardMap<Key, unknown>(null, options);
  opened.push(map);
  return map;
}

async function open(options: Partial<ShardMapOpenOptions> = {}): Promise<ShardMap<Key, unknown>> {
  const map = await ShardMap.open<Key, unknown>({ dir: newDirectory(), ...options });
  opened.push(map);
  return map;
}

describe('shardmap:slow', () => {
  it('tells each operation that waits, writes or reads many, by its name, once', async () => {
    const messages = collect('shardmap:slow');
    const dir = newDirectory();
    const map = await open({ dir, slowMs: 0 });
    expect(messages).toEqual([expect.objectContaining({ map: undefined, dir, operation: 'open', thresholdMs: 0 })]);
    messages.length = 0;
    const uses: Record<string, () => unknown> = {
      set: () => map.set('a', 1),
      delete: () => map.delete('a'),
      getOrInsert: () => map.getOrInsert('a', 1),
      getOrInsertComputed: () => map.getOrInsertComputed('b', () => map.increment('inner')),
      increment: () => map.increment('n'),
      getAndSet: () => map.getAndSet('a', 2),
      getAndDelete: () => map.getAndDelete('b'),
      compareAndSet: () => map.compareAndSet('a', 2, 3),
      compareAndDelete: () => map.compareAndDelete('a', 4),
      update: () => map.update('a', () => map.set('c', 1) && 4),
      getMany: () => map.getMany(['a']),
      hasMany: () => map.hasMany(['a']),
      setMany: () => map.setMany([['v', new Float32Array(2)]]),
      gather: () => map.gather(['v'], new Float32Array(2)),
      deleteMany: () => map.deleteMany(['v']),
      'writer.flush': () => map.writer().set('w', 1).flush(),
      clear: () => map.clear(),
      flushSync: () => map.flushSync(),
      flush: () => map.flush(),
      compact: () => map.compact(),
      backup: () => map.backup(newDirectory()),
      close: () => map.close(),
    };
    for (const [operation, use] of Object.entries(uses)) {
      const result = await use();
      expect(
        messages.map((message) => message.operation),
        operation,
      ).toEqual([operation]);
      const [message] = messages.splice(0);
      expect(message?.map).toBe(map);
      expect(message).toEqual({
        map: expect.anything(),
        dir: undefined,
        operation,
        durationMs: expect.any(Number),
        thresholdMs: 0,
        error: undefined,
      });
      expect(message?.durationMs).toBeGreaterThanOrEqual(0);
      if (operation === 'set' || operation === 'setMany') expect(result).toBe(map);
      if (operation === 'increment') expect(result).toBe(1);
    }
  });

  it('tells what took as long as slowMs, 10 unless told, and nothing else', () => {
    const messages = collect('shardmap:slow');
    const map = create();
    map.update('a', () => 1);
    map.update('a', slowly);
    expect(messages).toMatchObject([{ operation: 'update', thresholdMs: 10, map }]);
    expect(messages[0]?.durationMs).toBeGreaterThanOrEqual(11);
    const other = create({ slowMs: 60_000 });
    other.update('a', slowly);
    const never = ShardMap.from(map.handle, { slowMs: Number.POSITIVE_INFINITY });
    never.update('a', slowly);
    never.close();
    expect(messages).toHaveLength(1);
  });

  it('tells the error of what failed, and the caller gets it', async () => {
    const messages = collect('shardmap:slow');
    const map = create({ slowMs: 0 });
    const error = new Error('from the callback');
    expect(
      caught(() =>
        map.update('a', () => {
          throw error;
        }),
      ),
    ).toBe(error);
    expect(messages).toMatchObject([{ operation: 'update', error }]);
    await expect(map.backup('/x')).rejects.toThrow();
    const dir = newDirectory();
    await expect(ShardMap.open({ dir, readonly: true, slowMs: 0 })).rejects.toThrow();
    await until(() => messages.length === 2);
    expect(messages[1]).toMatchObject({ operation: 'open', dir, error: { code: 'ERR_SHARDMAP_IO' } });
  });

  it('leaves a subscriber to use the map', () => {
    const map = create({ slowMs: 0 });
    const listener: ChannelListener = () => void map.set('seen', Number(map.get('seen') ?? 0) + 1);
    subscribe('shardmap:slow', listener);
    subscribed.push(['shardmap:slow', listener]);
    map.set('a', 1).set('b', 2);
    expect(map.get('seen')).toBe(2);
  });

  it('changes no property of the class', () => {
    const describeClass = () =>
      Reflect.ownKeys(ShardMap.prototype).flatMap((name) => {
        const property = Reflect.getOwnPropertyDescriptor(ShardMap.prototype, name) as PropertyDescriptor;
        return [name, property.value ?? property.get, property.writable, property.enumerable, property.configurable];
      });
    const before = describeClass();
    collect('shardmap:slow');
    create({ slowMs: 0 }).set('a', 1);
    const after = describeClass();
    expect(after.length).toBe(before.length);
    for (const [place, each] of after.entries()) expect(Object.is(each, before[place])).toBe(true);
    expectError(() => ShardMap.prototype.set.call({} as never, 'a', 1), 'TypeError', 'ERR_SHARDMAP_INVALID_RECEIVER');
  });

  it.each(['1', null, {}, 1n])('refuses a slowMs of %o', (slowMs) => {
    expectError(() => create({ slowMs }), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
  });

  it.each([-1, Number.NaN])('refuses a slowMs of %o', (slowMs) => {
    expectError(() => create({ slowMs }), 'RangeError', 'ERR_SHARDMAP_OUT_OF_RANGE');
  });
});

describe('shardmap:expire', () => {
  it('tells how many entries expired, beside listeners or alone', async () => {
    const messages = collect('shardmap:expire');
    const map = create();
    const entries = Array.from({ length: 3000 }, (_, place) => [place, { place }] as const);
    map.setMany(entries, { ttl: 1 });
    const told = () => messages.reduce((sum, message) => sum + (message.entries as number), 0);
    await until(() => told() === 3000);
    for (const message of messages)
      expect(message).toEqual({ map, entries: expect.any(Number), dropped: expect.any(Number) });
    let heard = 0;
    map.on('expire', (some) => {
      heard += some.length;
    });
    map.setMany(entries, { ttl: 1 });
    await until(() => told() === 6000 && heard === 3000);
  });

  it('tells who subscribed after the map was made from its next stats() on, and nobody who has gone', async () => {
    const map = create();
    map.set('before', 1, { ttl: 0.01 });
    await until(() => map.size === 0);
    const messages = collect('shardmap:expire');
    map.stats();
    map.set('after', 1, { ttl: 0.01 });
    await until(() => messages.length === 1);
    for (const [name, listener] of subscribed.splice(0)) unsubscribe(name, listener);
    map.set('late', 1, { ttl: 0.01 });
    await until(() => map.size === 0);
    const own = new Promise((resolve) => map.on('expire', resolve));
    map.set('own', 1, { ttl: 0.01 });
    await own;
    expect(messages).toHaveLength(1);
  });
});

describe('shardmap:compaction', () => {
  it('tells each compaction as it begins and ends, of each map of the store', async () => {
    const begins = collect('shardmap:compaction:begin');
    const ends = collect('shardmap:compaction:end');
    const map = await open();
    const other = ShardMap.from(map.handle);
    opened.push(other);
    map.set('a', 'x'.repeat(10_000)).flushSync();
    await map.compact();
    await until(() => begins.length === 2 && ends.length === 2);
    const logBytes = begins[0]?.logBytes as number;
    expect(logBytes).toBeGreaterThan(10_000);
    expect(new Set(begins.map((message) => message.map))).toEqual(new Set([map, other]));
    expect(ends.find((message) => message.map === map)).toEqual({
      map,
      logBytes,
      durationMs: expect.any(Number),
      snapshotBytes: map.stats().log?.bytesSnapshot,
      error: undefined,
    });
    expect(ends[0]?.durationMs).toBe(map.stats().log?.compactionMs);
  });
});

describe('a subscriber', () => {
  it('that throws is an uncaught exception, and the operation is done', async () => {
    const program = `
      import { subscribe } from 'node:diagnostics_channel';
      import { ShardMap } from 'shardmap';
      const map = new ShardMap(null, { slowMs: 0 });
      process.on('uncaughtException', (error) => console.log(error.message, map.get('a')));
      subscribe('shardmap:slow', () => { throw new Error('thrown'); });
      map.set('a', 1);
    `;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { cwd: ROOT });
    expect(stdout.trim()).toBe('thrown 1');
  });

  it('keeps neither the process alive nor a map', async () => {
    const program = `
      import { subscribe } from 'node:diagnostics_channel';
      import { ShardMap } from 'shardmap';
      for (const name of ['slow', 'expire', 'compaction:begin', 'compaction:end', 'log:error'])
        subscribe('shardmap:' + name, () => {});
      let handle;
      (() => { const map = new ShardMap([['a', 1]]); map.stats(); handle = map.handle; })();
      for (let turn = 0; turn < 50; turn++) { globalThis.gc(); await new Promise((resolve) => setTimeout(resolve, 1)); }
      try { ShardMap.from(handle); console.log('open'); } catch (error) { console.log(error.code); }
      globalThis.kept = new ShardMap([['a', 1]], { ttl: 60_000 });
    `;
    const args = ['--expose-gc', '--input-type=module', '-e', program];
    const { stdout } = await run(process.execPath, args, { cwd: ROOT, timeout: 20_000 });
    expect(stdout.trim()).toBe('ERR_SHARDMAP_CLOSED');
  });
});

it('the guide lists every channel, and the fields of its messages', () => {
  const guide = readFileSync(path.join(ROOT, 'docs/guides/diagnostics.md'), 'utf8');
  const source = readFileSync(path.join(ROOT, 'lib/diagnostics.ts'), 'utf8');
  const listed = [...guide.matchAll(/^\| `(shardmap:[\w:]+)` \|/gm)].map(([, name]) => name);
  expect(listed).toEqual(Object.values(channels).map(({ name }) => name));
  for (const name of listed)
    expect(channel(name as string)).toBe(Object.values(channels).find((one) => one.name === name));
  const fields = [...source.matchAll(/^ {2}readonly (\w+):/gm)].map(([, field]) => field as string);
  for (const field of new Set(fields)) expect(guide, field).toContain(`\`${field}\``);
});
