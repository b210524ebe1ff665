// The packages of package.json beside this file: they are not among shardmap's own, and may not be installed.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/**
 * Imported by a name that TypeScript does not follow, as their types may not be there either.
 *
 * @param {string} name
 * @returns {Promise<any>}
 */
export function load(name) {
  return import(name);
}

/** A folder for files, and its end. */
export function createFolder() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'shardmap-bench-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
