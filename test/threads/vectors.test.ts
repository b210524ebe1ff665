/** Danger: a gathered row is half of one vector and half of another. */

import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ShardMap } from '../../lib/index.js';
import { Thread } from './threads.js';

const SECONDS = 1;

interface Seen {
  readonly torn: number;
  readonly rows: number;
  readonly changes: number;
}

describe.each([
  ['in their entries', 16, 100],
  ['in blocks', 128, 100],
  ['in large blocks, in several calls', 2000, 300],
])('vectors %s', (_, length, count) => {
  it('are gathered whole by two threads while another overwrites and deletes them', async () => {
    const map = new ShardMap<number, Float32Array>(null, { shards: 4 });
    const keys = Array.from({ length: count }, (_, index) => index);
    const stop = new SharedArrayBuffer(4);
    const given = { handle: map.handle, keys, length, stop };
    const writer = await Thread.start('vectors', { ...given, task: 'write' });
    const readers = await Thread.startAll(2, 'vectors', () => ({ ...given, task: 'gather' }));
    const written = writer.ask('begin');
    const seen = Promise.all(readers.map((reader) => reader.ask('begin')));
    await setTimeout(SECONDS * 1000);
    Atomics.store(new Int32Array(stop), 0, 1);
    for (const each of (await seen) as Seen[]) {
      expect(each.torn).toBe(0);
      expect(each.rows).toBeGreaterThan(count);
      expect(each.changes).toBeGreaterThan(1);
    }
    expect(((await written) as { rounds: number }).rounds).toBeGreaterThan(0);
    for (const thread of [writer, ...readers]) await thread.end();
    map.close();
  });
});
