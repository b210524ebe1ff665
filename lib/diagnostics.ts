/**
 * What is told by `node:diagnostics_channel`, and costs nothing while nobody subscribes: docs/guides/diagnostics.md lists
 * the channels. Whether somebody does is asked where work is done anyway, as nothing tells of a first subscriber.
 */

import { type Channel, channel } from 'node:diagnostics_channel';
import { performance } from 'node:perf_hooks';

/** What `shardmap:slow` tells. */
export interface SlowMessage {
  /** Undefined for `open`, whose map is not there before it is over. */
  readonly map: object | undefined;
  /** The directory of `open`. */
  readonly dir: string | undefined;
  /** The method's name. */
  readonly operation: string;
  readonly durationMs: number;
  readonly thresholdMs: number;
  /** What it threw, or rejected with. */
  readonly error: unknown;
}

/** What `shardmap:expire` tells. */
export interface ExpireMessage {
  readonly map: object;
  /** How many expired. */
  readonly entries: number;
  /** How many more did, of which nobody can be told: too many waited for this thread. */
  readonly dropped: number;
}

/** What `shardmap:compaction:begin` tells. */
export interface CompactionBeginMessage {
  readonly map: object;
  /** Of the log, since it was made short the time before. */
  readonly logBytes: number;
}

/** What `shardmap:compaction:end` tells. */
export interface CompactionEndMessage extends CompactionBeginMessage {
  readonly durationMs: number;
  /** Of the snapshot that is in the log's place; 0 where it failed. */
  readonly snapshotBytes: number;
  readonly error: Error | undefined;
}

/** What `shardmap:log:error` tells. */
export interface LogErrorMessage {
  readonly map: object;
  readonly error: Error;
}

// Kept: Node forgets channels that nobody holds.
const slow = channel('shardmap:slow');
const expire = channel('shardmap:expire');
const compactionBegin = channel('shardmap:compaction:begin');
const compactionEnd = channel('shardmap:compaction:end');
const logError = channel('shardmap:log:error');
export const channels = { slow, expire, compactionBegin, compactionEnd, logError };

const { apply } = Reflect;
const now = performance.now.bind(performance);

/** An operation is under way that is timed: what its callbacks do is a part of it. */
let isTiming = false;

/** Whether an operation that begins now is to be timed. */
export function isTimed(): boolean {
  return slow.hasSubscribers && !isTiming;
}

/** Whether somebody subscribes to what a store's threads tell. */
export function hasNewsSubscribers(): boolean {
  return expire.hasSubscribers || hasLogSubscribers();
}

export function hasLogSubscribers(): boolean {
  return compactionBegin.hasSubscribers || compactionEnd.hasSubscribers || logError.hasSubscribers;
}

export function publish<Message extends object>(to: Channel, message: Message): void {
  if (to.hasSubscribers) to.publish(message);
}

/** Calls a method of a map, for which `isTimed` said yes. */
export function time(map: object, thresholdMs: number, operation: string, method: unknown, args: unknown[]): unknown {
  isTiming = true;
  const beginMs = now();
  let error: unknown;
  try {
    return apply(method as () => unknown, map, args);
  } catch (thrown) {
    error = thrown;
    throw thrown;
  } finally {
    try {
      tellIfSlow({ map, dir: undefined, operation, durationMs: now() - beginMs, thresholdMs, error });
    } finally {
      isTiming = false;
    }
  }
}

/** The same of what a thread does not wait for: several may be under way. */
export function timePromise<T>(
  { map, dir, operation, thresholdMs }: Omit<SlowMessage, 'durationMs' | 'error'>,
  start: () => Promise<T>,
): Promise<T> {
  if (!slow.hasSubscribers) return start();
  const beginMs = now();
  const tell = (error: unknown): void =>
    tellIfSlow({ map, dir, operation, durationMs: now() - beginMs, thresholdMs, error });
  const promise = start();
  promise.then(() => tell(undefined), tell);
  return promise;
}

function tellIfSlow(message: SlowMessage): void {
  if (message.durationMs >= message.thresholdMs) publish(slow, message);
}
