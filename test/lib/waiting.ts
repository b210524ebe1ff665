/** Waiting in tests of real time, so that what they assert is true on a machine of any load. */

import { setTimeout } from 'node:timers/promises';

const PATIENCE_MS = 30_000;

/** Returns when so many milliseconds have passed for sure; the event loop gets no turn meanwhile. */
export function busyWait(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() <= end);
}

/**
 * Whether `use` puts off the end of what `left` tells the milliseconds of. It is tried again where it seems not to: a busy
 * machine may take the time that was won.
 */
export function isRenewed(left: () => number | undefined, use: () => unknown): boolean {
  for (let attempt = 0; attempt < 10; attempt++) {
    busyWait(20);
    const before = left() ?? Number.NaN;
    use();
    if ((left() ?? Number.NaN) > before + 10) return true;
  }
  return false;
}

/** Waits for something that another thread brings about. */
export async function until(condition: () => boolean, what = 'it'): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`${what} has not happened in ${PATIENCE_MS} ms`);
    await setTimeout(1);
  }
}
