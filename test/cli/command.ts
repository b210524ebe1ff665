/** The command as users run it: a process of its own, started by the name that package.json gives it. */

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect } from 'vitest';
import { type Key, ShardMap, type ShardMapOpenOptions } from '../../lib/index.js';

export const ROOT = path.resolve(import.meta.dirname, '../..');

const { bin } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { bin: { shardmap: string } };
export const MAIN = path.join(ROOT, bin.shardmap);

/** A process that has ended, with the document that it printed where that is JSON. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions extends SpawnOptions {
  /** What its standard input has. */
  readonly input?: string | Uint8Array;
}

const running = new Set<ChildProcess>();
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
  running.clear();
});

export function start(args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  return startProgram(process.execPath, [MAIN, ...args], options);
}

export function startProgram(program: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  const child = spawn(program, args, { stdio: 'pipe', ...options });
  running.add(child);
  child.on('exit', () => running.delete(child));
  return child;
}

/** All that it prints, and how it ended. */
export async function endOf(child: ChildProcess): Promise<Ended> {
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text;
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...texts };
}

export async function run(args: readonly string[], { input, ...options }: RunOptions = {}): Promise<Ended> {
  const child = start(args, options);
  child.stdin?.on('error', () => {}); // it need not read all
  child.stdin?.end(input);
  return endOf(child);
}

/** The JSON document of a command. */
export async function runJson(args: readonly string[], options: RunOptions = {}): Promise<Record<string, unknown>> {
  const { code, stdout } = await run([...args, '--json'], options);
  const document = JSON.parse(stdout) as Record<string, unknown>;
  expect(document.exitCode).toBe(code);
  expect(document.command).toBe(args[0]);
  return document;
}

export type Store = ShardMap<Key, unknown>;

export function open(dir: string, options: Partial<ShardMapOpenOptions> = {}): Promise<Store> {
  return ShardMap.open<Key, unknown>({ dir, fsync: 'never', ...options });
}

/** A store of entries, closed again. */
export async function makeStore(dir: string, entries: number, charactersEach = 20): Promise<void> {
  const map = await open(dir);
  const text = 'x'.repeat(charactersEach);
  map.setMany(Array.from({ length: entries }, (_, index) => [`user:${index}`, { index, text }] as const));
  map.close();
}

/** Each file of a directory, with its bytes and when it was changed. */
export function contentsOf(dir: string): unknown[] {
  return readdirSync(dir).map((name) => {
    const file = path.join(dir, name);
    return [name, readFileSync(file, 'latin1'), statSync(file).mtimeMs];
  });
}

export function fileOf(dir: string, prefix: string): string {
  const name = readdirSync(dir).find((each) => each.startsWith(prefix) && /\d$/.test(each));
  expect(name).toBeDefined();
  return path.join(dir, name as string);
}

/** Waits until there is something to be seen. */
export async function waitFor(isThere: () => boolean): Promise<void> {
  for (let tries = 0; !isThere(); tries++) {
    expect(tries).toBeLessThan(10_000);
    await delay(1);
  }
}

/** A process that has the store open to write it, until it is killed. */
export async function occupy(dir: string): Promise<ChildProcess> {
  const program = `import { ShardMap } from ${JSON.stringify(path.join(ROOT, 'dist/index.js'))};
    globalThis.map = await ShardMap.open({ dir: ${JSON.stringify(dir)} });
    console.log('open');
    setInterval(() => {}, 1000);`;
  const child = startProgram(process.execPath, ['--input-type=module', '-e', program]);
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  return child;
}
