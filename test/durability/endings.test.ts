/** Danger: a process ends, in whatever way, and what it wrote is lost or keeps others from opening it. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ShardMap } from '../../lib/index.js';
import { sizeOf } from '../lib/run-size.js';
import { expectRejection, newDirectory } from './directories.js';

const program = fileURLToPath(new URL('./programs/write.mjs', import.meta.url));

function start(dir: string, fsync: string, ending: string) {
  return spawn(process.execPath, [program, dir, fsync, ending], { stdio: ['ignore', 'pipe', 'ignore'] });
}

describe.each(['always', 'interval', 'never'] as const)('with fsync %s', (fsync) => {
  it.each(['exit', 'throw', 'close', 'end'])(
    'what was written is there after a process that ends by %s',
    async (ending) => {
      const dir = newDirectory();
      for (let round = 1; round <= 3; round++) {
        const [code] = await once(start(dir, fsync, ending), 'exit');
        expect(code).toBe(ending === 'throw' ? 1 : 0);
        const map = await ShardMap.open<string, number>({ dir });
        expect(map.get('count')).toBe(round);
        map.close();
      }
    },
  );

  it('a process that is killed leaves a prefix, with all that was flushed', async () => {
    const dir = newDirectory();
    let before = 0;
    for (let kill = 0; kill < sizeOf('SHARDMAP_TEST_KILLS', 8); kill++) {
      const child = start(dir, fsync, 'storm');
      let output = '';
      child.stdout.on('data', (data) => {
        output += data;
      });
      await once(child.stdout, 'data');
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 100));
      child.kill('SIGKILL');
      await once(child, 'close');
      const flushed = Number(output.trimEnd().split('\n').at(-1));
      const map = await ShardMap.open<string, unknown>({ dir, fsync });
      const count = map.get('count') as number;
      expect(count).toBeGreaterThanOrEqual(flushed);
      expect(count).toBeGreaterThan(before);
      for (let i = 1; i <= count; i++) expect(map.get(`entry ${i}`)).toEqual({ i, text: 'x'.repeat(i % 500) });
      // The next entry may be there without the count, and nothing else.
      const next = map.has(`entry ${count + 1}`) ? 1 : 0;
      expect(map.size).toBe(count + 1 + next);
      before = count;
      map.close();
    }
  });
});

describe('a directory that another process has open', () => {
  it('is refused, with the name of the process, until that ends', async () => {
    const dir = newDirectory();
    const child = start(dir, 'interval', 'hold');
    await once(child.stdout, 'data');
    const error = await expectRejection(ShardMap.open({ dir }), 'ShardMapError', 'ERR_SHARDMAP_IN_USE');
    expect(error.message).toContain(`process ${child.pid}`);
    child.kill('SIGKILL');
    await once(child, 'close');
    const map = await ShardMap.open({ dir });
    expect(map.get('held')).toBe(1);
    map.close();
  });
});
