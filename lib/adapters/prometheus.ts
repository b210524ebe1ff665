/**
 * The figures of maps as Prometheus metrics, for a registry as prom-client's: that package is not needed here, and
 * whatever has its `registerMetric` will do.
 *
 * @module
 */

import { createArgumentError, createError } from '../errors.js';
import { type Key, ShardMap, type ShardMapLogStats, type ShardMapStats } from '../index.js';
import { readOptions } from '../options.js';

const MILLIS_PER_SECOND = 1000;
const PREFIX = 'shardmap_';
const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** What is used of a registry: prom-client's `Registry` has it. */
export interface MetricsRegistry {
  /** Takes an object that has the name, the help, the type, and gives its values when they are collected. */
  registerMetric(metric: never): void;
  /** Forgets it. */
  removeSingleMetric(name: string): void;
}

/** How metrics are told. Options that are not listed here are refused. */
export interface CollectMetricsOptions {
  /** Where they are collected: prom-client's `register`, or a `Registry` of one's own. */
  readonly registry: MetricsRegistry;
  /** What their names begin with. Default: `'shardmap_'`. */
  readonly prefix?: string | undefined;
  /** Told with each value, to tell maps apart. Default: `{ map: name }` for a map that has a name, else none. */
  readonly labels?: Readonly<Record<string, string | number>> | undefined;
}

/** What is asked of a map, whatever its keys and values are. */
export type MeasuredMap = Pick<ShardMap<Key, unknown>, 'name' | 'stats'>;
type Labels = Readonly<Record<string, string | number>>;
interface Sample {
  readonly labels: Labels;
  readonly value: number;
}
type Read = (stats: ShardMapStats) => readonly (readonly [value: number, labels?: Labels])[];

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'gauge' | 'counter';
  readonly read: Read;
}

const gauge = (name: string, help: string, read: Read): Family => ({ name, help, type: 'gauge', read });
const counter = (name: string, help: string, read: Read): Family => ({ name, help, type: 'counter', read });
const ofLog =
  (read: (log: ShardMapLogStats) => ReturnType<Read>): Read =>
  ({ log }) =>
    log === undefined ? [] : read(log);
const seconds = (milliseconds: number): number => milliseconds / MILLIS_PER_SECOND;
const LOG_STATES = ['running', 'refusing', 'failed', 'readonly'] as const;

const FAMILIES: readonly Family[] = [
  gauge('entries', 'Entries in the map.', ({ entries }) => [[entries]]),
  gauge('timed_entries', 'Entries that expire some time.', ({ timedEntries }) => [[timedEntries]]),
  gauge('shards', 'Shards of the store.', ({ shards }) => [[shards]]),
  gauge('memory_bytes', 'Memory of the store, by what it is for.', (stats) => [
    [stats.bytesEntries, { kind: 'entries' }],
    [stats.bytesIndex, { kind: 'index' }],
    [stats.bytesBlobs, { kind: 'blobs' }],
    [stats.bytesTimers, { kind: 'timers' }],
    [stats.bytesShards, { kind: 'shards' }],
    [stats.bytesFree, { kind: 'free' }],
    [stats.bytesRetired, { kind: 'retired' }],
  ]),
  gauge('payload_bytes', 'Keys and values alone, as they are stored.', ({ bytesKeys, bytesValues }) => [
    [bytesKeys, { kind: 'keys' }],
    [bytesValues, { kind: 'values' }],
  ]),
  counter('reads_total', 'Reads of a value, by whether there was an entry.', ({ operations }) => [
    [operations.readHits, { result: 'hit' }],
    [operations.readMisses, { result: 'miss' }],
  ]),
  counter('has_total', 'Looks for a key, by whether there was an entry.', ({ operations }) => [
    [operations.hasHits, { result: 'hit' }],
    [operations.hasMisses, { result: 'miss' }],
  ]),
  counter('sets_total', 'Entries that were set, by whether there was one.', ({ operations }) => [
    [operations.inserts, { result: 'inserted' }],
    [operations.overwrites, { result: 'overwritten' }],
  ]),
  counter('deletes_total', 'Deletions of a key, by whether an entry was deleted.', ({ operations }) => [
    [operations.deletes, { result: 'deleted' }],
    [operations.deleteMisses, { result: 'absent' }],
  ]),
  counter('clears_total', 'Times that all was deleted.', ({ operations }) => [[operations.clears]]),
  counter('expired_entries_total', 'Entries that have expired.', ({ expiredEntries }) => [[expiredEntries]]),
  counter('lock_waits_total', 'Times that a writer waited for another.', ({ lockWaits }) => [[lockWaits]]),
  counter('read_retries_total', 'Lookups that met a change and looked again.', ({ readRetries }) => [[readRetries]]),
  counter('read_fallbacks_total', 'Reads that took a lock.', ({ readFallbacks }) => [[readFallbacks]]),
  counter('rehashes_total', 'Times that an index moved to another table.', ({ rehashes }) => [[rehashes]]),
  counter('compactions_total', 'Times that entries were moved together.', ({ compactions }) => [[compactions]]),
  gauge('longest_stall_seconds', 'The longest that either of these held a lock.', ({ stallMaxMs }) => [
    [seconds(stallMaxMs)],
  ]),
  gauge(
    'log_state',
    '1 for the state in which the log is.',
    ofLog(({ state }) => LOG_STATES.map((each) => [each === state ? 1 : 0, { state: each }])),
  ),
  gauge(
    'log_staged_bytes',
    'Memory in which changes wait for the log.',
    ofLog(({ bytesStaged }) => [[bytesStaged]]),
  ),
  gauge(
    'log_lag_seconds',
    'Age of the oldest change that is not known to be on the medium.',
    ofLog(({ lagMs }) => [[seconds(lagMs)]]),
  ),
  counter(
    'log_written_bytes_total',
    'Bytes written to the log.',
    ofLog(({ bytesWritten }) => [[bytesWritten]]),
  ),
  gauge(
    'log_segments',
    'Files of the log that an opening would read.',
    ofLog(({ segments }) => [[segments]]),
  ),
  gauge(
    'log_segment_bytes',
    'Their bytes.',
    ofLog(({ bytesSegments }) => [[bytesSegments]]),
  ),
  gauge(
    'log_snapshot_bytes',
    'Bytes of the last snapshot.',
    ofLog(({ bytesSnapshot }) => [[bytesSnapshot]]),
  ),
  gauge(
    'log_snapshot_age_seconds',
    'Time since this process wrote the last snapshot.',
    ofLog(({ snapshotAgeMs }) => (snapshotAgeMs === undefined ? [] : [[seconds(snapshotAgeMs)]])),
  ),
  counter(
    'log_syncs_total',
    'Syncs of the medium.',
    ofLog(({ syncs }) => [[syncs]]),
  ),
  gauge(
    'log_last_sync_seconds',
    'How long the last of them took.',
    ofLog(({ syncLastMs }) => [[seconds(syncLastMs)]]),
  ),
  gauge(
    'log_longest_sync_seconds',
    'How long the longest of them took.',
    ofLog(({ syncMaxMs }) => [[seconds(syncMaxMs)]]),
  ),
  counter(
    'log_failures_total',
    'Times that the log could not be written or synced.',
    ofLog(({ failures }) => [[failures]]),
  ),
  counter(
    'log_compactions_total',
    'Times that the log was made short.',
    ofLog(({ compactions }) => [[compactions]]),
  ),
  gauge(
    'log_last_compaction_seconds',
    'How long the last of them took.',
    ofLog(({ compactionMs }) => [[seconds(compactionMs)]]),
  ),
];

/** A map whose figures are told. */
class Source {
  readonly labels: Labels;
  readonly #map: MeasuredMap;
  #stats: ShardMapStats | undefined;

  constructor(map: MeasuredMap, labels: Labels) {
    this.labels = labels;
    this.#map = map;
  }

  /** Those of this moment: all metrics of one collection, which asks for them at once, are told of the same. */
  stats(): ShardMapStats | undefined {
    if (this.#stats === undefined) {
      try {
        this.#stats = this.#map.stats();
      } catch (error) {
        if ((error as { code?: unknown }).code === 'ERR_SHARDMAP_CLOSED') return undefined;
        throw error;
      }
      queueMicrotask(() => {
        this.#stats = undefined;
      });
    }
    return this.#stats;
  }
}

/** A metric as registries take it. A counter's name may be changed by them: OpenMetrics writes its `_total` apart. */
class Metric {
  name: string;
  readonly help: string;
  readonly type: string;
  readonly aggregator = 'sum';
  readonly #family: Family;
  readonly #sources: ReadonlySet<Source>;

  constructor(family: Family, prefix: string, sources: ReadonlySet<Source>) {
    this.name = prefix + family.name;
    this.help = family.help;
    this.type = family.type;
    this.#family = family;
    this.#sources = sources;
  }

  get(): Promise<{ name: string; help: string; type: string; aggregator: string; values: Sample[] }> {
    const values: Sample[] = [];
    for (const source of this.#sources) {
      const stats = source.stats();
      if (stats === undefined) continue;
      for (const [value, labels] of this.#family.read(stats)) {
        values.push({ value, labels: { ...source.labels, ...labels } });
      }
    }
    const { name, help, type, aggregator } = this;
    return Promise.resolve({ name, help, type, aggregator, values });
  }

  /** The store's counters count on. */
  reset(): void {}
}

/** The maps that are told in a registry by one prefix. */
const sourcesOf = new WeakMap<MetricsRegistry, Map<string, Set<Source>>>();

/**
 * Has a registry tell the figures of a map, as `stats()` has them, whenever it collects: names and units by the
 * conventions of Prometheus. Nothing runs in between. Several maps may be told in one registry, by their labels. The maps of
 * one store all tell the same figures: one of them is enough.
 *
 * A map that is closed is told no more; until then the registry keeps it from being collected as garbage.
 *
 * @param map - A map.
 * @param options - The registry, and how metrics are told.
 * @returns A function that ends it.
 * @throws ERR_SHARDMAP_INVALID_ARGUMENT for bad arguments, or where a map is told with the same labels already; what
 *   the registry throws for a name that is taken: then nothing is registered.
 * @example
 * import { register } from 'prom-client';
 * import { collectMetrics } from 'shardmap/prometheus';
 *
 * collectMetrics(sessions, { registry: register, labels: { map: 'sessions' } });
 * await register.metrics();
 */
export function collectMetrics(map: MeasuredMap, options: CollectMetricsOptions): () => void {
  if (!(map instanceof ShardMap)) throw createArgumentError('map', 'a ShardMap', map);
  const { registry, prefix, labels } = resolveOptions(map, options);
  const prefixes = sourcesOf.get(registry) ?? new Map<string, Set<Source>>();
  const sources = prefixes.get(prefix) ?? new Set<Source>();
  for (const other of sources) {
    if (other.stats() === undefined) sources.delete(other);
    else if (isSame(other.labels, labels)) {
      const message = `a map is told with the labels ${JSON.stringify(labels)} already: give each map labels of its own`;
      throw createError('ERR_SHARDMAP_INVALID_ARGUMENT', message);
    }
  }
  if (!prefixes.has(prefix)) {
    registerAll(registry, prefix, sources);
    prefixes.set(prefix, sources);
    sourcesOf.set(registry, prefixes);
  }
  const source = new Source(map, labels);
  sources.add(source);
  return () => {
    if (!sources.delete(source) || sources.size > 0) return;
    for (const { name } of FAMILIES) registry.removeSingleMetric(prefix + name);
    prefixes.delete(prefix);
  };
}

function registerAll(registry: MetricsRegistry, prefix: string, sources: ReadonlySet<Source>): void {
  const registered: string[] = [];
  try {
    for (const family of FAMILIES) {
      registry.registerMetric(new Metric(family, prefix, sources) as never);
      registered.push(prefix + family.name);
    }
  } catch (error) {
    for (const name of registered) registry.removeSingleMetric(name);
    throw error;
  }
}

function resolveOptions(
  map: MeasuredMap,
  options: unknown,
): Required<CollectMetricsOptions> & {
  readonly prefix: string;
  readonly labels: Labels;
} {
  const { registry, prefix = PREFIX, labels } = readOptions(options, ['registry', 'prefix', 'labels']);
  if (!isRegistry(registry)) throw createArgumentError('options.registry', 'a registry of metrics', registry);
  if (typeof prefix !== 'string' || !METRIC_NAME.test(`${prefix}entries`))
    throw createArgumentError('options.prefix', 'the beginning of a name of metrics', prefix);
  if (labels === undefined) return { registry, prefix, labels: map.name === undefined ? {} : { map: map.name } };
  if (typeof labels !== 'object' || labels === null) throw createArgumentError('options.labels', 'an object', labels);
  for (const [name, value] of Object.entries(labels)) {
    const isTaken = name === 'kind' || name === 'result' || name === 'state';
    if (isTaken || !LABEL_NAME.test(name)) throw createArgumentError('a label', 'a name that is not taken', name);
    if (typeof value !== 'string' && typeof value !== 'number')
      throw createArgumentError(`options.labels.${name}`, 'a string or a number', value);
  }
  return { registry, prefix, labels: { ...labels } as Labels };
}

function isRegistry(registry: unknown): registry is MetricsRegistry {
  if (typeof registry !== 'object' || registry === null) return false;
  const { registerMetric, removeSingleMetric } = registry as Record<keyof MetricsRegistry, unknown>;
  return typeof registerMetric === 'function' && typeof removeSingleMetric === 'function';
}

function isSame(some: Labels, others: Labels): boolean {
  const names = Object.keys(some);
  return (
    names.length === Object.keys(others).length && names.every((name) => String(some[name]) === String(others[name]))
  );
}
