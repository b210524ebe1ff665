/** `shardmap bench`: some seconds of measurement on the user's own machine. */

import { once } from 'node:events';
import os from 'node:os';
import process from 'node:process';
import { Worker } from 'node:worker_threads';
import { ShardMap } from '../index.js';
import { keysOf, type Measured, type Mix, runFor } from './bench-load.js';
import type { BenchTask } from './bench-worker.js';
import { EXIT } from './failure.js';
import { count } from './figures.js';
import type { Outcome } from './outcome.js';
import { Progress } from './progress.js';
import { breathe } from './turn.js';

export interface BenchOptions {
  /** In each map. */
  readonly entries: number;
  /** That each measurement takes. */
  readonly seconds: number;
  /** At most. */
  readonly workers: number;
}

/** Both kinds of map take turns, so that what else the machine does meets both. */
const ROUNDS = 3;
const BAR_CHARS = 40;

/** Nanoseconds that an operation takes in one thread. */
interface Single {
  readonly operation: Mix;
  readonly shardMapNs: number;
  readonly mapNs: number;
}

/** Operations of so many workers together. */
interface Shared {
  readonly workers: number;
  readonly operationsPerSecond: number;
}

export function coresOf(): number {
  return os.availableParallelism();
}

export async function bench({ entries, seconds, workers }: BenchOptions): Promise<Outcome> {
  const keys = keysOf(entries);
  const steps = stepsUpTo(workers);
  const progress = new Progress('Measuring');
  const stepsTotal = 2 * ROUNDS * 2 + steps.length * ROUNDS;
  let stepsDone = 0;
  const advance = async (): Promise<void> => {
    progress.update(++stepsDone, stepsTotal);
    await breathe();
  };
  const map = new ShardMap<string, number>(keys.map((key, index) => [key, index]));
  const singles = await measureSingles(map, keys, (1000 * seconds) / ROUNDS, advance);
  const shared: Shared[] = [];
  for (const step of steps) {
    const operationsPerSecond = await measureWorkers(step, { handle: map.handle, entries, ms: 1000 * seconds });
    shared.push({ workers: step, operationsPerSecond });
    for (let round = 0; round < ROUNDS; round++) await advance();
  }
  map.close();
  progress.end();
  return describe(entries, singles, shared);
}

/** 1, 2, 4 … and the highest. */
function stepsUpTo(workers: number): number[] {
  const steps: number[] = [];
  for (let step = 1; step < workers; step *= 2) steps.push(step);
  return [...steps, workers];
}

async function measureSingles(
  shardMap: Measured,
  keys: readonly string[],
  ms: number,
  advance: () => Promise<void>,
): Promise<Single[]> {
  const map = new Map(keys.map((key, index) => [key, index]));
  const singles: Single[] = [];
  for (const operation of ['get', 'set'] as const) {
    const rates: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      for (const [place, measured] of [shardMap, map].entries()) {
        rates[place]?.push(runFor(ms, measured, keys, operation));
        await advance();
      }
    }
    const [shardMapNs = 0, mapNs = 0] = rates.map((each) => 1e9 / medianOf(each));
    singles.push({ operation, shardMapNs, mapNs });
  }
  return singles;
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number;
}

async function measureWorkers(count: number, task: Omit<BenchTask, 'begin'>): Promise<number> {
  const begin = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const program = new URL('./bench-worker.js', import.meta.url);
  const workers = Array.from({ length: count }, () => new Worker(program, { workerData: { ...task, begin } }));
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const rates = workers.map((worker) => once(worker, 'message'));
  const ends = workers.map((worker) => once(worker, 'exit'));
  Atomics.store(begin, 0, 1);
  Atomics.notify(begin, 0);
  let sum = 0;
  for (const [rate] of await Promise.all(rates)) sum += rate as number;
  await Promise.all(ends);
  return sum;
}

function describe(entries: number, singles: readonly Single[], shared: readonly Shared[]): Outcome {
  const cpu = os.cpus()[0]?.model.trim() ?? 'unknown processor';
  const one = shared[0]?.operationsPerSecond ?? 1;
  const lines = [
    `${cpu}, ${coresOf()} cores, Node ${process.version}; ${count(entries)} entries, random keys`,
    '',
    'One thread, nanoseconds an operation',
    ...chart(
      singles.flatMap(({ operation, shardMapNs, mapNs }) => [
        { name: `${operation}  ShardMap`, value: shardMapNs, text: `${shardMapNs.toFixed(0)}` },
        { name: `${operation}  Map`, value: mapNs, text: `${mapNs.toFixed(0)}` },
      ]),
    ),
    '',
    'Workers on one map, millions of operations a second, 95 % get and 5 % set',
    ...chart(
      shared.map(({ workers, operationsPerSecond: rate }) => ({
        name: `${workers}`,
        value: rate,
        text: `${(rate / 1e6).toFixed(2)}${workers === 1 ? '' : `, ${(rate / one).toFixed(2)} times that of one`}`,
      })),
    ),
  ];
  const machine = { cpu, cores: coresOf(), node: process.version, entries };
  const workers = shared.map((row) => ({ ...row, timesOne: row.operationsPerSecond / one }));
  return { exitCode: EXIT.done, lines, document: { ...machine, oneThread: singles, workers } };
}

interface Bar {
  readonly name: string;
  readonly value: number;
  readonly text: string;
}

function chart(bars: readonly Bar[]): string[] {
  const longest = Math.max(...bars.map(({ name }) => name.length));
  const highest = Math.max(...bars.map(({ value }) => value));
  return bars.map(({ name, value, text }) => {
    const bar = '█'.repeat(Math.max(1, Math.round((BAR_CHARS * value) / highest)));
    return `  ${name.padEnd(longest)}  ${bar} ${text}`;
  });
}
