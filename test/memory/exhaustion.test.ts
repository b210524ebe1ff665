/** Danger: a store that runs out of memory takes the process with it, or loses what it had. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const LIMIT_KIB = 6 * 2 ** 20;
const program = fileURLToPath(new URL('./programs/exhaust.mjs', import.meta.url));

describe('a store that runs out of memory', () => {
  // The limit of the address space is set by the shell: there is no such thing elsewhere.
  it.runIf(process.platform === 'linux')('says so by a typed error, and goes on with what it has', () => {
    const command = `ulimit -v ${LIMIT_KIB} && exec "$0" "$1"`;
    const outcome = spawnSync('sh', ['-c', command, process.execPath, program], { encoding: 'utf8', timeout: 60_000 });
    expect(outcome).toMatchObject({ status: 0, signal: null, stderr: '' });
    expect(JSON.parse(outcome.stdout)).toEqual({
      name: 'ShardMapError',
      code: 'ERR_SHARDMAP_OUT_OF_MEMORY',
      before: [1, true, false, true],
      overwrite: 1,
      after: [false, true, true],
    });
  });
});
