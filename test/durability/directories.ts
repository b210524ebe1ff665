/** Directories of stores, which go with their tests. */

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect } from 'vitest';
import { ShardMapError } from '../../lib/index.js';

const made: string[] = [];

const MEMORY = '/dev/shm';

export function newDirectory(parent: string = tmpdir()): string {
  const directory = mkdtempSync(path.join(parent, 'shardmap-'));
  made.push(directory);
  return path.join(directory, 'store');
}

/** The same where there is a medium that syncs in no time: for tests that open stores by the thousand. */
export function newDirectoryInMemory(): string {
  return newDirectory(existsSync(MEMORY) ? MEMORY : undefined);
}

afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true });
});

const classes = { TypeError, RangeError, ShardMapError };

/** That the promise rejects with this error, which it gives. */
export async function expectRejection(
  promise: Promise<unknown>,
  className: keyof typeof classes,
  code: string,
): Promise<Error> {
  const error = (await promise.then(
    () => expect.unreachable(),
    (reason: unknown) => reason,
  )) as Error & { code?: string };
  expect(error).toBeInstanceOf(classes[className]);
  expect(error.code).toBe(code);
  expect(error.message.length).toBeGreaterThan(10);
  return error;
}
