/** Danger: a thread or the process ends, and what its writers had pending is lost, or keeps it from ending. */

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { ShardMap } from '../../lib/index.js';
import { type Outcome, runProgramIn } from './threads.js';

function run(...given: string[]): Promise<Outcome> {
  return runProgramIn(import.meta.url, 'writer', given, ['--expose-gc']);
}

/** Of entries: 50, and what is set by the ending itself. */
const kept: Record<string, number> = {
  end: 50,
  exit: 50,
  'set in beforeExit': 51,
  'set in exit': 52,
  'close in exit': 50,
};

describe('pending entries, of dropped writers too, are set when a thread ends', () => {
  it.each(Object.keys(kept))('the main one: %s', async (ending) => {
    expect(await run('main', ending)).toEqual({ code: 0, signal: null, output: `${kept[ending]}\n` });
  });

  it.each(Object.keys(kept))('a worker: %s', async (ending) => {
    expect(await run('worker', ending)).toEqual({ code: 0, signal: null, output: `0 ${kept[ending]}\n` });
  });

  it('by an error that nobody catches', async () => {
    const main = await run('main', 'throw');
    expect(main).toMatchObject({ code: 1, signal: null });
    expect(main.output).toMatch(/^50\n/);
    expect(await run('worker', 'throw')).toEqual({ code: 0, signal: null, output: 'on purpose\n1 50\n' });
  });

  it.each(['end', 'exit'])('and so are those of two workers with one store: %s', async (ending) => {
    expect(await run('worker', ending, '2')).toEqual({ code: 0, signal: null, output: '0,0 100\n' });
  });
});

describe('a flush that fails where nobody can catch it', () => {
  it('is an uncaught exception of the timer', async () => {
    const main = await run('main', 'fail by the timer');
    expect(main).toMatchObject({ code: 1, signal: null });
    expect(main.output).toMatch(/ERR_SHARDMAP_CLOSED/);
    const worker = await run('worker', 'fail by the timer');
    expect(worker).toEqual({ code: 0, signal: null, output: 'ERR_SHARDMAP_CLOSED\n1 50\n' });
  });

  it('at the exit is one too, and the other writers are flushed all the same', async () => {
    const main = await run('main', 'fail, then exit');
    expect(main).toMatchObject({ code: 1, signal: null });
    expect(main.output).toMatch(/ERR_SHARDMAP_CLOSED/);
    const worker = await run('worker', 'fail, then exit');
    expect(worker).toEqual({ code: 0, signal: null, output: 'ERR_SHARDMAP_CLOSED\n1 50\n' });
  });
});

describe('two workers that write at once, and the main thread', () => {
  it('have all entries in the store while the workers live, and each key the last value of its writer', async () => {
    const map = new ShardMap<string, number>();
    const workers = [0, 1].map((index) => {
      return new Worker(new URL('./workers/collector.mjs', import.meta.url), {
        workerData: { map: map.handle, index },
      });
    });
    const own = map.writer({ maxEntries: 7 });
    for (let index = 0; index < 5000; index++) own.set(`main ${index % 1000}`, index);
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    own.flush();
    expect(map.size).toBe(3000);
    for (const [name, index] of ['main', 'worker 0', 'worker 1'].flatMap((name) => [0, 500, 999].map((n) => [name, n])))
      expect(map.get(`${name} ${index}`)).toBe(4000 + Number(index));
    for (const worker of workers) await worker.terminate();
    map.close();
  });
});
