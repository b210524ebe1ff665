/** Stores as commands open them: with a progress bar, and closed in whatever way the command ends. */

import { type Key, ShardMap, type ShardMapOpenOptions } from '../index.js';
import { atEnd, forget } from './ending.js';
import { CommandError } from './failure.js';
import { opaqueCodec } from './opaque.js';
import { Progress } from './progress.js';
import { isUnmade, lacksManifest, listFiles } from './store-files.js';

export type Store = ShardMap<Key, unknown>;

/** A store that is open, and what closes it. */
export interface OpenStore {
  readonly map: Store;
  readonly close: () => void;
}

type Options = Omit<ShardMapOpenOptions, 'onProgress'>;

/** Of what is read, values that a codec of the user's has encoded are opaque ones. */
export async function openToRead(dir: string, recovery: 'tail' | 'strict' | 'salvage'): Promise<OpenStore> {
  return open({ dir, readonly: true, recovery, codec: opaqueCodec }, 'Reading');
}

/** A store that has to be whole, but for what a crash leaves behind. */
export async function openWhole(dir: string): Promise<OpenStore> {
  const files = listFiles(dir);
  if (isUnmade(files))
    throw new CommandError('ERR_CLI_NO_STORE', `${dir} is no store yet: it was being made, and nothing was in it`);
  if (lacksManifest(files)) throw new CommandError('ERR_CLI_NO_MANIFEST', `${dir} is damaged: it has no MANIFEST`);
  return openToRead(dir, 'tail');
}

export async function openToWrite(dir: string, recovery: 'tail' | 'salvage' = 'tail'): Promise<OpenStore> {
  return open({ dir, recovery, fsync: 'never' }, 'Opening');
}

async function open(options: Options, title: string): Promise<OpenStore> {
  const progress = new Progress(title);
  try {
    const map: Store = await ShardMap.open<Key, unknown>({
      ...options,
      onProgress: ({ bytes, bytesTotal }) => progress.update(bytes, bytesTotal),
    });
    const close = (): void => map.close();
    atEnd(close);
    return {
      map,
      close: () => {
        forget(close);
        close();
      },
    };
  } finally {
    progress.end();
  }
}
