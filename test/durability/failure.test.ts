/** Danger: a log fails, and nobody is told, what was there cannot be read any more, or only a restart brings it back. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ShardMap } from '../../lib/index.js';
import { newDirectory } from './directories.js';

const program = fileURLToPath(new URL('./programs/fail.mjs', import.meta.url));
/** Of 512 bytes each, and no shell has fewer. */
const FILE_BLOCKS_MAX = 400;

describe('a log that fails', () => {
  it('tells its listeners, refuses writes, lets read, and goes on after compact', async () => {
    const dir = newDirectory();
    const limited = `ulimit -f ${FILE_BLOCKS_MAX}; exec "$0" "$@"`;
    const run = spawnSync('sh', ['-c', limited, process.execPath, program, dir], { encoding: 'utf8' });
    expect(run.stderr).toBe('');
    expect(run.status).toBe(0);
    const { failed, write, state, errors, published } = JSON.parse(run.stdout);
    expect(failed).toMatchObject({ state: 'failed', refused: 'ERR_SHARDMAP_IO', read: 'value' });
    expect(failed.reason).toMatch(/segment-.*could not be written/);
    expect(errors).toEqual(['ERR_SHARDMAP_LOG_FAILED']);
    expect(published).toEqual(errors);
    expect(write).toBe('ERR_SHARDMAP_LOG_FAILED');
    expect(state).toBe('running');
    const map = await ShardMap.open<string, string>({ dir, recovery: 'strict' });
    expect([...map.keys()]).toEqual(['first', 'filler', 'second']);
    map.close();
  });
});
