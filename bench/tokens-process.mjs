// `node --expose-gc --min-semi-space-size=16 tokens-process.mjs KIND USERS`: prints, as JSON, how many bytes the process
// grew by keeping some tokens of each user, in one of the ways in which this can be done.
import assert from 'node:assert/strict';
import { ShardMap } from 'shardmap';
import { KEY_CHARS, keyBytes } from './workload.mjs';

const TOKENS_OF_A_USER = 3;
const USER_CHARS = 12;
const PAIR_CHARS = USER_CHARS + 1 + KEY_CHARS; // user:token

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
 * Each gets `user:token` and takes from it what it needs, in one piece: a string that is concatenated would keep both
 * of its parts alive.
 *
 * @type {Record<string, (pair: Buffer, value: number) => unknown>}
 */
const ways = {
  ShardMap: (pair, value) => shardMap.set([userOf(pair), tokenOf(pair)], value),
  'ShardMap of strings': (pair, value) => shardMap.set(pair.toString('latin1'), value),
  'Map of strings': (pair, value) => flat.set(pair.toString('latin1'), value),
  'Map of Maps': (pair, value) => {
    const user = userOf(pair);
    const tokens = nested.get(user);
    if (tokens === undefined) nested.set(user, new Map([[tokenOf(pair), value]]));
    else tokens.set(tokenOf(pair), value);
  },
};
const add = ways[kind ?? ''];
assert(add, `KIND is one of ${Object.keys(ways).join(', ')}`);

const tokens = keyBytes(TOKENS_OF_A_USER * users);
let characters = 0;
// V8's young generation is touched in full here, and not while we measure.
forEachPair((pair) => (characters += userOf(pair).length + tokenOf(pair).length));
const before = rssBytes();
forEachPair(add);
const grown = rssBytes() - before;

const nestedSize = [...nested.values()].reduce((size, each) => size + each.size, 0);
assert.equal(shardMap.size + flat.size + nestedSize, TOKENS_OF_A_USER * users);
assert.equal(characters, (USER_CHARS + KEY_CHARS) * TOKENS_OF_A_USER * users);
console.log(JSON.stringify({ rssBytes: grown, statsBytes: shardMap.stats().bytesTotal }));

/**
 * One token of every user, then another: users come and go.
 *
 * @param {(pair: Buffer, value: number) => unknown} use
 */
function forEachPair(use) {
  const pair = Buffer.alloc(PAIR_CHARS);
  for (let index = 0; index < TOKENS_OF_A_USER * users; index++) {
    pair.write(`user-${String(index % users).padStart(USER_CHARS - 5, '0')}:`, 'latin1');
    tokens.copy(pair, USER_CHARS + 1, index * KEY_CHARS, (index + 1) * KEY_CHARS);
    use(pair, index);
  }
}

/** @param {Buffer} pair */
function userOf(pair) {
  return pair.toString('latin1', 0, USER_CHARS);
}

/** @param {Buffer} pair */
function tokenOf(pair) {
  return pair.toString('latin1', USER_CHARS + 1);
}

function rssBytes() {
  gc?.();
  gc?.();
  return process.memoryUsage.rss();
}
