// A Map in a thread of its own, which others ask by postMessage: what one does who has no shared map. An operation is a
// message.
import { once } from 'node:events';
import { MessageChannel, Worker } from 'node:worker_threads';

/** @type {import('../stores.mjs').Store} */
export default {
  label: 'Map behind postMessage',
  waits: true,
  async open(fill) {
    const owner = new Worker(new URL('./postmessage-owner.mjs', import.meta.url));
    /** @type {[string, number][]} */
    const entries = [];
    fill((key, value) => entries.push([key, value]));
    owner.postMessage({ entries });
    await once(owner, 'message');
    const ticket = () => {
      const { port1, port2 } = new MessageChannel();
      owner.postMessage({ port: port1 }, [port1]);
      return { handle: port2, transfer: [port2] };
    };
    return { ticket, close: () => owner.terminate() };
  },
  attach(/** @type {import('node:worker_threads').MessagePort} */ port) {
    let [left, sum] = [0, 0];
    let done = (/** @type {number} */ _sum) => {};
    port.on('message', (/** @type {number} */ value) => {
      sum += value;
      if (--left === 0) done(sum);
    });
    return {
      exchange(gets, sets) {
        left = gets.length + sets.length;
        sum = 0;
        for (const key of gets) port.postMessage(key);
        for (const entry of sets) port.postMessage(entry);
        return new Promise((resolve) => {
          done = resolve;
        });
      },
      close: () => port.close(),
    };
  },
};
