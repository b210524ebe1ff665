// Danger: a package that works in this checkout and nowhere else: a file left out of the tarball, a binary that is not
// found, types that only we can read, an install that needs a compiler or a network. So a copy of the checkout is built,
// packed and installed in empty folders.
import { copyFileSync, cpSync, existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { installNode, MAJORS, nodeBinary } from '../../scripts/nodes-test.mjs';
import {
  contents,
  execute,
  executeWith,
  folder,
  install,
  installAll,
  list,
  npm,
  pack,
  ROOT,
  read,
  temporary,
} from './project.js';

const MINUTES = 60_000;
const MADE = ['.git', '.build', 'build', 'dist', 'node_modules', 'prebuilds'];
const PLATFORM = `${process.platform}-${process.arch}`;

const header = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
const glibc = header.header.glibcVersionRuntime;
const LIBC = process.platform !== 'linux' ? '' : glibc === undefined ? '.musl' : '.glibc';
const BINARY = `prebuilds/${PLATFORM}/shardmap${LIBC}.node`;

const checkout = path.join(temporary, 'checkout');

let tarball: string;
let tarballWithoutPrebuilds: string;
/** Where the tarball was installed by npm with scripts disabled. */
let project: string;

beforeAll(async () => {
  cpSync(ROOT, checkout, { recursive: true, filter: (source) => !MADE.includes(path.relative(ROOT, source)) });
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(checkout, 'node_modules'), 'junction');
  await npm(checkout, 'run', 'build:ts');
  tarballWithoutPrebuilds = await pack(checkout, 'without-prebuilds');
  await npm(checkout, 'run', 'prebuild');
  tarball = await pack(checkout, 'with-prebuilds');
  project = await install(tarball, 'prebuilt', '--ignore-scripts');
}, 10 * MINUTES);

afterEach(() => vi.unstubAllEnvs());

afterAll(() => rmSync(temporary, { recursive: true, force: true }));

describe('the tarball', () => {
  it('holds what runs, what compiles and what explains, and nothing else', async () => {
    const files = await contents(tarball);
    const allowed = [
      /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|binding\.gyp)$/,
      /^dist\/[\w/.-]+\.(js|d\.ts)(\.map)?$/,
      /^lib\/((cli|adapters)\/)?[\w-]+\.ts$/,
      /^prebuilds\/[\w+-]+\/shardmap(\.glibc|\.musl)?\.node$/,
      /^native\/(sources\.txt|(base|core|log|engine|binding)\/\w+\.(cc|h))$/,
      /^scripts\/(headers|install|sources)\.mjs$/,
      /^docs\/(guides\/)?[\w-]+\.md$/,
    ];
    expect(files.filter((file) => !allowed.some((pattern) => pattern.test(file)))).toEqual([]);
    const needed = ['LICENSE', 'README.md', 'CHANGELOG.md', 'docs/errors.md', ...list('docs/guides')];
    expect(needed.filter((file) => !files.includes(file))).toEqual([]);
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
    const { exports, typesVersions } = JSON.parse(read('package.json')) as { exports: object; typesVersions: object };
    const files = await contents(tarball);
    const targetsIn = (value: object | string): string[] =>
      typeof value === 'string' ? [value] : Object.values(value).flatMap(targetsIn);
    const targets = targetsIn({ exports, typesVersions });
    expect(targets.filter((target) => target === './dist/sync-map.d.ts')).toHaveLength(2);
    expect(files).toEqual(expect.arrayContaining(targets.map((target) => target.replace(/^\.\//, ''))));
  });

  it('holds one prebuilt binary, for this platform and its C library', async () => {
    expect((await contents(tarball)).filter((file) => file.startsWith('prebuilds/'))).toEqual([BINARY]);
  });

  it('has maps of all modules and types, which lead to sources that are there', async () => {
    const files = await contents(tarball);
    const maps = files.filter((file) => file.endsWith('.map'));
    expect(maps).toHaveLength(2 * list('lib').length);
    for (const map of maps) {
      const { sources } = JSON.parse(readFileSync(path.join(checkout, map), 'utf8')) as { sources: string[] };
      const found = sources.map((source) => path.posix.join(path.posix.dirname(map), source));
      expect(files).toEqual(expect.arrayContaining(found));
    }
  });

  it('imports nothing for its side effects, as package.json says', () => {
    expect(JSON.parse(read('package.json'))).toMatchObject({ sideEffects: false, license: 'MIT', type: 'module' });
    expect(list('lib').filter((file) => /^import ['"]/m.test(read(file)))).toEqual([]);
  });
});

describe('an install with a prebuilt binary', () => {
  it('runs no script and loads the prebuilt binary', async () => {
    const { value, addons } = await runProgram(project, esmProgram);
    expect({ value, addons }).toEqual({ value: 42, addons: [path.join(project, 'node_modules/shardmap', BINARY)] });
    expect(existsSync(path.join(project, 'node_modules/shardmap/build'))).toBe(false);
  });

  it('compiles nothing when its install script does run', async () => {
    const other = await install(tarball, 'prebuilt-with-scripts', '--ignore-scripts=false');
    expect(existsSync(path.join(other, 'node_modules/shardmap/build'))).toBe(false);
  });

  it('needs no network, where the tarballs of its dependencies lie beside it', async () => {
    type Locked = { packages: Record<string, { dev?: boolean; optional?: boolean }> };
    const { packages } = JSON.parse(read('package-lock.json')) as Locked;
    const needed = Object.keys(packages).filter((at) => at !== '' && !packages[at]?.dev && !packages[at]?.optional);
    const others = needed.map((at) => pack(path.join(ROOT, at), path.basename(at)));
    const tarballs = [tarball, ...(await Promise.all(others))];
    const away = ['--offline', '--registry=http://127.0.0.1:9', `--cache=${folder('cache')}`];
    const other = await installAll(tarballs, 'offline', '--ignore-scripts', ...away);
    expect((await runProgram(other, esmProgram)).value).toBe(42);
  });

  it.runIf(LIBC === '.glibc')('chooses the binary of its C library where there are two', async () => {
    const other = folder('two-libcs');
    cpSync(project, other, { recursive: true });
    const binary = path.join(other, 'node_modules/shardmap', BINARY);
    const musl = binary.replace('.glibc.', '.musl.');
    copyFileSync(binary, musl);
    expect((await runProgram(other, esmProgram)).addons).toEqual([binary]);
    expect((await runProgram(other, esmProgram, { LIBC: 'musl' })).addons).toEqual([musl]);
  });

  it('shows where in lib/ an error comes from, to a Node that reads source maps', async () => {
    const attempt = 'try { new ShardMap().set(Symbol(), 1); } catch (error) { console.log(error.stack); }';
    writeFileSync(path.join(project, 'failure.mjs'), `import { ShardMap } from 'shardmap';\n${attempt}\n`);
    const stack = await execute(project, process.execPath, '--enable-source-maps', 'failure.mjs');
    const [, source = '', line] = /ShardMap\.set \((?:file:\/\/)?([^\s(]*):(\d+):\d+\)/.exec(stack) ?? [];
    expect(source, stack).toBe(path.join(project, 'node_modules/shardmap/lib/shard-map.ts'));
    expect(readFileSync(source, 'utf8').split('\n')[Number(line) - 1]).toContain('set(slot, key, value)');
  });
});

describe('programs that use an installed package', () => {
  beforeAll(async () => {
    for (const { name, text } of [esmProgram, cjsProgram, ...typedPrograms])
      writeFileSync(path.join(project, name), text);
    const files = typedPrograms.map(({ name }) => name);
    writeFileSync(path.join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
    await execute(project, process.execPath, path.join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', '.');
  }, MINUTES);

  it.for(['', ...MAJORS])(
    'run by import and by require, in JavaScript and in TypeScript, on Node %s',
    { timeout: 5 * MINUTES },
    async (major, { skip }) => {
      if (major !== '' && !existsSync(nodeBinary(major)) && !installNode(major)) skip(`no Node ${major}`);
      const [node, version] = major === '' ? [process.execPath, process.version] : [nodeBinary(major), `v${major}.`];
      for (const program of ['esm.mjs', 'cjs.cjs', 'typed-esm.mjs', 'typed-cjs.cjs']) {
        const output = JSON.parse(await execute(project, node, program)) as { value: number; version: string };
        expect(output.value, program).toBe(42);
        expect(output.version).toContain(version);
      }
    },
  );
});

describe.runIf(LIBC === '.glibc')('what README says the prebuilt binary needs', () => {
  const [, glibcStated, libstdcxxStated] =
    /glibc (\d+\.\d+) and\s+libstdc\+\+ (\d+\.\d+\.\d+)/.exec(read('README.md')) ?? [];

  // A binary needs what the system that built it has replaced by newer versions: README is about those made where CI is.
  it.runIf(glibc === '2.36')('is what its symbols ask for', async () => {
    const binary = path.join(project, 'node_modules/shardmap', BINARY);
    const needs = await execute(project, 'readelf', '--version-info', '--wide', binary);
    expect(newest(needs, 'GLIBC')).toBe(glibcStated);
    expect(newest(needs, 'GLIBCXX')).toBe(libstdcxxStated);
  });
});

describe('an install without a prebuilt binary', () => {
  it(
    'compiles the addon and loads what it compiled',
    async () => {
      // These come last. The package's own flags are those of the prebuilt binary, and take three times as long.
      vi.stubEnv('CXXFLAGS', '-O0 -fno-lto');
      const other = await install(tarballWithoutPrebuilds, 'compiled', '--ignore-scripts=false');
      const { value, addons } = await runProgram(other, esmProgram);
      expect(value).toBe(42);
      expect(addons).toEqual([path.join(other, 'node_modules/shardmap/build/Release/shardmap.node')]);
    },
    10 * MINUTES,
  );

  it('says so by a coded error where scripts are not run', async () => {
    const other = await install(tarballWithoutPrebuilds, 'neither', '--ignore-scripts');
    await expect(runProgram(other, esmProgram)).rejects.toThrow('ERR_SHARDMAP_ADDON_UNAVAILABLE');
  });
});

interface Program {
  readonly name: string;
  readonly text: string;
}

// Each prints the value that a map gave back; those in JavaScript also the addons of ours that the process has loaded,
// as msgpackr has its own.
const useMap = `
const map = SyncMap.from(new ShardMap([['answer', 42]]).handle);
const addons = process.report.getReport().sharedObjects.filter((file) => /shardmap[a-z.]*[.]node$/.test(file));
console.log(JSON.stringify({ value: map.load('answer')[0], version: process.version, addons }));
`;
const esmProgram: Program = {
  name: 'esm.mjs',
  text: `import { ShardMap } from 'shardmap'; import { SyncMap } from 'shardmap/sync-map';${useMap}`,
};
const cjsProgram: Program = {
  name: 'cjs.cjs',
  text: `const { ShardMap } = require('shardmap'); const { SyncMap } = require('shardmap/sync-map');${useMap}`,
};

// A type that is `any` by mistake would make the error go away that is expected here.
const useTypedMap = `
import { ShardMap, type ShardMapHandle, type ShardMapOptions } from 'shardmap';
import { SyncMap } from 'shardmap/sync-map';

const options: ShardMapOptions = { ttl: 60_000 };
const map = new ShardMap<string, number>([['answer', 41]], options);
const answer: number = map.increment('answer');
const handle: ShardMapHandle = map.handle;
const [value, loaded]: readonly [number | undefined, boolean] = SyncMap.from<string, number>(handle).load('answer');
// @ts-expect-error: keys are strings
map.has(1);
console.log(JSON.stringify({ value: loaded && value === answer ? value : 0, version: process.version }));
`;
const typedPrograms: readonly Program[] = [
  { name: 'typed-esm.mts', text: useTypedMap },
  { name: 'typed-cjs.cts', text: useTypedMap },
];
const compilerOptions = {
  module: 'nodenext',
  target: 'es2022',
  strict: true,
  skipLibCheck: false,
  types: ['node'],
  typeRoots: [path.join(ROOT, 'node_modules/@types')],
};

async function runProgram(where: string, { name, text }: Program, env: NodeJS.ProcessEnv = {}) {
  writeFileSync(path.join(where, name), text);
  const output = await executeWith(env, where, process.execPath, name);
  return JSON.parse(output) as { value: unknown; addons: string[] };
}

/** The newest version of a library's symbols among those that readelf lists. */
function newest(needs: string, library: string): string | undefined {
  const versions = [...needs.matchAll(new RegExp(`Name: ${library}_([\\d.]+)`, 'g'))].map(
    ([, version = '']) => version,
  );
  return versions.sort((one, other) => one.localeCompare(other, 'en', { numeric: true })).at(-1);
}
