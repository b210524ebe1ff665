/** Timers that tests advance, also where the library takes them from: Node's module, whatever the globals are. */

import timers from 'node:timers';
import { vi } from 'vitest';

const { setTimeout, clearTimeout } = timers;

export function useFakeTimers(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  Object.assign(timers, { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout });
}

export function useRealTimers(): void {
  Object.assign(timers, { setTimeout, clearTimeout });
  vi.useRealTimers();
}
