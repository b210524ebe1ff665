// Installs what package.json beside this file lists, where that is not done yet.
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import path from 'node:path';

const FOLDER = import.meta.dirname;

/** @returns {string | undefined} why they are not installed, in a line */
export function installPeers() {
  if (changedMs('node_modules/.package-lock.json') >= changedMs('package-lock.json')) return undefined;
  try {
    execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: FOLDER, stdio: ['ignore', 'ignore', 'pipe'] });
    return undefined;
  } catch (error) {
    return `npm ci in bench/peers failed: ${String(error).split('\n')[1] ?? error}`;
  }
}

/** @param {string} file */
function changedMs(file) {
  return statSync(path.join(FOLDER, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
