// The thread of postmessage.mjs that has the Map. A string asks for a value, a pair sets one; each is answered.
import { parentPort } from 'node:worker_threads';

/** @type {Map<string, number>} */
const map = new Map();

parentPort?.on('message', ({ entries, port }) => {
  if (entries) {
    for (const [key, value] of entries) map.set(key, value);
    parentPort?.postMessage('filled');
  } else {
    port.on('message', (/** @type {string | [string, number]} */ asked) => {
      if (typeof asked === 'string') port.postMessage(map.get(asked));
      else port.postMessage(map.set(...asked).size && 0);
    });
  }
});
