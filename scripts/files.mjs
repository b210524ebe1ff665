// The checkout's own files, as the checks and the formatter see them.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './sources.mjs';

const MADE = new Set(['node_modules', 'build', 'dist', 'prebuilds', 'coverage']);

/**
 * Files under `folder` whose names end in one of `endings`, relative to `root`, with forward slashes, sorted.
 *
 * @param {string} folder relative to `root`; '' is all of it
 * @param {string[]} endings
 * @param {string} [root]
 * @returns {string[]}
 */
export function files(folder, endings, root = ROOT) {
  /** @type {string[]} */
  const found = [];
  for (const entry of entries(path.join(root, folder))) {
    const name = path.posix.join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!entry.name.startsWith('.') && !MADE.has(entry.name)) found.push(...files(name, endings, root));
    } else if (endings.some((ending) => entry.name.endsWith(ending))) {
      found.push(name);
    }
  }
  return found.sort();
}

/** @param {string} folder */
function entries(folder) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
