/** Finds out whether a store is whole, without changing anything, and opens it as far as it can be read. */

import type { ShardMapError } from '../index.js';
import { codeOf } from './failure.js';
import { type OpenStore, openToRead } from './store.js';
import { isUnmade, lacksManifest, listFiles, type StoreFile } from './store-files.js';

/** A place in a file, and what is wrong there; `bytes` is 0 where nobody knows how much is missing. */
export interface Flaw {
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
  readonly reason: string;
}

/**
 * `'whole'`; `'unfinished'`, as a crash may leave it: what was flushed is there; or `'damaged'`, with what can be read
 * of it.
 */
export interface Look {
  readonly state: 'whole' | 'unfinished' | 'damaged';
  /** As they are while the store is open. */
  readonly files: readonly StoreFile[];
  /** undefined where the store was never made. */
  readonly store: OpenStore | undefined;
  readonly flaws: readonly Flaw[];
}

/** The store is open afterwards: nobody can write to it until it is closed. */
export async function look(dir: string): Promise<Look> {
  const files = listFiles(dir);
  if (isUnmade(files)) {
    const flaw = {
      file: 'MANIFEST',
      offset: 0,
      bytes: 0,
      reason: 'the store was being made, and nothing was in it yet',
    };
    return { state: 'unfinished', files, store: undefined, flaws: [flaw] };
  }
  const strict = await attempt(dir, 'strict', files);
  if ('map' in strict) return { state: 'whole', files: listFiles(dir), store: strict, flaws: [] };
  const tolerant = await attempt(dir, 'tail', files);
  if ('map' in tolerant) {
    const now = listFiles(dir);
    return { state: 'unfinished', files: now, store: tolerant, flaws: [endOf(tolerant, strict, now)] };
  }
  const store = await openToRead(dir, 'salvage');
  const losses = store.map.stats().log?.recovery.losses ?? [];
  return { state: 'damaged', files: listFiles(dir), store, flaws: losses.length > 0 ? losses : [tolerant] };
}

/** The store, or why it is damaged. Throws other errors. */
async function attempt(
  dir: string,
  recovery: 'strict' | 'tail',
  files: readonly StoreFile[],
): Promise<OpenStore | Flaw> {
  try {
    return await openToRead(dir, recovery);
  } catch (error) {
    if (codeOf(error) === 'ERR_SHARDMAP_CORRUPT') return flawOf(error as ShardMapError);
    if (codeOf(error) === 'ERR_SHARDMAP_IO' && lacksManifest(files))
      return { file: 'MANIFEST', offset: 0, bytes: 0, reason: 'it is missing' };
    throw error;
  }
}

function flawOf({ file = '', offset = 0, message }: ShardMapError): Flaw {
  return { file, offset, bytes: 0, reason: /: (.*)$/s.exec(message)?.[1] ?? message };
}

/** What strict reading refuses of a store that a crash has left: the end of its last segment. */
function endOf({ map }: OpenStore, { offset, reason }: Flaw, files: readonly StoreFile[]): Flaw {
  const last = files.findLast(({ kind }) => kind === 'segment') as StoreFile;
  const tail = map.stats().log?.recovery.bytesTail ?? 0;
  const bytes = tail > 0 ? tail : last.bytes - offset;
  return { file: last.name, offset: last.bytes - bytes, bytes, reason };
}
