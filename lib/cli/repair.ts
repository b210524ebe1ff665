/** `shardmap repair`: makes a whole store of what can be read of another one, which stays as it is. */

import { constants, existsSync, mkdirSync, readdirSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import path from 'node:path';
import { atEnd, forget } from './ending.js';
import { CommandError, EXIT } from './failure.js';
import { countOf } from './figures.js';
import { type Flaw, type Look, look } from './look.js';
import type { Outcome } from './outcome.js';
import { syncDirectory, temporaryNameOf } from './output-file.js';
import { Progress } from './progress.js';
import { openToRead, openToWrite } from './store.js';
import type { StoreFile } from './store-files.js';
import { describeFlaw, documentOf } from './verify.js';

export interface RepairOptions {
  /** The directory to be made. */
  readonly to: string;
}

/** What salvage and recovery keep beside: the store that is repaired has it still. */
const KEPT = /\.(damaged|tail)$/;
/** Other threads of the process may be making files while it is removed. */
const REMOVALS_MAX = 10;

export async function repair(dir: string, { to }: RepairOptions): Promise<Outcome> {
  refuseTarget(dir, to);
  const found = await look(dir);
  const temporary = temporaryNameOf(path.resolve(to));
  const remove = (): void => rmSync(temporary, { recursive: true, force: true, maxRetries: REMOVALS_MAX });
  mkdirSync(temporary);
  atEnd(remove);
  // As long as it is open nobody changes the files.
  await copyFiles(found.files, dir, temporary);
  found.store?.close();
  const losses = await restore(temporary, found.state);
  const entries = await countEntries(temporary);
  renameSync(temporary, to);
  forget(remove);
  await syncDirectory(path.dirname(path.resolve(to)));
  return describe({ dir, to, found, losses, entries });
}

function refuseTarget(dir: string, to: string): void {
  if (existsSync(to)) throw new CommandError('ERR_CLI_EXISTS', `${to} is there already: name a directory to be made`);
  const parent = path.dirname(path.resolve(to));
  if (!existsSync(parent))
    throw new CommandError('ERR_CLI_USAGE', `${parent}, where ${to} is to be made, is not there`);
  if (existsSync(dir) && isInside(realpathSync(parent), realpathSync(dir)))
    throw new CommandError('ERR_CLI_USAGE', `${to} is inside of ${dir}, which is not to be changed`);
}

function isInside(inner: string, outer: string): boolean {
  const way = path.relative(outer, inner);
  return !path.isAbsolute(way) && way.split(path.sep)[0] !== '..';
}

async function copyFiles(files: readonly StoreFile[], from: string, to: string): Promise<void> {
  const copied = files.filter(({ kind }) => ['manifest', 'segment', 'snapshot', 'temporary'].includes(kind));
  const bytesTotal = copied.reduce((sum, file) => sum + file.bytes, 0);
  const progress = new Progress('Copying');
  let bytesDone = 0;
  for (const { name, bytes: size } of copied) {
    await copyFile(path.join(from, name), path.join(to, name), constants.COPYFILE_FICLONE);
    bytesDone += size;
    progress.update(bytesDone, bytesTotal);
  }
  progress.end();
}

/** Makes the copy a whole store again; returns what is lost. */
async function restore(dir: string, state: Look['state']): Promise<readonly Flaw[]> {
  const opening = openToWrite(dir, state === 'damaged' ? 'salvage' : 'tail');
  // It makes files as long as it is under way, even a directory where that is gone.
  const settle = (): Promise<void> => opening.then(ignore, ignore);
  atEnd(settle);
  const { map, close } = await opening;
  forget(settle);
  const losses = map.stats().log?.recovery.losses ?? [];
  await map.compact();
  close();
  for (const name of readdirSync(dir)) if (KEPT.test(name)) rmSync(path.join(dir, name));
  return losses;
}

function ignore(): void {}

/** Of what was made, which is read once more, strictly. */
async function countEntries(dir: string): Promise<number> {
  const { map, close } = await openToRead(dir, 'strict');
  const entries = map.size;
  close();
  return entries;
}

interface Repaired {
  readonly dir: string;
  readonly to: string;
  readonly found: Look;
  readonly losses: readonly Flaw[];
  readonly entries: number;
}

function describe({ dir, to, found, losses, entries }: Repaired): Outcome {
  const lostBytes = losses.reduce((sum, loss) => sum + loss.bytes, 0);
  const notes = found.state === 'unfinished' ? found.flaws : [];
  return {
    exitCode: losses.length > 0 ? EXIT.damaged : EXIT.done,
    lines: [
      `${countOf(entries, 'entry is', 'entries are')} in ${to}`,
      ...notes.map((flaw) => `  ${describeFlaw(flaw, 'unfinished')}`),
      losses.length > 0 ? `Lost in ${countOf(losses.length, 'place', 'places')}:` : 'Nothing is lost',
      ...losses.map((loss) => `  ${describeFlaw(loss, 'damaged')}`),
    ],
    document: {
      dir,
      to,
      entries,
      lostBytes,
      losses: losses.map(documentOf),
      unfinished: notes.map(documentOf),
    },
  };
}
