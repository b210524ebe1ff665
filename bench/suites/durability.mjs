// What it costs to keep a map in a directory, and what that is worth beside what else keeps data on the medium.
import { measureCompaction } from '../durable/compaction.mjs';
import { measureLog } from '../durable/log.mjs';
import { measurePeers } from '../durable/peers.mjs';
import { measureRecovery } from '../durable/recovery.mjs';

/**
 * @param {import('../run.mjs').Options} options
 * @returns {AsyncGenerator<import('../suites.mjs').Finding>}
 */
export async function* measure(options) {
  yield* measureLog(options);
  yield* measurePeers(options);
  yield* measureCompaction(options);
  yield* measureRecovery(options);
}
