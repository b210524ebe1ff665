// A process that measures one suite, so that none is measured in the heap and with the optimised code that another left
// behind.
import { suites } from './suites.mjs';

process.once(
  'message',
  async (/** @type {{ suite: string, options: import('./run.mjs').Options }} */ { suite, options }) => {
    const { measure } = await /** @type {() => Promise<import('./suites.mjs').Suite>} */ (suites[suite])();
    for await (const finding of measure(options)) await new Promise((sent) => process.send?.(finding, sent));
    process.disconnect();
  },
);
