/** How long an entry lives: the options that say so, and how the addon is told. */

import { types } from 'node:util';
import { createArgumentError, createError, createRangeError } from './errors.js';
import { addon, LIFETIME, TTL_MAX } from './native.js';
import { readOptions, resolveTtl } from './options.js';

const { reply } = addon;
const { apply } = Reflect;
const { isDate } = types;
const { getTime } = Date.prototype;
const { min } = Math;
const WallClock = Date;
const FOREVER = Number.POSITIVE_INFINITY;
const { ttl: TTL_AT, existing: EXISTING_AT } = LIFETIME;

/**
 * How long an entry lives that an operation sets. Without any of these it lives as long as the map's own `ttl` says, or
 * for ever where there is none. Options that are not listed here are refused.
 */
export interface LifetimeOptions {
  /**
   * Milliseconds from the moment when the entry is set, or from 0.01 ms before at most, not necessarily whole: more than 0,
   * and at most 4,611,686,018,427, which is 146 years. `Infinity` is for ever, also in a map that has a `ttl` of its own.
   * Neither `expiresAt` nor a change of the system's clock has to do with it.
   */
  readonly ttl?: number | undefined;
  /**
   * The moment, in place of `ttl`: a `Date`, or milliseconds since 1970. It becomes a time to live when the entry is set: what
   * is done to the system's clock afterwards changes nothing. One that has passed makes the entry expire at once: what was
   * there is gone, no read sees the new value, and listeners are told of it.
   */
  readonly expiresAt?: Date | number | undefined;
  /**
   * With true, an entry that is there stays as long as it would have without the operation, and what else is said is for
   * one that is new. With false it gets a new life, as if it was new. Default: true for `increment` and `update` without
   * `ttl` and `expiresAt`, else false.
   */
  readonly keepTtl?: boolean | undefined;
}

const NAMES = ['ttl', 'expiresAt', 'keepTtl'] as const;

/** What `LIFETIME.ttl` is for the store's own, and for a deadline that has passed. */
const STORE_TTL = 0;
const PASSED = -1;
/** What `LIFETIME.existing` is. */
const BY_OPERATION = 0;
const RENEWED = 1;
const KEPT = 2;

/** Options after validation. */
export class Lifetime {
  /** In milliseconds, as `LIFETIME.ttl` has it. */
  readonly #ttl: number;
  /** In place of it, a moment of the wall clock. */
  readonly #moment: number | undefined;
  readonly existing: number;

  constructor(ttl: number, moment: number | undefined, existing: number) {
    this.#ttl = ttl;
    this.#moment = moment;
    this.existing = existing;
  }

  /** The same with another word for an entry that is there. */
  toward(existing: number): Lifetime {
    return this.existing === existing ? this : new Lifetime(this.#ttl, this.#moment, existing);
  }

  /** Tells the addon: the next thing to be done is the call that sets. */
  begin(): void {
    const ttl = this.#moment === undefined ? this.#ttl : millisecondsUntil(this.#moment);
    reply[TTL_AT] = ttl;
    if (this.existing !== BY_OPERATION) reply[EXISTING_AT] = this.existing;
  }
}

/** That of an operation without options. */
const UNSAID = new Lifetime(STORE_TTL, undefined, BY_OPERATION);

/** Validates what the user gave; undefined where nothing was. Runs getters of the user's. */
export function readLifetime(options: unknown): Lifetime | undefined {
  if (options === undefined) return undefined;
  if (typeof options !== 'object' || options === null || hasOthers(options)) readOptions(options, NAMES);
  const { ttl, expiresAt, keepTtl } = options as { [_ in (typeof NAMES)[number]]?: unknown };
  const existing = resolveKeepTtl(keepTtl);
  if (expiresAt !== undefined) return lifetimeUntil(expiresAt, ttl, existing);
  return (ttl === undefined ? UNSAID : lifetimeOf(ttl)).toward(existing);
}

// What is seldom needed is apart, so that V8 puts the rest where `set` is called (docs/performance.md, entries that expire).

function lifetimeUntil(expiresAt: unknown, ttl: unknown, existing: number): Lifetime {
  if (ttl === undefined) return new Lifetime(PASSED, resolveMoment(expiresAt, 'options.expiresAt'), existing);
  const message = 'options.ttl and options.expiresAt both say how long an entry lives: give one of them';
  throw createError('ERR_SHARDMAP_INVALID_ARGUMENT', message);
}

/** Entries are set in rows with the same `ttl`: one object, which never changes, serves them all. */
let latest = { ttl: Number.NaN, lifetime: UNSAID };

function lifetimeOf(ttl: unknown): Lifetime {
  if (ttl !== latest.ttl) noteLatest(ttl);
  return latest.lifetime;
}

function noteLatest(ttl: unknown): void {
  const lifetime = new Lifetime(resolveTtl(ttl, 'options.ttl'), undefined, BY_OPERATION);
  latest = { ttl: ttl as number, lifetime };
}

/** An entry that is there gets a new life, if nothing else was said: for operations that set by way of the addon's `setIf`. */
export function overwriting(lifetime: Lifetime | undefined): Lifetime {
  const { existing } = lifetime ?? UNSAID;
  return (lifetime ?? UNSAID).toward(existing === BY_OPERATION ? RENEWED : existing);
}

/** An entry that is there keeps the deadline that it has: what was said is for a new one. */
export function keeping(lifetime: Lifetime | undefined): Lifetime | undefined {
  return lifetime?.toward(KEPT);
}

/** A moment of the wall clock, in milliseconds since 1970. */
export function resolveMoment(moment: unknown, what: string): number {
  if (typeof moment !== 'number' && !isDate(moment))
    throw createArgumentError(what, 'a Date or a number of milliseconds since 1970', moment);
  const at: number = typeof moment === 'number' ? moment : apply(getTime, moment, []);
  // What is less is in time whatever the clock says, but for one of before 1970.
  if (at <= TTL_MAX || at === FOREVER || at - WallClock.now() <= TTL_MAX) return at;
  throw createRangeError(what, `a moment at most ${TTL_MAX} milliseconds from now, or Infinity`, at);
}

/** The time to live, as `LIFETIME.ttl` has it, of an entry that is set now. */
export function millisecondsUntil(moment: number): number {
  if (moment === FOREVER) return FOREVER;
  const left = moment - WallClock.now();
  return left > 0 ? min(left, TTL_MAX) : PASSED;
}

/**
 * Whether there may be properties in it that are no options: of what a polluted prototype has, `readOptions` finds out. To
 * ask that for each entry that is set would take as long as setting it.
 */
function hasOthers(options: object): boolean {
  for (const name in options) {
    if (name !== 'ttl' && name !== 'expiresAt' && name !== 'keepTtl') return true;
  }
  return false;
}

function resolveKeepTtl(keepTtl: unknown): number {
  if (keepTtl === undefined) return BY_OPERATION;
  if (typeof keepTtl !== 'boolean') throw createArgumentError('options.keepTtl', 'a boolean', keepTtl);
  return keepTtl ? KEPT : RENEWED;
}
