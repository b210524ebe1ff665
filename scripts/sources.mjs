// The addon's C++ sources, as native/sources.txt lists them; with --print, prints them for binding.gyp.
import { readFileSync } from 'node:fs';
import path from 'node:path';

/** The repository's root. */
export const ROOT = path.dirname(import.meta.dirname);

/**
 * Paths relative to `root`, in the order of the list.
 *
 * @param {string} [root]
 */
export function sources(root = ROOT) {
  const lines = readFileSync(path.join(root, 'native/sources.txt'), 'utf8').split(/\r?\n/);
  return lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
}

if (process.argv[2] === '--print') console.log(sources().join('\n'));
