// `node examples/sessions.mjs`: the sessions of a service. Each lives until nobody has asked for it for a second,
// whichever thread serves its user. Two threads log users in and serve those who stay, no more than so many requests each
// in a second; the main thread is told which sessions have expired, and clears up after them.
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { ShardMap } from 'shardmap';

const USERS = 2000; // of each thread; every second one stays for a while
const IDLE_MS = 1000;
const STAY_MS = 3000;
const PAUSE_MS = 150; // between two requests of a user
const REQUESTS_MAX = 5; // of a user in a second

const sessions = isMainThread ? new ShardMap(null, { ttl: IDLE_MS, touch: true }) : ShardMap.from(workerData.sessions);
/** Under ['token', user] the user's token, under ['requests', user] how many there were in this second. */
const users = isMainThread ? new ShardMap() : ShardMap.from(workerData.users);

function logIn(user) {
  const token = `token of ${user}`;
  sessions.set(token, { user, since: Date.now() });
  users.set(['token', user], token);
}

/** The session, which stays for another second; undefined if it has expired or the user is too eager. */
function serve(user) {
  if (users.increment(['requests', user], 1, { ttl: 1000, keepTtl: true }) > REQUESTS_MAX) return undefined;
  return sessions.get(users.get(['token', user]));
}

async function serveAll() {
  const own = Array.from({ length: USERS }, (_, index) => `user ${workerData.first + index}`);
  for (const user of own) logIn(user);
  const staying = own.filter((_, index) => index % 2 === 0);
  const counts = { served: 0, refused: 0 };
  for (const end = performance.now() + STAY_MS; performance.now() < end; await setTimeout(PAUSE_MS)) {
    for (const user of staying) serve(user) === undefined ? counts.refused++ : counts.served++;
  }
  counts.left = staying.filter((user) => sessions.has(users.get(['token', user]) ?? '')).length;
  parentPort.postMessage(counts);
}

if (isMainThread) {
  const expired = new Map();
  sessions.on('expire', (entries) => {
    for (const [token, { user }] of entries) {
      expired.set(token, (expired.get(token) ?? 0) + 1);
      users.delete(['token', user]);
    }
  });
  const start = (first) =>
    new Worker(new URL(import.meta.url), { workerData: { first, sessions: sessions.handle, users: users.handle } });
  const reports = await Promise.all([start(0), start(USERS)].map((worker) => once(worker, 'message')));
  const [served, refused, left] = ['served', 'refused', 'left'].map((name) =>
    reports.reduce((sum, [counts]) => sum + counts[name], 0),
  );
  console.log(`${served} requests served, ${refused} refused; ${left} sessions left, ${expired.size} have expired`);
  while (sessions.size > 0 || expired.size < 2 * USERS) await setTimeout(50);
  const isOnceEach = [...expired.values()].every((times) => times === 1);
  if (!isOnceEach || users.hasMany([...expired.keys()]).includes(true))
    throw new Error('told twice, or not cleared up');
  console.log(`then nobody asked: all ${expired.size} have expired, each once`);
} else {
  await serveAll();
}
