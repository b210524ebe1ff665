// Danger: a check that can never fail. Each rule is broken here, in a temporary tree, and the check must say so.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import api from '../../scripts/checks/api.mjs';
import docs from '../../scripts/checks/docs.mjs';
import layers from '../../scripts/checks/layers.mjs';
import packed from '../../scripts/checks/package.mjs';
import planted from '../../scripts/checks/planted.mjs';
import { withSwitches } from '../../scripts/planted/switches.mjs';

const trees: string[] = [];

afterEach(() => {
  for (const tree of trees.splice(0)) rmSync(tree, { recursive: true, force: true });
});

/** A folder with these files: path to text. */
function tree(files: Record<string, string>): string {
  const root = mkdtempSync(path.join(tmpdir(), 'shardmap-check-'));
  trees.push(root);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), text);
  }
  return root;
}

describe('layers', () => {
  const sound = {
    'native/sources.txt': '# a comment\nnative/core/store.cc\nnative/binding/addon.cc\n',
    'native/base/status.h': '#include <string>\n',
    'native/core/store.cc': '#include "base/status.h"\n#include "core/store.h"\n',
    'native/core/store.h': '#pragma once\n',
    'native/binding/addon.cc': '#include <node_api.h>\n#include "core/store.h"\n',
    'lib/native.ts': "createRequire(import.meta.url)('node-gyp-build')\n",
    'lib/index.ts': "export { ShardMap } from './shard-map.js';\n",
    'lib/cli/main.ts': "import { ShardMap } from '../index.js';\nimport { look } from './look.js';\n",
  };

  it('accepts a sound tree', () => {
    expect(layers(tree(sound)).violations).toEqual([]);
  });

  it.each([
    ['an include of a higher layer', 'native/core/store.h', '#include "binding/addon.cc"\n', 'up from core'],
    [
      'an include of a higher layer, oddly spaced',
      'native/base/status.h',
      '  #  include "core/store.h"\n',
      'up from base',
    ],
    ['Node outside the binding', 'native/core/store.h', '#include <node_api.h>\n', 'only binding knows Node'],
    ['node-addon-api outside the binding', 'native/core/store.h', '#include <napi.h>\n', 'only binding knows Node'],
    ['libuv outside the binding', 'native/core/store.h', '#include "uv.h"\n', 'only binding knows Node'],
    ['an include that leaves native/', 'native/core/store.h', '#include "../base/status.h"\n', 'no path below native/'],
    ['a source that no build would compile', 'native/core/lost.cc', '', 'not in native/sources.txt'],
    ['a folder that is no layer', 'native/utils/strings.h', '', 'nothing else'],
    ['a second way to the addon', 'lib/shard-map.ts', "require('node-gyp-build')", 'only lib/native.ts'],
    [
      'a second way to the addon, by path',
      'lib/shard-map.ts',
      "require('../build/shardmap.node')",
      'only lib/native.ts',
    ],
    ['the command line in the library', 'lib/stats.ts', "import { look } from './cli/look.js';", 'outside of lib/cli/'],
    ['the command line in an adapter', 'lib/adapters/x.ts', "import('../cli/look.js');", 'outside of lib/cli/'],
  ])('finds %s', (_, file, text, message) => {
    const { violations } = layers(tree({ ...sound, [file]: text }));
    expect(violations).toHaveLength(1);
    expect(violations[0]).toContain(file);
    expect(violations[0]).toContain(message);
  });

  it('finds a listed source that is not there', () => {
    const { violations } = layers(
      tree({ ...sound, 'native/sources.txt': `${sound['native/sources.txt']}native/core/gone.cc\n` }),
    );
    expect(violations).toEqual(['native/sources.txt: lists native/core/gone.cc, which does not exist']);
  });
});

describe('docs', () => {
  const page = '# Errors & codes\n\n## The table\n';

  it.each([
    ['a file', '[errors](docs/errors.md)'],
    ['a heading', '[errors](docs/errors.md#errors--codes)'],
    ['a heading of the same page', '[here](#shardmap)'],
    ['another site', '[site](https://example.com/nothing)'],
    ['brackets in code', '`map[key](value)`\n\n```js\nmap[key](value)\n```'],
  ])('accepts %s', (_, text) => {
    expect(docs(tree({ 'README.md': `# shardmap\n${text}\n`, 'docs/errors.md': page })).violations).toEqual([]);
  });

  it.each([
    ['a missing file', '[gone](docs/gone.md)'],
    ['a missing heading', '[gone](docs/errors.md#gone)'],
    ['a missing heading of the same page', '[gone](#gone)'],
    ['a missing image', '![gone](docs/gone.svg)'],
    ['a missing file by reference', '[gone][1]\n\n[1]: docs/gone.md'],
  ])('finds %s', (_, text) => {
    const { violations } = docs(tree({ 'README.md': `# shardmap\n${text}\n`, 'docs/errors.md': page }));
    expect(violations).toHaveLength(1);
    expect(violations[0]).toMatch(/^README\.md: .*gone.* leads nowhere$/);
  });
});

describe('api and package', () => {
  const compilerOptions = { module: 'nodenext', target: 'es2022', declaration: true, rootDir: 'lib', types: [] };
  const typedocOptions = {
    entryPoints: ['lib/index.ts'],
    disableSources: true, // links to lines would need a git remote
    treatWarningsAsErrors: true,
    treatValidationWarningsAsErrors: true,
    validation: { notDocumented: true },
  };
  const exported = { types: './dist/index.d.ts', default: './dist/index.js' };
  const manifest = { name: 'sound', version: '1.0.0', type: 'module', files: ['dist'] };
  const sound = {
    'package.json': JSON.stringify({ ...manifest, types: exported.types, exports: { '.': exported } }),
    'tsconfig.build.json': JSON.stringify({ compilerOptions, typedocOptions, include: ['lib'] }),
    'lib/index.ts': '/** What there is. */\nexport const answer = 42;\n',
    'README.md': '# sound\n',
    LICENSE: 'MIT',
  };

  it('accept a sound tree', () => {
    const root = tree(sound);
    expect(api(root).violations).toEqual([]);
    expect(packed(root).violations).toEqual([]);
  });

  it('find an export without a comment', () => {
    const { violations } = api(tree({ ...sound, 'lib/index.ts': 'export const answer = 42;\n' }));
    expect(violations[0]).toMatch(/answer.* does not have any documentation/);
  });

  it('find types that are not found', () => {
    const hidden = { '.': { default: './dist/index.js', types: './dist/other.d.ts' } };
    const { violations } = packed(
      tree({ ...sound, 'package.json': JSON.stringify({ ...manifest, exports: hidden }), 'dist/other.d.ts': '' }),
    );
    expect(violations).toHaveLength(1);
  });
});

describe('planted', () => {
  const bug = { name: 'bug', file: 'native/core/store.cc', find: 'lock();', replace: '' };

  it('accepts a text that occurs once', () => {
    expect(planted(tree({ 'native/core/store.cc': 'lock(); unlock(1);' }), [bug]).violations).toEqual([]);
  });

  it.each([
    [0, 'block(1);'],
    [2, 'lock(); lock();'],
  ])('finds one that occurs %i times', (count, text) => {
    const { violations } = planted(tree({ 'native/core/store.cc': text }), [bug]);
    expect(violations).toEqual([`bug: its text occurs ${count} times in native/core/store.cc`]);
  });

  it('finds one whose text is not in what it is within', () => {
    const { violations } = planted(tree({ 'native/core/store.cc': 'lock(); free();' }), [
      { ...bug, within: 'free();' },
    ]);
    expect(violations).toEqual(['bug: its text occurs 0 times in what it is within']);
  });

  it('finds two of which each has a part of the other', () => {
    const other = { ...bug, name: 'other', find: '(); free' };
    const { violations } = planted(tree({ 'native/core/store.cc': 'lock(); free();' }), [bug, other]);
    expect(violations).toEqual(['other: its text begins within that of bug']);
  });
});

describe('switches', () => {
  const bug = { name: 'bug', file: 'file.cc' };
  const textWith = (text: string, ...bugs: { find: string; replace: string; within?: string }[]) =>
    withSwitches(text, new Map(bugs.map((parts, i) => [i + 1, { ...bug, ...parts }]))).replace(/\s+/g, ' ');

  it('are a choice of statements', () => {
    const text = textWith('a(); b(); c();', { find: 'b();', replace: 'd();' });
    expect(text).toBe('a(); { if (planted(1)) { d(); } else { b(); } } c();');
  });

  it('are a choice of expressions', () => {
    const text = textWith('if (a < b) c(a);', { within: 'a < b', find: 'a', replace: '0' });
    expect(text).toBe('if ((planted(1) ? (0) : (a)) < b) c(a);');
  });

  it('of one text ask one after the other, around those within it', () => {
    const text = textWith(
      'f(a);',
      { find: 'a', replace: '1' },
      { find: 'f(a);', replace: '' },
      { find: 'f(a);', replace: 'g();' },
    );
    const inner = '{ if (planted(3)) { g(); } else { f((planted(1) ? (1) : (a))); } }';
    expect(text).toBe(`{ if (planted(2)) { } else { ${inner} } }`);
  });
});
