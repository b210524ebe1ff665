/**
 * Danger: README or a guide shows a program that does not run, a result that the library does not give, or a command that
 * there is not. Each block of code of each page is run; how is told in page.ts.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { blocksOf, claimsOf, programsOf, runProgram } from './page.js';

const GUIDES = readdirSync(new URL('../../docs/guides/', import.meta.url)).map((name) => `docs/guides/${name}`);
const PAGES = ['README.md', 'docs/coming-from.md', 'docs/faq.md', ...GUIDES];

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  scripts: Record<string, string>;
};

/** The commands of a page's shell, without comments. */
function commandsOf(page: string): string[] {
  const blocks = blocksOf(page).filter(({ language }) => language === 'sh');
  return blocks.flatMap(({ text }) => text.split('\n').map((line) => line.replace(/ *#.*$/, ''))).filter(Boolean);
}

describe.each(PAGES)('%s', (page) => {
  it.each(programsOf(page).map((program) => [program.line, program] as const))(
    'shows a program in line %i that runs, and what is returned',
    (_, program) => runProgram(program),
  );

  it('has code of known languages only, and commands that there are', () => {
    const languages = new Set(blocksOf(page).map(({ language }) => language));
    expect([...languages].filter((language) => !['js', 'sh', 'text'].includes(language))).toEqual([]);
    for (const command of commandsOf(page)) {
      const [, script] = /^npm (?:run )?([\w:]+)/.exec(command) ?? [];
      expect(['ci', 'install', 'pack', ...Object.keys(manifest.scripts)], command).toContain(script);
    }
  });
});

describe('a program', () => {
  const program = (text: string) => ({ language: 'js', text, line: 1, files: [] });

  it.each([
    ["new ShardMap([['a', 1]]).get('a'); // 1: one", 1],
    ["new ShardMap([['a', { b: 1 }]]).get('a'); // { b: 1 }: an object", 1],
    ["console.log(new ShardMap([['a', 1]]).get('a')); // 1", 1],
    ["const map = new ShardMap([['a', 1]]); // 2 are too many", 0],
  ])('that is right is found so: %s', async (text, claims) => {
    await runProgram(program(text));
    expect(claimsOf(program(text))).toBe(claims);
  });

  it.each([
    ["new ShardMap([['a', 1]]).get('a'); // 2", '1 !== 2'],
    ["console.log(new ShardMap([['a', 1]]).get('a')); // 2", 'not printed: 2'],
    ["const get = () =>\n  new ShardMap().get('a'); // 2", '1 claims were made, 0 checked'],
    ["new ShardMap().fetch('a');", 'fetch is not a function'],
  ])('that is wrong is found so: %s', async (text, message) => {
    await expect(runProgram(program(text))).rejects.toThrow(message);
  });
});

it('README and the guides claim what is checked', () => {
  const claims = PAGES.map((page) => [page, programsOf(page).reduce((sum, each) => sum + claimsOf(each), 0)] as const);
  expect(claims.filter(([page, count]) => count === 0 && page !== 'docs/coming-from.md')).toEqual([]);
});
