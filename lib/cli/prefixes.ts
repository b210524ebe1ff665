/**
 * Which beginnings keys have most often, in bounded memory however many there are: lossy counting, after Manku and
 * Motwani, "Approximate frequency counts over data streams" (2002). Counts are exact as long as there are few
 * different ones; beyond that they may be too low, by a bound that is known.
 */

import type { Key, KeyPart } from '../index.js';

/** Keys that are looked at before what is rare is forgotten. */
const BUCKET_KEYS = 65_536;
/** What is longer is no prefix that says anything. */
const PREFIX_CHARS_MAX = 64;
const SEPARATOR = /[:/.]/;

/** A prefix, and how many keys have it. */
export interface Prefix {
  readonly prefix: string;
  readonly entries: number;
}

export class PrefixCounter {
  readonly #counts = new Map<string, { seen: number; missed: number }>();
  #keys = 0;
  #missedMax = 0;

  add(key: Key): void {
    const prefix = prefixOf(key);
    if (prefix === undefined) return;
    const count = this.#counts.get(prefix);
    if (count === undefined) this.#counts.set(prefix, { seen: 1, missed: this.#missedMax });
    else count.seen++;
    if (++this.#keys % BUCKET_KEYS === 0) this.#forgetRare();
  }

  #forgetRare(): void {
    // Whoever fits into memory is counted exactly.
    if (this.#counts.size <= BUCKET_KEYS) return;
    this.#missedMax = this.#keys / BUCKET_KEYS;
    for (const [prefix, { seen, missed }] of this.#counts) {
      if (seen + missed <= this.#missedMax) this.#counts.delete(prefix);
    }
  }

  /** By how many keys a count may be too low. */
  get missedMax(): number {
    return this.#missedMax;
  }

  top(count: number): Prefix[] {
    return [...this.#counts]
      .map(([prefix, { seen }]) => ({ prefix, entries: seen }))
      .sort((a, b) => b.entries - a.entries || (a.prefix < b.prefix ? -1 : 1))
      .slice(0, count);
  }
}

/** A string up to its first `:`, `/` or `.`, and that included; the first of several parts. */
export function prefixOf(key: Key): string | undefined {
  if (typeof key === 'string') {
    const end = key.search(SEPARATOR);
    return end < 0 || end >= PREFIX_CHARS_MAX ? undefined : key.slice(0, end + 1);
  }
  if (!Array.isArray(key) || key.length < 2) return undefined;
  const first = describePart((key as readonly KeyPart[])[0]);
  return first.length > PREFIX_CHARS_MAX ? undefined : `[${first}, …]`;
}

function describePart(part: KeyPart): string {
  if (typeof part === 'string') return JSON.stringify(part);
  return typeof part === 'bigint' ? `${part}n` : String(part);
}
