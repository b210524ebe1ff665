// Danger: a package that works in this checkout and nowhere else: a file left out of the tarball, a binary that is not
// found, an install that needs a compiler. So a copy of the checkout is built, packed and installed in empty folders.
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

const MINUTES = 60_000;
const ROOT = path.resolve(import.meta.dirname, '../..');
const MADE = ['.git', '.build', 'build', 'dist', 'node_modules', 'prebuilds'];

const temporary = realpathSync(mkdtempSync(path.join(tmpdir(), 'shardmap-package-')));
const checkout = path.join(temporary, 'checkout');

let tarball: string;
let tarballWithoutPrebuilds: string;

beforeAll(async () => {
  cpSync(ROOT, checkout, { recursive: true, filter: (source) => !MADE.includes(path.relative(ROOT, source)) });
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(checkout, 'node_modules'), 'junction');
  await npm(checkout, 'run', 'build:ts');
  tarballWithoutPrebuilds = await pack('without-prebuilds');
  await npm(checkout, 'run', 'prebuild');
  tarball = await pack('with-prebuilds');
}, 10 * MINUTES);

afterEach(() => vi.unstubAllEnvs());

afterAll(() => rmSync(temporary, { recursive: true, force: true }));

describe('the tarball', () => {
  it('holds what runs, what compiles and what explains, and nothing else', async () => {
    const files = await contents(tarball);
    const allowed = [
      /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|binding\.gyp)$/,
      /^dist\/[\w/.-]+\.(js|d\.ts)$/,
      /^prebuilds\/[\w+-]+\/shardmap(\.glibc|\.musl)?\.node$/,
      /^native\/(sources\.txt|(base|core|log|engine|binding)\/\w+\.(cc|h))$/,
      /^scripts\/(headers|install|sources)\.mjs$/,
      /^docs\/[\w-]+\.md$/,
    ];
    expect(files.filter((file) => !allowed.some((pattern) => pattern.test(file)))).toEqual([]);
  });

  it('holds every native file and every compiled module', async () => {
    const files = await contents(tarball);
    const native = list('native').filter((file) => /\.(cc|h)$/.test(file));
    const modules = list('lib').map((file) => file.replace(/^lib/, 'dist').replace(/\.ts$/, '.js'));
    expect(native.length).toBeGreaterThan(0);
    expect(modules).toContain('dist/index.js');
    expect(files).toEqual(expect.arrayContaining([...native, ...modules, 'native/sources.txt', 'dist/index.d.ts']));
  });

  it('holds what each name leads to that it exports, with its types', async () => {
    const { exports } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { exports: object };
    const files = await contents(tarball);
    const targets = Object.values(exports).flatMap((target: string | object) =>
      typeof target === 'string' ? [target] : Object.values(target as Record<string, string>),
    );
    expect(targets).toContain('./dist/sync-map.d.ts');
    expect(files).toEqual(expect.arrayContaining(targets.map((target) => target.replace(/^\.\//, ''))));
  });

  it('holds one prebuilt binary, for this platform', async () => {
    const prebuilds = (await contents(tarball)).filter((file) => file.startsWith('prebuilds/'));
    expect(prebuilds).toHaveLength(1);
    expect(prebuilds[0]).toMatch(`prebuilds/${process.platform}-${process.arch}/shardmap`);
  });
});

describe('an install with a prebuilt binary', () => {
  it('runs no script and loads the prebuilt binary, by import and by require', async () => {
    const project = await install(tarball, 'prebuilt', '--ignore-scripts');
    const addon = path.join(project, 'node_modules/shardmap/prebuilds', `${process.platform}-${process.arch}`);

    for (const program of [esmProgram, cjsProgram]) {
      const { value, addons } = await runProgram(project, program);
      expect(value).toBe(42);
      expect(addons).toHaveLength(1);
      expect(path.dirname(addons[0] as string)).toBe(addon);
    }
    expect(existsSync(path.join(project, 'node_modules/shardmap/build'))).toBe(false);
  });

  it('compiles nothing when its install script does run', async () => {
    const project = await install(tarball, 'prebuilt-with-scripts', '--ignore-scripts=false');
    expect(existsSync(path.join(project, 'node_modules/shardmap/build'))).toBe(false);
  });
});

describe('an install without a prebuilt binary', () => {
  it(
    'compiles the addon and loads what it compiled',
    async () => {
      // These come last. The package's own are those of the prebuilt binary, and take three times as long.
      vi.stubEnv('CXXFLAGS', '-O0 -fno-lto');
      const project = await install(tarballWithoutPrebuilds, 'compiled', '--ignore-scripts=false');
      const { value, addons } = await runProgram(project, esmProgram);
      expect(value).toBe(42);
      expect(addons).toEqual([path.join(project, 'node_modules/shardmap/build/Release/shardmap.node')]);
    },
    10 * MINUTES,
  );

  it('says so by a coded error where scripts are not run', async () => {
    const project = await install(tarballWithoutPrebuilds, 'neither', '--ignore-scripts');
    await expect(runProgram(project, esmProgram)).rejects.toThrow('ERR_SHARDMAP_ADDON_UNAVAILABLE');
  });
});

// Both print the value that a map gave back, and the addons of ours that the process has loaded: msgpackr has its own.
const useMap = `
const map = SyncMap.from(new ShardMap([['answer', 42]]).handle);
const addons = process.report.getReport().sharedObjects.filter((file) => /shardmap[a-z.]*[.]node$/.test(file));
console.log(JSON.stringify({ value: map.load('answer')[0], addons }));
`;
const esmProgram = {
  name: 'program.mjs',
  text: `import { ShardMap } from 'shardmap'; import { SyncMap } from 'shardmap/sync-map';${useMap}`,
};
const cjsProgram = {
  name: 'program.cjs',
  text: `const { ShardMap } = require('shardmap'); const { SyncMap } = require('shardmap/sync-map');${useMap}`,
};

async function runProgram(project: string, program: { name: string; text: string }) {
  const file = path.join(project, program.name);
  writeFileSync(file, program.text);
  const output = await execute(project, process.execPath, file);
  return JSON.parse(output) as { value: unknown; addons: string[] };
}

/** Installs a tarball into an empty project; its dependencies come from npm's cache, or else from the registry. */
async function install(file: string, name: string, scripts: string): Promise<string> {
  const project = mkdtempSync(path.join(temporary, `${name}-`));
  writeFileSync(path.join(project, 'package.json'), '{ "private": true }');
  await npm(project, 'install', file, scripts, '--prefer-offline', '--no-audit', '--no-fund');
  return project;
}

/** Packs the copy of the checkout as it is now: `prepare`, which would build it, is left out. */
async function pack(name: string): Promise<string> {
  const folder = mkdtempSync(path.join(temporary, `${name}-`));
  await npm(checkout, 'pack', '--ignore-scripts', '--pack-destination', folder);
  return path.join(folder, readdirSync(folder)[0] as string);
}

/** The tarball's files, without the `package/` that each begins with. */
async function contents(file: string): Promise<string[]> {
  const output = await execute(temporary, 'tar', '-tzf', file);
  return output.split(/\r?\n/).flatMap((line) => line.split('package/')[1] ?? []);
}

/** The checkout's files below a folder, with forward slashes. */
function list(folder: string): string[] {
  const entries = readdirSync(path.join(ROOT, folder), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((file) => path.relative(ROOT, path.join(file.parentPath, file.name)).replaceAll(path.sep, '/'));
}

const npm = (folder: string, ...args: string[]) => execute(folder, 'npm', ...args);

/** Runs a program and returns what it printed; a failure's error holds all of it. */
async function execute(folder: string, program: string, ...args: string[]): Promise<string> {
  const options = { cwd: folder, shell: process.platform === 'win32', maxBuffer: 64 * 1024 * 1024 };
  const { stdout } = await promisify(execFile)(program, args, options);
  return stdout;
}
