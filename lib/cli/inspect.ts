/** `shardmap inspect`: what is in a store. */

import type { ShardMapStats } from '../index.js';
import { EXIT } from './failure.js';
import { bytes, count, countOf, milliseconds, table } from './figures.js';
import { kindOfKey, kindOfValue } from './kinds.js';
import type { Outcome } from './outcome.js';
import { type Prefix, PrefixCounter } from './prefixes.js';
import { Progress } from './progress.js';
import { openWhole, type Store } from './store.js';
import { listFiles, type StoreFile } from './store-files.js';
import { breathe } from './turn.js';

export interface InspectOptions {
  /** How many prefixes are told. */
  readonly top: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const ENTRIES_PER_TURN = 10_000;

/** What is told of each entry, added up. */
class Census {
  readonly keyKinds = new Map<string, number>();
  readonly valueKinds = new Map<string, number>();
  readonly prefixes = new PrefixCounter();
  readonly expiry = { withinMinute: 0, withinHour: 0, withinDay: 0, later: 0, never: 0 };

  addTimeLeft(leftMs: number): void {
    const { expiry } = this;
    if (leftMs === Number.POSITIVE_INFINITY) expiry.never++;
    else if (leftMs <= MINUTE_MS) expiry.withinMinute++;
    else if (leftMs <= HOUR_MS) expiry.withinHour++;
    else if (leftMs <= DAY_MS) expiry.withinDay++;
    else expiry.later++;
  }
}

function addOne(counts: Map<string, number>, kind: string): void {
  counts.set(kind, (counts.get(kind) ?? 0) + 1);
}

export async function inspect(dir: string, { top }: InspectOptions): Promise<Outcome> {
  const files = listFiles(dir);
  const { map, close } = await openWhole(dir);
  const stats = map.stats();
  const census = await takeCensus(map, stats);
  close();
  const prefixes = census.prefixes.top(top);
  return {
    exitCode: EXIT.done,
    lines: [...describeStore(dir, files, stats), ...describeEntries(census, prefixes)],
    document: { dir, ...documentOf(files, stats), ...documentOfEntries(census, prefixes) },
  };
}

async function takeCensus(map: Store, { entries, timedEntries }: ShardMapStats): Promise<Census> {
  const census = new Census();
  const progress = new Progress('Looking at entries');
  let seen = 0;
  for (const [key, value] of map) {
    const leftMs = timedEntries === 0 ? Number.POSITIVE_INFINITY : map.ttl(key);
    if (leftMs === undefined) continue; // it has expired meanwhile
    census.addTimeLeft(leftMs);
    addOne(census.keyKinds, kindOfKey(key));
    addOne(census.valueKinds, kindOfValue(value));
    census.prefixes.add(key);
    if (++seen % ENTRIES_PER_TURN !== 0) continue;
    progress.update(seen, entries);
    await breathe();
  }
  progress.end();
  return census;
}

const sumOf = (files: readonly StoreFile[]): number => files.reduce((sum, file) => sum + file.bytes, 0);

function describeStore(dir: string, files: readonly StoreFile[], stats: ShardMapStats): string[] {
  const { entries, bytesTotal, bytesPerEntry = 0, log } = stats;
  const each = entries === 0 ? '' : `, ${bytesPerEntry.toFixed(1)} bytes each`;
  const lines = [
    `${dir}: ${countOf(entries, 'entry', 'entries')}`,
    `Memory: ${bytes(bytesTotal)}${each}`,
    ...table(memoryOf(stats)),
    `Files: ${bytes(sumOf(files))}`,
    ...table(files.map(({ name, kind, bytes: size }) => [name, bytes(size), kind === 'other' ? 'of others' : kind])),
  ];
  const { timeMs: time = 0, bytes: read = 0, records = 0, bytesTail = 0 } = log?.recovery ?? {};
  lines.push(`Read in ${milliseconds(time)}: ${bytes(read)}, ${countOf(records, 'change', 'changes')}`);
  if (bytesTail > 0) lines.push(`An unfinished end of ${bytes(bytesTail)} was passed over, as a crash leaves it`);
  return lines;
}

function memoryOf(stats: ShardMapStats): [string, string][] {
  return [
    ['keys', bytes(stats.bytesKeys)],
    ['values', bytes(stats.bytesValues)],
    ['entries, with short keys and values', bytes(stats.bytesEntries)],
    ['long keys and values', bytes(stats.bytesBlobs)],
    ['index', bytes(stats.bytesIndex)],
    ['deadlines', bytes(stats.bytesTimers)],
    ['shards', bytes(stats.bytesShards)],
    ['free', bytes(stats.bytesFree + stats.bytesRetired)],
  ];
}

function describeEntries({ keyKinds, valueKinds, expiry, prefixes }: Census, top: readonly Prefix[]): string[] {
  const rows = (counts: Iterable<readonly [string, number]>): string[] =>
    table([...counts].map(([name, entries]) => [name, count(entries)]));
  const inexact = prefixes.missedMax > 0 ? ` (each may be ${count(prefixes.missedMax)} more)` : '';
  return [
    ...(keyKinds.size > 0 ? ['Keys', ...rows(sorted(keyKinds))] : []),
    ...(valueKinds.size > 0 ? ['Values', ...rows(sorted(valueKinds))] : []),
    'Expire',
    ...rows([
      ['within a minute', expiry.withinMinute],
      ['within an hour', expiry.withinHour],
      ['within a day', expiry.withinDay],
      ['later', expiry.later],
      ['never', expiry.never],
    ]),
    ...(top.length > 0 ? [`Prefixes${inexact}`, ...rows(top.map(({ prefix, entries }) => [prefix, entries]))] : []),
  ];
}

function sorted(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].sort(([, a], [, b]) => b - a);
}

function documentOf(files: readonly StoreFile[], stats: ShardMapStats): object {
  const { entries, bytesTotal, bytesKeys, bytesValues, bytesEntries, bytesBlobs, bytesIndex, bytesTimers } = stats;
  const { bytesShards, bytesFree, bytesRetired, bytesPerEntry = null, log } = stats;
  const { timeMs: time = 0, bytes: read = 0, records = 0, bytesTail = 0 } = log?.recovery ?? {};
  return {
    entries,
    memory: {
      ...{ bytesTotal, bytesKeys, bytesValues, bytesEntries, bytesBlobs, bytesIndex, bytesTimers, bytesShards },
      ...{ bytesFree, bytesRetired, bytesPerEntry },
    },
    files: files.map(({ name, kind, bytes: size }) => ({ name, kind, bytes: size })),
    filesBytes: sumOf(files),
    recovery: { timeMs: time, bytesRead: read, changesRead: records, tailBytes: bytesTail },
  };
}

function documentOfEntries({ keyKinds, valueKinds, expiry, prefixes }: Census, top: readonly Prefix[]): object {
  return {
    keyKinds: Object.fromEntries(sorted(keyKinds)),
    valueKinds: Object.fromEntries(sorted(valueKinds)),
    expiry,
    prefixes: top,
    prefixesMissedMax: prefixes.missedMax,
  };
}
