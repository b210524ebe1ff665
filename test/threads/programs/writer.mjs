// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// A thread with a writer ends while entries are pending: a worker, or the main thread, in the way that is named.
// Tells what is in the store afterwards, in a listener that runs after the library's own.
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { ShardMap } from '../../../dist/index.js';

const LATE = { maxEntries: 1000, maxDelay: 2 ** 31 - 1 };
const endings = {
  end() {},
  exit: () => process.exit(0),
  throw() {
    throw new Error('on purpose');
  },
  'set in beforeExit'(map) {
    process.once('beforeExit', () => map.writer(LATE).set('late', 1));
  },
  'set in exit'(map, writer) {
    process.on('exit', () => {
      writer.set('late', 1);
      map.writer(LATE).set('later', { n: 2 });
    });
  },
  'close in exit'(map) {
    process.prependListener('exit', () => map.close());
  },
  // One of them cannot be flushed; the others can.
  'fail, then exit'() {
    fail(LATE);
    process.exit(0);
  },
  'fail by the timer'() {
    fail({ maxDelay: 1 });
    setTimeout(() => {}, 1000);
  },
};

/** Leaves a writer with an entry pending whose map was closed by its failing construction. */
function fail(options) {
  class Failing extends ShardMap {
    set(key, value) {
      this.writer(options).set(key, value);
      throw new Error('on purpose');
    }
  }
  try {
    new Failing([['a', 1]], { name: 'failing' });
  } catch {}
}

function fill(map, name) {
  const writer = map.writer(LATE);
  for (let index = 0; index < 20; index++) writer.set(`${name} ${index}`, index % 2 ? index : { index });
  for (let index = 0; index < 30; index++) map.writer(LATE).set(`${name} dropped ${index}`, index);
  globalThis.gc?.();
  return writer;
}

const [, , where, ending, count = '1'] = process.argv;
if (!isMainThread) {
  const map = ShardMap.from(workerData.handle);
  endings[workerData.ending](map, fill(map, workerData.name));
} else if (where === 'main') {
  const map = new ShardMap();
  const other = ShardMap.from(map.handle);
  const writer = fill(map, 'main');
  const tell = () => process.on('exit', () => console.log(other.size));
  if (map.size > 0) throw new Error('nothing is pending');
  if (ending !== 'set in exit') tell();
  endings[ending](map, writer);
  if (ending === 'set in exit') tell();
} else {
  const map = new ShardMap();
  const workers = Array.from({ length: Number(count) }, (_, index) => {
    const given = { handle: map.handle, ending, name: `worker ${index}` };
    return new Worker(new URL(import.meta.url), { workerData: given });
  });
  const codes = await Promise.all(
    workers.map((worker) => {
      worker.on('error', (error) => console.log(error.code ?? error.message));
      return new Promise((resolve) => worker.once('exit', resolve));
    }),
  );
  console.log(`${codes} ${map.size}`);
}
