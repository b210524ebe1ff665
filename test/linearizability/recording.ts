/** Takes histories: has workers use the same few keys of a map at the same time, and gathers what they wrote down. */

import { setTimeout } from 'node:timers/promises';
import { type Key, ShardMap } from '../../lib/index.js';
import { Thread } from '../threads/threads.js';
import type { History, Operation } from './history.js';
import { changedNothing } from './model.js';
import { ABSENT, KINDS, type Kind } from './operations.mjs';
import type { Shape } from './values.mjs';

const SHARDS_MAX = 1024;

/** How a history is made. `operations` is their number over all workers. */
export interface Plan {
  readonly workers: number;
  readonly operations: number;
  readonly seed: number;
  readonly shards: number;
  readonly keys: readonly Key[];
  readonly shape: Shape;
  /** How often each operation is drawn. */
  readonly mix: Mix;
  /** Whether other keys come and go in the same shards. */
  readonly crowd: boolean;
  /** Whether shards are added meanwhile. */
  readonly reshards: boolean;
  /** How long a value lives, in milliseconds; for ever if it is not said. What keeps an entry's deadline is not in the mix. */
  readonly ttl?: number | undefined;
  /** Whether most workers compress what they set. */
  readonly compresses: boolean;
}

type Batch = 'getMany' | 'hasMany' | 'setMany' | 'deleteMany' | 'clear' | 'iterate';
export type Mix = Readonly<Partial<Record<Exclude<Kind, 'clear' | 'expire'> | 'entry' | Batch, number>>>;

/** What a worker wrote down: a row for each operation. */
interface Columns {
  readonly rows: number;
  readonly kind: Uint8Array;
  readonly key: Uint8Array;
  readonly invoked: BigInt64Array;
  readonly returned: BigInt64Array;
  readonly expected: Float64Array;
  readonly argument: Float64Array;
  readonly result: Float64Array;
}

/** Threads that take one history after the other: as many of them as a plan says. */
export class Recorders {
  readonly #threads: readonly Thread[];

  private constructor(threads: readonly Thread[]) {
    this.#threads = threads;
  }

  static async start(count: number): Promise<Recorders> {
    return new Recorders(
      await Promise.all(Array.from({ length: count }, () => Thread.startIn(import.meta.url, 'recorder'))),
    );
  }

  async take({ workers, operations, seed, shards, ttl, reshards, ...plan }: Plan): Promise<History> {
    const map = new ShardMap<Key, unknown>(null, { shards, ttl });
    const gate = new SharedArrayBuffer(4);
    const answers = this.#threads.slice(0, workers).map((thread, worker) => {
      const own = { worker, operations: Math.ceil(operations / workers), seed: seed + worker };
      return thread.ask({ ...plan, ...own, handle: map.handle, gate, rivals: workers });
    });
    const resharding = reshards ? addShards(map) : undefined;
    const columns = (await Promise.all(answers)) as Columns[];
    await resharding;
    map.close();
    const base = columns.reduce((least, { invoked: [first = 0n] }) => (first < least ? first : least), 2n ** 63n);
    const history = columns.flatMap((each, worker) => readColumns(each, worker, base));
    return ttl === undefined ? history : [...history, ...expirations(history, ttl * 1e6, workers)];
  }

  async end(): Promise<void> {
    for (const thread of this.#threads) await thread.end();
  }
}

/** About as long as a history lasts. */
async function addShards(map: ShardMap<Key, unknown>): Promise<void> {
  for (let { shards } = map.stats(); shards < SHARDS_MAX; shards *= 2) {
    await map.reshard(shards * 2);
    await setTimeout(1);
  }
}

function readColumns(columns: Columns, worker: number, base: bigint): Operation[] {
  return Array.from({ length: columns.rows }, (_, row) => ({
    kind: KINDS[columns.kind[row] as number] as Kind,
    worker,
    key: columns.key[row] as number,
    invoked: Number((columns.invoked[row] as bigint) - base),
    returned: Number((columns.returned[row] as bigint) - base),
    expected: columns.expected[row] as number,
    argument: columns.argument[row] as number,
    result: columns.result[row] as number,
  }));
}

/** A time to live counts from so long before the operation at most. */
const RECENT_NANOS_MAX = 10_000;

/**
 * The ends of all values that were written, as operations of workers of their own: a value's time begins at one moment of
 * the write, or a little before.
 */
function expirations(history: History, ttlNanos: number, workers: number): Operation[] {
  const writes = history.filter((each) => each.argument !== ABSENT && !changedNothing(each));
  return writes.map(({ worker, key, invoked, returned, argument }) => ({
    ...{ kind: 'expire', worker: workers + worker, key, expected: argument, argument: ABSENT, result: ABSENT },
    ...{ invoked: invoked + ttlNanos - RECENT_NANOS_MAX, returned: returned + ttlNanos },
  }));
}
