/**
 * Danger: a process that is killed leaves a hole behind: what a thread did, or saw, is there, and what it did before is
 * not; or what was flushed is gone, or a value is half of one and half of another.
 *
 * Each process checks what those before it have left, and writes on, until it is killed.
 */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { seed, sizeOf } from '../lib/run-size.js';
import { createRandom } from '../threads/random.js';
import { newDirectory, newDirectoryInMemory } from './directories.js';

const program = fileURLToPath(new URL('./programs/storm.mjs', import.meta.url));

const KILLS = sizeOf('SHARDMAP_TEST_KILLS', 200);
const POLICIES = ['always', 'interval', 'never'] as const;
/** The main thread and four workers. */
const THREADS = 5;
/** Until a kill, from when the store is open, or from when it is opened. */
const WRITING_MS_MAX = 40;
const OPENING_MS_MAX = 15;
const TIMEOUT_MS = 60_000 + KILLS * 5_000;

const started: ChildProcessWithoutNullStreams[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

/** A process that writes. */
class Storm {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #closed: Promise<unknown>;
  #output = '';
  #errors = '';

  constructor(dir: string, fsync: string, childSeed: number) {
    this.#child = spawn(process.execPath, [program, dir, fsync, String(childSeed), String(THREADS)]);
    this.#closed = once(this.#child, 'close');
    started.push(this.#child);
    this.#child.stdout.on('data', (text) => (this.#output += text));
    this.#child.stderr.on('data', (text) => (this.#errors += text));
  }

  async #until(word: string): Promise<void> {
    while (!this.#output.includes(word)) {
      const isOver = await Promise.race([
        this.#closed.then(() => true),
        once(this.#child.stdout, 'data').then(() => false),
      ]);
      if (isOver) throw new Error(`the process ended by itself: ${this.#output}${this.#errors}`);
    }
  }

  ready(): Promise<void> {
    return this.#until('ready\n');
  }

  begin(): void {
    this.#child.stdin.write('go\n');
  }

  open(): Promise<void> {
    return this.#until('open ');
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#closed;
    if (this.#child.signalCode !== 'SIGKILL') throw new Error(`the process ended by itself: ${this.#errors}`);
  }

  /** How far each thread was when the store was opened; nothing where the process did not come to that. */
  get counts(): number[] | undefined {
    return /^open (.*)\n/m.exec(this.#output)?.[1]?.split(' ').map(Number);
  }

  /** How far each thread is known to have been flushed. A line that was not finished tells nothing. */
  get flushed(): number[] {
    const flushed = new Array<number>(THREADS).fill(0);
    for (const [, thread, step] of this.#output.matchAll(/^flushed (\d+) (\d+)\n/gm))
      flushed[Number(thread)] = Number(step);
    return flushed;
  }
}

function expectAtLeast(counts: readonly number[], least: readonly number[], what: string): void {
  for (const [thread, count] of counts.entries())
    expect(count, `${what} thread ${thread}`).toBeGreaterThanOrEqual(least[thread] as number);
}

async function killAgainAndAgain(fsync: (typeof POLICIES)[number]): Promise<void> {
  const random = createRandom(seed + POLICIES.indexOf(fsync));
  // What a killed process leaves is in the kernel's memory: only 'always' waits for the medium all the time.
  const dir = fsync === 'always' ? newDirectory() : newDirectoryInMemory();
  const start = (): Storm => new Storm(dir, fsync, Math.floor(random() * 2 ** 31));
  let least = new Array<number>(THREADS).fill(0);
  let grown = 0;
  const kills = Math.ceil(KILLS / POLICIES.length);
  let next = start();
  for (let kill = 0; kill <= kills; kill++) {
    const storm = next;
    await storm.ready();
    storm.begin();
    const isOpening = kill < kills && random() < 0.1;
    if (!isOpening) await storm.open();
    // Its threads start while this one writes.
    if (kill < kills) next = start();
    await setTimeout(random() * (isOpening ? OPENING_MS_MAX : WRITING_MS_MAX));
    await storm.kill();
    const { counts, flushed } = storm;
    if (counts === undefined) continue;
    expectAtLeast(counts, least, `fsync ${fsync}: after ${kill} kills it is lost what was there or flushed, of`);
    if (counts.some((count, thread) => count > (least[thread] as number))) grown++;
    least = counts.map((count, thread) => Math.max(count, flushed[thread] as number));
  }
  expect(grown, `fsync ${fsync}: kills after which more was there`).toBeGreaterThan(kills / 10);
}

describe(`with each fsync (SHARDMAP_TEST_SEED=${seed})`, () => {
  it(
    `a process that is killed leaves a prefix, with all that was flushed, ${KILLS} times of all policies`,
    // Side by side: most of the time they wait for a process to start.
    () => Promise.all(POLICIES.map(killAgainAndAgain)),
    TIMEOUT_MS,
  );
});
