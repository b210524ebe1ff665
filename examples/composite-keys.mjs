// `node examples/composite-keys.mjs`: the sessions of a service, which would be a Map<user, Map<token, …>> in each
// thread, as one flat map that all threads use. Two threads open sessions, and each closes some of the other's.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { ShardMap } from 'shardmap';

const USERS = 10_000;
const TOKENS_OF_A_USER = 3;
const EVERYWHERE = 10; // each tenth user logs out everywhere

/**
 * Under [user, token] the generation of that session, under [user] the user's current one: sessions of older
 * generations are void, so that one set ends all sessions of a user, without a look at them.
 */
const sessions = isMainThread ? new ShardMap() : ShardMap.from(workerData);

function logIn(user) {
  const token = randomUUID();
  sessions.set([user, token], sessions.getOrInsert([user], 0));
  return token;
}

function isLoggedIn(user, token) {
  const generation = sessions.get([user, token]);
  return generation !== undefined && generation === sessions.get([user]);
}

function logOut(user, token) {
  return sessions.delete([user, token]);
}

function logOutEverywhere(user) {
  sessions.set([user], sessions.get([user]) + 1);
}

/** What a thread can be asked for. `tokens` are those of users from `first` on. */
const tasks = {
  logIn: (first, count) =>
    Array.from({ length: count }, (_, index) => Array.from({ length: TOKENS_OF_A_USER }, () => logIn(first + index))),

  logOut(first, tokens) {
    for (const [index, [token]] of tokens.entries()) {
      logOut(first + index, token);
      if (index % EVERYWHERE === 0) logOutEverywhere(first + index);
    }
  },

  count: (first, tokens) =>
    tokens.flatMap((each, index) => each.filter((token) => isLoggedIn(first + index, token))).length,
};

async function runThreads() {
  const threads = [0, 1].map(() => new Worker(new URL(import.meta.url), { workerData: sessions.handle }));
  const ask = async (thread, task, ...given) => {
    threads[thread].postMessage([task, ...given]);
    return (await once(threads[thread], 'message'))[0];
  };
  const half = USERS / 2;
  const [low, high] = await Promise.all([ask(0, 'logIn', 0, half), ask(1, 'logIn', half, half)]);
  const opened = await Promise.all([ask(0, 'count', half, high), ask(1, 'count', 0, low)]);
  await Promise.all([ask(0, 'logOut', half, high), ask(1, 'logOut', 0, low)]);
  const left = await Promise.all([ask(0, 'count', 0, low), ask(1, 'count', half, high)]);
  for (const thread of threads) await thread.terminate();
  return { opened: opened[0] + opened[1], left: left[0] + left[1] };
}

if (isMainThread) {
  const { opened, left } = await runThreads();
  const expected = { opened: USERS * TOKENS_OF_A_USER, left: (USERS - USERS / EVERYWHERE) * (TOKENS_OF_A_USER - 1) };
  if (opened !== expected.opened || left !== expected.left)
    throw new Error(`${opened} and ${left} sessions, not ${Object.values(expected)}`);
  const [[user, token]] = [...sessions.keys()].filter((key) => key.length === 2 && isLoggedIn(...key));
  console.log(
    `${opened} sessions opened, each seen by the other thread; ${left} left, user ${user}'s ${token} the first of them`,
  );
  console.log(`${sessions.size} entries, ${sessions.stats().bytesPerEntry.toFixed(0)} bytes each`);
} else {
  parentPort.on('message', ([task, ...given]) => parentPort.postMessage(tasks[task](...given)));
}
