/** How many shards a store has: what users ask for, and how it gets more of them. */

import { whenDone } from './durability.js';
import { createArgumentError, createRangeError } from './errors.js';
import { addon } from './native.js';

const { isInteger } = Number;

/** What the addon is told where a store is to add shards by itself. */
const AUTO = -1;

/** The option, as the addon has it. */
export function resolveShards(shards: unknown): number {
  if (shards === undefined) return 0;
  if (shards === 'auto') return AUTO;
  return resolveCount(shards, 'options.shards', "a number or 'auto'");
}

/** See `ShardMap.prototype.reshard`. */
export function reshard(slot: number, shards: unknown): Promise<void> {
  const count = resolveCount(shards, 'shards', 'a number');
  return whenDone((done) => addon.reshard(slot, count, done));
}

function resolveCount(shards: unknown, what: string, expected: string): number {
  if (typeof shards !== 'number') throw createArgumentError(what, expected, shards);
  const { shardsMax } = addon.limits;
  if (isInteger(shards) && shards >= 1 && shards <= shardsMax && (shards & (shards - 1)) === 0) return shards;
  throw createRangeError(what, `a power of two from 1 to ${shardsMax}`, shards);
}
