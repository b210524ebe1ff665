/** Danger: somebody chooses a machine by the formula of docs/guides/sizing-memory.md, and the store takes more. */

import { readFileSync } from 'node:fs';
import { compileFunction } from 'node:vm';
import { afterEach, describe, expect, it } from 'vitest';
import { ShardMap } from '../../lib/index.js';

const COUNT = 20_000;

const page = readFileSync(new URL('../../docs/guides/sizing-memory.md', import.meta.url), 'utf8');
const [formula = ''] = /^const round = .*?^}$/ms.exec(page) ?? [];
const bytesOfEntry = compileFunction(`${formula}\nreturn bytesOfEntry;`)() as (
  keyBytes: number,
  valueBytes: number,
  hasDeadline?: boolean,
) => number;

let map: ShardMap<string, string>;
afterEach(() => map.close());

/** The figures of a map of such entries, by entry. */
function figuresOf(keyBytes: number, valueBytes: number, hasDeadline: boolean) {
  map = new ShardMap<string, string>(null, { shards: 16 });
  const options = hasDeadline ? { ttl: 3_600_000 } : undefined;
  const value = 'x'.repeat(valueBytes);
  for (let n = 0; n < COUNT; n++) map.set(String(n).padStart(keyBytes, '0'), value, options);
  const { bytesEntries, bytesBlobs, bytesIndex, bytesTotal } = map.stats();
  return { own: (bytesEntries + bytesBlobs) / COUNT, index: bytesIndex / COUNT, total: bytesTotal / COUNT };
}

describe('the formula', () => {
  it.each([8, 21, 255, 256, 1000])('tells what entries take, with keys of %i bytes', (keyBytes) => {
    for (const valueBytes of [0, 8, 9, 64, 65, 1000]) {
      for (const hasDeadline of [false, true]) {
        const { own, index, total } = figuresOf(keyBytes, valueBytes, hasDeadline);
        const expected = bytesOfEntry(keyBytes, valueBytes, hasDeadline);
        const what = `values of ${valueBytes} bytes, ${hasDeadline ? 'with' : 'without'} deadlines`;
        expect(own, what).toBe(expected);
        // While a table grows, there are two.
        expect(index, what).toBeLessThan(22 + 11);
        expect(total, what).toBeLessThan((expected + 21) * 1.2);
        map.close();
      }
    }
  });

  it('tells what characters beyond Latin-1 take', () => {
    map = new ShardMap<string, string>([['ключ'.repeat(10), 'значение'.repeat(100)]]);
    const { bytesEntries, bytesBlobs } = map.stats();
    expect(bytesEntries + bytesBlobs).toBe(bytesOfEntry(2 * 40, 2 * 800));
  });

  it('has shards of a third of a kilobyte', () => {
    map = new ShardMap<string, string>(null, { shards: 256 });
    expect(map.stats().bytesTotal / 256).toBeGreaterThan(250);
    expect(map.stats().bytesTotal / 256).toBeLessThan(400);
  });
});
