// One run of a test.
import { spawn } from 'node:child_process';

/** @typedef {{ failed: boolean, how: string }} Outcome */
/** @typedef {{ ok: boolean, hung: boolean, signal: string | null, stdout: string, stderr: string }} Run */

const RUN_MS_MAX = 30_000;

/**
 * @param {string} program
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env added to ours
 * @param {string} [cwd]
 * @returns {Promise<Run>}
 */
export function runTest(program, args, env, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      timeout: RUN_MS_MAX,
      killSignal: 'SIGKILL',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve({ ok: code === 0, hung: signal === 'SIGKILL', signal, stdout, stderr });
    });
  });
}
