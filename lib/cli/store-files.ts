/** The files of a store's directory, by their names: see docs/log-format.md. */

import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { CommandError } from './failure.js';

const KINDS = [
  ['manifest', /^MANIFEST$/],
  ['snapshot', /^snapshot-\d{12,}$/],
  ['segment', /^segment-\d{12,}$/],
  ['tail', /^segment-\d{12,}\.tail$/],
  ['damaged', /^(MANIFEST|(segment|snapshot)-\d{12,})\.damaged$/],
  ['temporary', /^(MANIFEST|(segment|snapshot)-\d{12,})\.tmp$/],
  ['lock', /^LOCK$/],
] as const;

export type FileKind = (typeof KINDS)[number][0] | 'other';

export interface StoreFile {
  readonly name: string;
  readonly kind: FileKind;
  readonly bytes: number;
}

/** A file with a header and nothing behind it has so many bytes. */
const HEADER_BYTES = 48;

/** By name. Throws what the system says, and ERR_CLI_NO_STORE where no file is one of a store. */
export function listFiles(dir: string): StoreFile[] {
  const files = readdirSync(dir)
    .sort()
    .flatMap((name) => fileOf(dir, name));
  if (files.some(({ kind }) => kind === 'manifest' || kind === 'segment' || kind === 'snapshot')) return files;
  throw new CommandError('ERR_CLI_NO_STORE', `${dir} is no store: it has neither a manifest nor segments`);
}

function fileOf(dir: string, name: string): StoreFile[] {
  const kind = KINDS.find(([, pattern]) => pattern.test(name))?.[0] ?? 'other';
  const stats = statSync(path.join(dir, name), { throwIfNoEntry: false });
  // One that is gone meanwhile is of no interest, and there are no directories in a store.
  return stats === undefined || stats.isDirectory() ? [] : [{ name, kind, bytes: stats.size }];
}

/** Whether they are what a crash leaves of a store that was being made: nothing was ever in it. */
export function isUnmade(files: readonly StoreFile[]): boolean {
  const parts = files.filter(({ kind }) => kind === 'manifest' || kind === 'segment' || kind === 'snapshot');
  return parts.length === 1 && parts[0]?.kind === 'segment' && parts[0].bytes <= HEADER_BYTES;
}

/** Whether the manifest is missing of what was a store. */
export function lacksManifest(files: readonly StoreFile[]): boolean {
  return !isUnmade(files) && files.every(({ kind }) => kind !== 'manifest');
}
