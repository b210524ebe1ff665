// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// A thread listens to a map when it ends: the main thread, or a worker, in the way that is named. Prints what it heard.
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { ShardMap } from '../../../dist/index.js';

const FAR = { ttl: 1e9 };
const PAST = { expiresAt: 1 };
const unexpected = () => console.log('unexpected');
const flood = (map, count = 100_000) =>
  map.setMany(
    Array.from({ length: count }, (_, i) => [i, { i }]),
    PAST,
  );

const endings = {
  'nothing expires'(map) {
    map.set('a', 1, FAR).on('expire', unexpected);
  },
  'nothing keeps it alive'(map) {
    map.set('a', 1, { ttl: 60_000 }).on('expire', unexpected).on('expire', unexpected, { keepAlive: false });
  },
  'keepAlive, off'(map) {
    const listener = (entries) => {
      console.log(entries.join());
      map.off('expire', listener);
    };
    map.on('expire', listener, { keepAlive: true }).set('a', 1, { ttl: 300 });
  },
  'keepAlive, close'(map) {
    map.on('expire', () => map.close(), { keepAlive: true });
    ShardMap.from(map.handle)
      .on('expire', () => {})
      .set('a', 1, { ttl: 300 });
  },
  'keepAlive of two'(map) {
    const other = ShardMap.from(map.handle);
    const first = () => map.off('expire', first).set('b', 2, { ttl: 300 });
    const second = (entries) => {
      console.log(entries.join());
      if (entries.some(([key]) => key === 'b')) other.close();
    };
    map.on('expire', first, { keepAlive: true }).set('a', 1, { ttl: 300 });
    other.on('expire', second, { keepAlive: true }).on('expire', second);
  },
  'keepAlive, never heard'(map) {
    map.on('expire', unexpected, { keepAlive: true }).on('error', unexpected);
    setTimeout(() => map.off('expire', unexpected), 300);
  },
  'exit in a listener'(map) {
    map.on('expire', () => process.exit(7), { keepAlive: true });
    map.on('expire', unexpected);
    flood(map);
  },
  'exit while events wait'(map) {
    map.on('expire', unexpected);
    flood(map);
    process.exit(7);
  },
  'end while events wait'(map) {
    map.on('expire', () => {});
    flood(map, 300_000);
    process.exitCode = 7;
  },
  'throw in a listener'(map) {
    const fail = () => {
      throw new Error('on purpose');
    };
    map.on('expire', fail, { keepAlive: true });
    map.on('expire', () => console.log('told'));
    map.set('a', 1, PAST);
  },
  'close in a listener'(map) {
    map.on('expire', () => map.close(), { keepAlive: true }).on('expire', unexpected);
    flood(map);
  },
  async 'dropped maps'() {
    // Nothing refers to the maps but that they are listened to.
    let heard = 0;
    const handles = Array.from({ length: 100 }, () => {
      const map = new ShardMap();
      const listener = ([[key, value]]) => {
        if (value.n === 1) heard++;
        if (key === 'last') map.off('expire', listener);
      };
      return map.on('expire', listener).handle;
    });
    const areOpen = () => handles.filter((handle) => isOpen(handle)).length;
    await collectGarbage(() => false, 5);
    const open = areOpen();
    for (const handle of handles) ShardMap.from(handle).set('a', { n: 1 }, PAST);
    await collectGarbage(() => heard === 100);
    for (const handle of handles) ShardMap.from(handle).set('last', { n: 2 }, PAST);
    await collectGarbage(() => areOpen() === 0);
    console.log(open, heard, areOpen());
  },
};

function isOpen(handle) {
  try {
    ShardMap.from(handle).close();
    return true;
  } catch {
    return false;
  }
}

async function collectGarbage(isDone, rounds = 1000) {
  for (let round = 0; round < rounds && !isDone(); round++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const [, , where, ending] = process.argv;
if (where === 'main' || !isMainThread) {
  await endings[isMainThread ? ending : workerData](new ShardMap());
} else {
  const worker = new Worker(new URL(import.meta.url), { workerData: ending });
  worker.on('error', (error) => console.log(error.message));
  worker.on('exit', (code) => console.log(code));
}
