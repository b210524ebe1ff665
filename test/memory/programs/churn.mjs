// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// Sets and deletes entries as often as the first argument says, and reports how much memory that left behind.
import { ShardMap } from '../../../dist/index.js';
import { reportGrowth } from './growth.mjs';

const count = Number(process.argv[2]);
const WINDOW = 1000;
const map = new ShardMap();

const patterns = {
  // Each key is new, and goes when a thousand newer ones are there.
  'new keys': (step) => {
    map.set(`key ${step}`, step);
    map.delete(`key ${step - WINDOW}`);
  },
  // The same keys again and again.
  'same keys': (step) => {
    map.set(step % WINDOW, step);
    map.delete((step * 7) % WINDOW);
  },
  // Values of all sizes, in the entry and outside of it.
  'all sizes': (step) => {
    map.set(step % WINDOW, texts[(step * 31) % texts.length]);
    if (step % 2 === 1) map.delete((step * 11) % WINDOW);
  },
};
const texts = Array.from({ length: 64 }, (_, index) => 'x'.repeat(Math.floor(1.14 ** index)));

reportGrowth(map, patterns, [Math.min(count / 3, 1_000_000), count / 3]);
