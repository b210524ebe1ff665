/** Danger: a process ends, in whatever way, and what it wrote is lost or keeps others from opening it. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ShardMap } from '../../lib/index.js';
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
