// `node --expose-gc tokens-process.mjs KIND USERS`: prints, as JSON, how many bytes the process grew by keeping some
// tokens of each user, in one of the ways in which this can be done.
import assert from 'node:assert/strict';
import { ShardMap } from 'shardmap';
import { freshKey, keyBytes } from './workload.mjs';

const TOKENS_OF_A_USER = 3;
const USER_CHARS = 12;

const [kind, usersText] = process.argv.slice(2);
const users = Number(usersText);
const gc = globalThis.gc;
assert(gc, 'run with --expose-gc');

/** @type {ShardMap<any, number>} */
const shardMap = new ShardMap();
/** @type {Map<string, number>} */
const flat = new Map();
/** @type {Map<string, Map<string, number>>} */
const nested = new Map();

/**
 * Strings in one piece, as they come out of a request: one that is concatenated would keep both of its parts alive.
 *
 * @type {Record<string, (user: Buffer, token: string, value: number) => unknown>}
 */
const ways = {
  ShardMap: (user, token, value) => shardMap.set([user.toString('latin1'), token], value),
  'ShardMap of strings': (user, token, value) => shardMap.set(join(user, token), value),
  'Map of strings': (user, token, value) => flat.set(join(user, token), value),
  'Map of Maps': (user, token, value) => {
    const name = user.toString('latin1');
    const tokens = nested.get(name);
    if (tokens === undefined) nested.set(name, new Map([[token, value]]));
    else tokens.set(token, value);
  },
};
const add = ways[kind ?? ''];
assert(add, `KIND is one of ${Object.keys(ways).join(', ')}`);

const tokens = keyBytes(TOKENS_OF_A_USER * users);
let characters = 0;
// V8's young generation grows to its full size here, and not while we measure.
forEachToken((user, token) => (characters += join(user, token).length));
const before = rssBytes();
forEachToken(add);
const grown = rssBytes() - before;

const nestedSize = [...nested.values()].reduce((size, each) => size + each.size, 0);
assert.equal(shardMap.size + flat.size + nestedSize, TOKENS_OF_A_USER * users);
assert(characters > 0);
console.log(JSON.stringify({ rssBytes: grown, statsBytes: shardMap.stats().bytesTotal }));

/**
 * One token of every user, then another: users come and go.
 *
 * @param {(user: Buffer, token: string, value: number) => unknown} use
 */
function forEachToken(use) {
  const user = Buffer.alloc(USER_CHARS);
  for (let index = 0; index < TOKENS_OF_A_USER * users; index++) {
    user.write(`user-${String(index % users).padStart(USER_CHARS - 5, '0')}`, 'latin1');
    use(user, freshKey(tokens, index), index);
  }
}

/**
 * @param {Buffer} user
 * @param {string} token
 */
function join(user, token) {
  return Buffer.from(`${user.toString('latin1')}:${token}`, 'latin1').toString('latin1');
}

function rssBytes() {
  gc?.();
  gc?.();
  return process.memoryUsage.rss();
}
