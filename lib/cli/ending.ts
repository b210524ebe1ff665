/**
 * How a command ends before its time: what it has begun is undone, what it has open is closed, whether an error, a
 * signal or a pipe that nobody reads any more is the reason.
 */

import { constants } from 'node:os';
import process from 'node:process';
import { EXIT } from './failure.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Windows has no such signal. */
const SIGPIPE = constants.signals.SIGPIPE ?? 13;

/** One that takes long keeps those from before it waiting. */
type Step = () => void | Promise<void>;

/** The latest last. */
const steps: Step[] = [];
let isEndingNow = false;

/** Has `step` done when the command ends. */
export function atEnd(step: Step): void {
  steps.push(step);
}

/** Forgets a step that was done, or is not needed any more; returns whether it was there. */
export function forget(step: Step): boolean {
  const place = steps.indexOf(step);
  if (place >= 0) steps.splice(place, 1);
  return place >= 0;
}

/** Does all that is left to be done, the latest first. What one throws keeps no other from it. */
export async function endAll(): Promise<void> {
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    try {
      await step();
    } catch {
      // Why the command ends is told by who ends it.
    }
  }
}

/** Whether a signal or the output ends the command: what goes wrong with it from then on is no news. */
export function isEnding(): boolean {
  return isEndingNow;
}

/**
 * From here on signals, and a standard output that nobody reads, end the command in order; the same signal once more
 * ends it at once.
 */
export function listenForEnds(): void {
  for (const signal of SIGNALS) process.once(signal, () => endWith(EXIT.signal + constants.signals[signal]));
  process.stdout.on('error', endByOutput);
  // Who does not read what goes wrong is told by the exit code.
  process.stderr.on('error', () => {});
}

function endByOutput(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') return void endWith(EXIT.signal + SIGPIPE);
  process.stderr.write(`shardmap: the output could not be written: ${error.message} [${error.code}]\n`);
  void endWith(EXIT.unavailable);
}

async function endWith(exitCode: number): Promise<void> {
  if (isEndingNow) return;
  isEndingNow = true;
  await endAll();
  process.exit(exitCode);
}
