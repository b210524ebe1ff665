/** Danger: README shows a result that the library does not give. */

import { readFileSync } from 'node:fs';
import { compileFunction } from 'node:vm';
import { afterEach, describe, expect, it } from 'vitest';
import { type Key, ShardMap } from '../../lib/index.js';
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

/** Of milliseconds that are left, some may have passed. */
function isAlmost(result: unknown, shown: unknown): boolean {
  return typeof result === 'number' && typeof shown === 'number' && shown >= 60_000 && result / shown > 0.5;
}

const maps: ShardMap<Key>[] = [];
afterEach(() => {
  for (const map of maps.splice(0)) map.close();
});

describe('README', () => {
  const programs = [...programsOf('Atomic updates'), ...programsOf('Entries that expire')];

  it.each(programs.map((program) => [program.split('\n').findLast((line) => line !== ''), program]))(
    'shows what is returned: … %s',
    (_, program) => {
      const results: unknown[] = [];
      const expected: unknown[] = [];
      const check = (result: unknown, shown: unknown): void => {
        results.push(isAlmost(result, shown) ? shown : result);
        expected.push(shown);
      };
      class Closable extends ShardMap<Key> {
        constructor(...given: ConstructorParameters<typeof ShardMap<Key>>) {
          super(...given);
          maps.push(this);
        }
      }
      compileFunction(withChecks(program as string), ['ShardMap', 'SyncMap', 'check'])(Closable, SyncMap, check);
      expect(results).toEqual(expected);
      expect(results.length).toBe((program as string).match(/ \/\/ /g)?.length);
    },
  );

  it('has examples of atomic updates and of expiry', () => expect(programs).toHaveLength(3));
});
