/** Workers and child processes of the thread tests. They run the package as it is built in dist/. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type TransferListItem, Worker } from 'node:worker_threads';

const dist = new URL('../../dist/index.js', import.meta.url);
if (!existsSync(dist)) throw new Error('the thread tests use dist/: run npm run build:ts first');

/** A worker that answers one message at a time. Its answers are kept for who asks, however early they come. */
export class Thread {
  readonly worker: Worker;
  readonly #answers: unknown[] = [];

  private constructor(worker: Worker) {
    this.worker = worker;
    worker.on('message', (answer) => this.#answers.push(answer));
  }

  /** Runs `workers/<name>.mjs`, and waits until it says that it is ready. */
  static start(name: string, workerData: unknown = undefined): Promise<Thread> {
    return Thread.startIn(import.meta.url, name, workerData);
  }

  /** The same beside the file `base`. */
  static async startIn(base: string, name: string, workerData: unknown = undefined): Promise<Thread> {
    const worker = new Worker(new URL(`./workers/${name}.mjs`, base), { workerData });
    const thread = new Thread(worker);
    await thread.answer();
    return thread;
  }

  static startAll(count: number, name: string, workerData: (index: number) => unknown): Promise<Thread[]> {
    return Promise.all(Array.from({ length: count }, (_, index) => Thread.start(name, workerData(index))));
  }

  async ask(message: unknown, transfer: TransferListItem[] = []): Promise<unknown> {
    const answer = this.answer();
    this.worker.postMessage(message, transfer);
    return answer;
  }

  async answer(): Promise<unknown> {
    if (this.#answers.length === 0) await once(this.worker, 'message');
    return this.#answers.shift();
  }

  async end(): Promise<void> {
    await this.worker.terminate();
  }
}

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

const PROGRAM_MS_MAX = 100_000;

/** Runs `programs/<name>.mjs` beside this file in a process of its own. */
export function runProgram(name: string, given: readonly string[] = []): Promise<Outcome> {
  return runProgramIn(import.meta.url, name, given, []);
}

/** The same beside the file `base`. */
export function runProgramIn(
  base: string,
  name: string,
  given: readonly string[],
  nodeOptions: readonly string[],
): Promise<Outcome> {
  return run([...nodeOptions, fileURLToPath(new URL(`./programs/${name}.mjs`, base)), ...given]);
}

/** Runs Node with these arguments. A process that hangs is killed, which its signal tells. */
export async function run(given: readonly string[], cwd: string = process.cwd()): Promise<Outcome> {
  // The runner's own environment is not for programs that users run.
  const { NODE_OPTIONS: _, VITEST: __, ...env } = process.env;
  const child = spawn(process.execPath, given, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: PROGRAM_MS_MAX,
    env,
    cwd,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, output };
}
