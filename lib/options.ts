/** The options of a new map: their types, defaults and bounds. */

import { createArgumentError, createError, createRangeError } from './errors.js';
import { addon, type NativeStore } from './native.js';

const { keys } = Object;
const { isInteger } = Number;

/** Longest name of a store, in UTF-16 code units. */
const NAME_CHARS_MAX = 256;

/** How a map is made. Options that are not listed here are refused, so that a misspelt one is noticed. */
export interface ShardMapOptions {
  /**
   * Finds or creates the process's store of this name: 1 to 256 characters. Maps of one name share one store, in
   * whatever thread they are, and their other options must not contradict. Without a name the store is new, and other
   * threads reach it by the map's `handle`.
   */
  readonly name?: string | undefined;
  /**
   * How many shards the store is split into: a power of two. More of them let more threads write at once and cost some
   * memory each. Default: from the number of cores.
   */
  readonly shards?: number | undefined;
}

/** Options after validation. `shards` 0 is the default. */
export interface ResolvedOptions {
  readonly name: string | undefined;
  readonly shards: number;
}

/**
 * What `ShardMap.from` hands to the constructor in place of options: a store that is open already, for one map to take.
 */
export class Attachment {
  readonly #native: NativeStore;
  #isTaken = false;

  constructor(native: NativeStore) {
    this.#native = native;
  }

  get isTaken(): boolean {
    return this.#isTaken;
  }

  /** The store in `options` if these are an attachment that no map has taken. */
  static take(options: unknown): NativeStore | undefined {
    if (typeof options !== 'object' || options === null || !(#native in options) || options.#isTaken) return undefined;
    options.#isTaken = true;
    return options.#native;
  }
}

/** Validates what the user gave. */
export function resolveOptions(options: unknown): ResolvedOptions {
  if (options === undefined) return { name: undefined, shards: 0 };
  if (typeof options !== 'object' || options === null) throw createArgumentError('options', 'an object', options);
  refuseUnknown(options);
  const { name, shards } = options as { name?: unknown; shards?: unknown };
  return { name: resolveName(name), shards: resolveShards(shards) };
}

/** Opens the store that the options ask for. */
export function openStore(options: unknown): NativeStore {
  const attached = Attachment.take(options);
  if (attached !== undefined) return attached;
  const { name, shards } = resolveOptions(options);
  const native = addon.create(name, shards);
  if (shards === 0 || native.shards === shards) return native;
  addon.close(native.slot);
  const message = `the store '${name}' is open with ${native.shards} shards and cannot be opened with ${shards}`;
  throw createError('ERR_SHARDMAP_OPTIONS_CONFLICT', message);
}

function refuseUnknown(options: object): void {
  const names = keys(options);
  for (let index = 0; index < names.length; index++) {
    const option = names[index];
    if (option !== 'name' && option !== 'shards') throw createArgumentError('an option', "'name' or 'shards'", option);
  }
}

function resolveName(name: unknown): string | undefined {
  if (name === undefined) return undefined;
  if (typeof name !== 'string') throw createArgumentError('options.name', 'a string', name);
  if (name.length > 0 && name.length <= NAME_CHARS_MAX) return name;
  throw createRangeError('options.name', `of 1 to ${NAME_CHARS_MAX} characters`, name);
}

function resolveShards(shards: unknown): number {
  if (shards === undefined) return 0;
  if (typeof shards !== 'number') throw createArgumentError('options.shards', 'a number', shards);
  const { shardsMax } = addon.limits;
  if (isInteger(shards) && shards >= 1 && shards <= shardsMax && (shards & (shards - 1)) === 0) return shards;
  throw createRangeError('options.shards', `a power of two from 1 to ${shardsMax}`, shards);
}
