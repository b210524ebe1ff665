/** Long work in turns, so that signals are heard and bars are drawn meanwhile. */

import { setImmediate } from 'node:timers/promises';

export function breathe(): Promise<void> {
  return setImmediate();
}
