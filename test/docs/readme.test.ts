/** Danger: README shows a result that the library does not give. */

import { readFileSync } from 'node:fs';
import { compileFunction } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { ShardMap } from '../../lib/index.js';
import { SyncMap } from '../../lib/sync-map.js';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** The JavaScript of a section. */
function programsOf(heading: string): string[] {
  const section = readme.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^```js\n(.*?)^```$/gms)].map(([, program = '']) => program);
}

/** Makes a program compare each line's value with the comment behind it, up to the colon if there is one. */
function withChecks(program: string): string {
  return program.replace(/^import .*$/gm, '').replace(/^(\S.*); \/\/ (.*?)(?:: .*)?$/gm, 'check($1, $2);');
}

describe('README', () => {
  const programs = programsOf('Atomic updates');

  it.each(programs.map((program) => [program.split('\n').findLast((line) => line !== ''), program]))(
    'shows what is returned: … %s',
    (_, program) => {
      const results: unknown[] = [];
      const expected: unknown[] = [];
      const check = (result: unknown, shown: unknown): void => {
        results.push(result);
        expected.push(shown);
      };
      compileFunction(withChecks(program as string), ['ShardMap', 'SyncMap', 'check'])(ShardMap, SyncMap, check);
      expect(results).toEqual(expected);
      expect(results.length).toBe((program as string).match(/ \/\/ /g)?.length);
    },
  );

  it('has examples of atomic updates', () => expect(programs).toHaveLength(2));
});
