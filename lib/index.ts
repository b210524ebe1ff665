/** The package's public surface: exports only. */

export type { ShardMapCodec } from './codec.js';
export type { CompressOptions } from './compression.js';
export type { OpenProgress, ShardMapOpenOptions } from './durability.js';
export { ShardMapEntry } from './entry.js';
export type { ErrorCode } from './errors.js';
export { ShardMapError } from './errors.js';
export type { ErrorListener, ExpireInfo, ExpireListener, ListenOptions } from './events.js';
export type { ShardMapHandle } from './handle.js';
export type { Key, KeyPart } from './key.js';
export type { LifetimeOptions } from './lifetime.js';
export type { ShardMapOptions, ShardMapWriterOptions } from './options.js';
export { ShardMap } from './shard-map.js';
export type {
  ShardMapLogStats,
  ShardMapLoss,
  ShardMapOperations,
  ShardMapRecovery,
  ShardMapShardStats,
  ShardMapSkew,
  ShardMapStats,
  StatsOptions,
} from './stats.js';
export type { GatherOptions, VectorArray } from './vectors.js';
export { ShardMapWriter } from './writer.js';
