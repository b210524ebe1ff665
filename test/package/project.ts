/** Projects in empty folders that install the package from its tarball, and programs that run in them. */

import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

export const ROOT = path.resolve(import.meta.dirname, '../..');

export const temporary = realpathSync(mkdtempSync(path.join(tmpdir(), 'shardmap-package-')));

/** A new folder with nothing in it. */
export const folder = (name: string): string => mkdtempSync(path.join(temporary, `${name}-`));

/** Packs what is in a folder as it is: `prepare`, which would build it, is left out. */
export async function pack(source: string, name: string): Promise<string> {
  const target = folder(name);
  await npm(source, 'pack', '--ignore-scripts', '--pack-destination', target);
  return path.join(target, readdirSync(target)[0] as string);
}

/** Installs a tarball into an empty project; its dependencies come from npm's cache, or else from the registry. */
export async function install(tarball: string, name: string, scripts: string): Promise<string> {
  return installAll([tarball], name, scripts, '--prefer-offline');
}

/** Installs several. */
export async function installAll(tarballs: readonly string[], name: string, ...options: string[]): Promise<string> {
  const project = folder(name);
  writeFileSync(path.join(project, 'package.json'), '{ "private": true }');
  await npm(project, 'install', ...tarballs, ...options, '--no-audit', '--no-fund');
  return project;
}

/** The tarball's files, without the `package/` that each begins with. */
export async function contents(tarball: string): Promise<string[]> {
  const output = await execute(temporary, 'tar', '-tzf', tarball);
  return output.split(/\r?\n/).flatMap((line) => line.split('package/')[1] ?? []);
}

/** The checkout's files below a folder, with forward slashes. */
export function list(source: string): string[] {
  const entries = readdirSync(path.join(ROOT, source), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((file) => path.relative(ROOT, path.join(file.parentPath, file.name)).replaceAll(path.sep, '/'));
}

/** A file of the checkout. */
export const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

export const npm = (cwd: string, ...args: string[]): Promise<string> => execute(cwd, 'npm', ...args);

/** Runs a program and returns what it printed; a failure's error holds all of it. */
export async function execute(cwd: string, program: string, ...args: string[]): Promise<string> {
  return executeWith({}, cwd, program, ...args);
}

/** The same with other variables in its environment. */
export async function executeWith(
  env: NodeJS.ProcessEnv,
  cwd: string,
  program: string,
  ...args: string[]
): Promise<string> {
  const shell = process.platform === 'win32';
  const options = { cwd, shell, env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 };
  try {
    return (await promisify(execFile)(program, args, options)).stdout;
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${(error as { stdout?: string }).stdout}`);
  }
}
