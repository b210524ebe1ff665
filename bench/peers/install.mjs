// Installs what package.json beside this file lists, where that is not done yet.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

const FOLDER = import.meta.dirname;

/** @returns {string | undefined} why they are not installed, in a line */
export function installPeers() {
  if (existsSync(path.join(FOLDER, 'node_modules'))) return undefined;
  try {
    execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: FOLDER, stdio: ['ignore', 'ignore', 'pipe'] });
    return undefined;
  } catch (error) {
    return `npm ci in bench/peers failed: ${String(error).split('\n')[1] ?? error}`;
  }
}
