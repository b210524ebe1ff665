// Running the other programs that our scripts are made of.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { ROOT } from './sources.mjs';

// As npm would set it, so that the scripts run without npm as well.
const PATH = [path.join(ROOT, 'node_modules/.bin'), process.env['PATH']].join(path.delimiter);

/**
 * Runs a program in the repository's root, its output shown.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env] added to ours
 * @returns {boolean} whether it ran and exited with 0
 */
export function run(program, args, env = {}) {
  return spawn(program, args, env, 'inherit').status === 0;
}

/**
 * Runs a program in the repository's root and returns what it printed.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env] added to ours
 */
export function capture(program, args, env = {}) {
  const { status, stdout, stderr } = spawn(program, args, env, 'pipe');
  return { ok: status === 0, output: `${stdout ?? ''}${stderr ?? ''}`.trim() };
}

/**
 * Whether a program can be run here.
 *
 * @param {string} program
 */
export function have(program) {
  return capture(program, ['--version']).ok;
}

/** In CI whatever a script skips is a failure. */
export const CI = process.env['CI'] === 'true';

/**
 * @param {string} program
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @param {'inherit' | 'pipe'} stdio
 */
function spawn(program, args, env, stdio) {
  return spawnSync(program, args, {
    cwd: ROOT,
    env: { ...process.env, PATH, ...env },
    stdio,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    shell: process.platform === 'win32',
  });
}
