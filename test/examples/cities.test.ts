/** Danger: the main example no longer runs, or no longer finds out when a killed process left something else than a prefix. */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { run } from '../threads/threads.js';

const SMALL = ['examples/cities.mjs', '--rounds', '1', '--operations', '20000', '--threads', '2'];

describe('cities.mjs', () => {
  it('works on a durable map, kills a process that writes to it, and finds a prefix', async () => {
    const dir = mkdtempSync(path.join(os.tmpdir(), 'shardmap-test-'));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    const { code, output } = await run([...SMALL, '--dir', dir]);
    expect(output).toMatch(/^ {2}reopen {2}270,712 entries are back, those of each thread in order/m);
    expect(output).toMatch(/a prefix: [1-9][\d,]* steps of 2 threads, none missing of [1-9][\d,]* that were flushed/);
    expect(output).toMatch(/^ {2}compact opened, and the log of/m);
    expect(output).toMatch(/^open again, million entries\/s/m);
    expect(code).toBe(0);
    expect(readdirSync(dir)).toContain('MANIFEST');

    const again = await run([...SMALL, '--dir', dir]);
    expect(again.output).toContain('FAILED: --dir must be new or empty');
    expect(again.code).toBe(1);
  }, 180_000);

  it('works in memory only', async () => {
    const { code, output } = await run([...SMALL, '--memory']);
    expect(output).toContain('the ShardMap is in memory only');
    expect(output).not.toContain('reopen');
    expect(code).toBe(0);
  }, 180_000);
});

describe('what a storm may leave', () => {
  const codes = [['AA:1', 'AA:2'], ['BB:1']];

  /** What is in the map after so many steps of each thread in turn, and what was before. */
  async function storm(steps: number) {
    const { createSteps, checkPrefix } = await import(new URL('../../examples/cities-steps.mjs', import.meta.url).href);
    const before = new Map(codes.flat().map((code) => [`population:${code}`, 1000]));
    const map = Object.assign(new Map<string, unknown>(before), {
      increment: (key: string) => map.set(key, Number(map.get(key)) + 1),
    });
    const threads = codes.map((own, thread) => createSteps(map, thread, codes.length, own));
    for (let step = 0; step < steps; step++) for (const doStep of threads) doStep();
    return { map, check: (acknowledged: number[]) => checkPrefix(map, before, codes, acknowledged) };
  }

  it('is all of it', async () => {
    const { check } = await storm(10);
    expect(check([10, 10])).toMatchObject({ steps: 20, flushed: 20 });
  });

  it('is a last step without what comes behind it', async () => {
    const { map, check } = await storm(10);
    map.set('last:1', 9);
    expect(check([10, 9]).steps).toBe(20);
  });

  const damages: [string, (map: Map<string, unknown>) => unknown, RegExp][] = [
    ['a hole', (map) => map.delete('step:0:5'), /the step behind step 4: found step:0:6/],
    ['a step of which an effect is missing', (map) => map.set('population:BB:1', 1009), /population:BB:1: found 1009/],
    ['a city that nobody changed', (map) => map.delete('population:BB:1'), /population:BB:1: found undefined/],
    ['an entry that nobody wrote', (map) => map.set('x', 1), /entries that are no steps/],
    [
      'an effect without its cause',
      (map) => [10, 9].map((step) => map.delete(`step:1:${step}`)),
      /steps that are there/,
    ],
    ['a flushed step that is lost', (map) => map.set('last:0', 9), /thread 0: found 9 steps, and 10 were flushed/],
    [
      'a step that had seen what is lost',
      (map) => {
        for (const step of [10, 9, 8]) map.delete(`step:0:${step}`);
        map.set('last:0', 7);
      },
      /had seen step \d+ of thread 0, of which 7 are there/,
    ],
  ];

  it.each(damages)('is not %s', async (_, damage, message) => {
    const { map, check } = await storm(10);
    damage(map);
    expect(() => check(message.source.includes('flushed') ? [10, 10] : [0, 0])).toThrow(message);
  });
});
