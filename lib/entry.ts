/** One key of a map, and what can be done with its entry step by step: the entry API of Rust's maps. */

import { KEEP } from './atomics.js';
import { createArgumentError } from './errors.js';
import type { Key } from './key.js';
import { type LifetimeOptions, readLifetime } from './lifetime.js';
import { ABSENT } from './native.js';

type Modify = (value: never, key: never) => unknown;

/** The operations of the map that an entry needs, for one key. */
export interface EntryTarget<V> {
  get(): V | undefined;
  getAndDelete(): V | undefined;
  getOrInsert(value: V, options: LifetimeOptions | undefined): V;
  getOrInsertComputed(callback: () => V, options: LifetimeOptions | undefined): V;
  /** See `updateEntry`. An entry that is there keeps its deadline: `options` are for a new one. */
  update(decide: (current: unknown) => unknown, options: LifetimeOptions | undefined): unknown;
}

/**
 * The entry of one key, whether it is there or not, as `map.entry(key)` gives it. It holds no lock, pins nothing and may
 * be kept: each method looks at what is there when it is called.
 *
 * `andModify` and the `orInsert` that follows it are one step to all threads: however many call
 * `map.entry(key).andModify((n) => n + 1).orInsert(1)` at once, all are counted.
 *
 * @example
 * map.entry('visits').andModify((n) => n + 1).orInsert(1);
 */
export class ShardMapEntry<K extends Key = string, V = unknown> {
  /** The key, as a copy: whatever is done to it, the entry stays that of the key it was made with. */
  readonly key: K;
  readonly #target: EntryTarget<V>;
  /** What `andModify` was given while there was no entry: applied by an insertion that finds one after all. */
  #pending: Modify[] = [];
  /** What `andModify` has made of the value: what an insertion then returns. */
  #modified: { readonly value: V } | undefined;

  /** @internal */
  constructor(key: K, target: EntryTarget<V>) {
    this.key = key;
    this.#target = target;
  }

  /** The value, or undefined. As `map.get`. */
  value(): V | undefined {
    return this.#target.get();
  }

  /** Deletes the entry; returns its value, or undefined. As `map.getAndDelete`. */
  remove(): V | undefined {
    return this.#target.getAndDelete();
  }

  /**
   * Replaces the value, if there is one, by what `callback(value, key)` makes of it; undefined deletes the entry. By the
   * rules of `map.update`. When the entry expires stays as it was.
   *
   * @throws As `map.update`.
   * @example
   * map.entry('visits').andModify((n) => n + 1);
   */
  andModify(callback: (value: V, key: K) => V | undefined): this {
    if (typeof callback !== 'function') throw createArgumentError('callback', 'a function', callback);
    if (this.#pending.length > 0) {
      this.#pending[this.#pending.length] = callback;
      return this;
    }
    const next = this.#target.update((current) => {
      if (current === ABSENT) return KEEP;
      return orAbsent(callback(current as V, this.key));
    }, undefined);
    if (next === KEEP) this.#pending[this.#pending.length] = callback;
    this.#modified = next === KEEP || next === ABSENT ? undefined : { value: next as V };
    return this;
  }

  /**
   * The value, or where there is none `value`, which is then set. After an `andModify` that found a value, what that made
   * of it.
   *
   * @param options - How long the entry lives that is set; one that is there keeps its deadline.
   * @throws As `map.getOrInsert`.
   * @example
   * const limit = map.entry('limit').orInsert(100);
   */
  orInsert(value: V, options: LifetimeOptions | undefined = undefined): V {
    return this.#insert(
      () => this.#target.getOrInsert(value, options),
      () => value,
      options,
    );
  }

  /**
   * The same with a value that `callback(key)` makes, which is called only where there is none. By the rules of
   * `map.getOrInsertComputed`.
   *
   * @throws As `map.getOrInsertComputed`.
   * @example
   * const page = map.entry(url).orInsertWith((url) => render(url));
   */
  orInsertWith(callback: (key: K) => V, options: LifetimeOptions | undefined = undefined): V {
    if (typeof callback !== 'function') throw createArgumentError('callback', 'a function', callback);
    const create = () => callback(this.key);
    return this.#insert(() => this.#target.getOrInsertComputed(create, options), create, options);
  }

  #insert(insert: () => V, create: () => V, options: LifetimeOptions | undefined): V {
    const modified = this.#modified;
    const pending = this.#pending;
    this.#modified = undefined;
    this.#pending = [];
    if (modified !== undefined) {
      readLifetime(options); // which nobody else looks at
      return modified.value;
    }
    if (pending.length === 0) return insert();
    const decide = (current: unknown) => (current === ABSENT ? create() : this.#modify(pending, current));
    const value = this.#target.update(decide, options);
    return value === ABSENT ? (undefined as V) : (value as V);
  }

  #modify(callbacks: readonly Modify[], value: unknown): unknown {
    let next = value;
    for (let index = 0; index < callbacks.length && next !== undefined; index++) {
      const callback = callbacks[index] as Modify;
      next = callback(next as never, this.key as never);
    }
    return orAbsent(next);
  }
}

function orAbsent(next: unknown): unknown {
  return next === undefined ? ABSENT : next;
}
