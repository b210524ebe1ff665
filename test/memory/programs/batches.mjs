// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// Uses batches as often as the first argument says, those that fail too, and reports how much memory that left behind.
import { ShardMap } from '../../../dist/index.js';
import { reportGrowth } from './growth.mjs';

const count = Number(process.argv[2]);
const SIZE = 600;
const map = new ShardMap();
const keys = Array.from({ length: SIZE }, (_, index) => (index % 5 === 0 ? ['pair', index] : `key ${index}`));
const values = [1, 'text '.repeat(100), { an: 'object' }, new Uint8Array(300)];
const LONG = 'k'.repeat(100_000);

function attempt(run) {
  try {
    run();
  } catch (error) {
    if (error.code !== 'ERR_SHARDMAP_INVALID_KEY') throw error;
  }
}

const patterns = {
  'batches that are done': (step) => {
    map.setMany(keys.map((key, index) => [key, values[(index + step) % 4]]));
    if (map.getMany(keys)[step % SIZE] === undefined) throw new Error('an entry is missing');
    map.hasMany(keys);
    map.deleteMany(keys);
  },
  'batches that fail': () => {
    const bad = [...keys, LONG, new Uint8Array(1)];
    attempt(() => map.setMany([...bad.map((key) => [key, { an: 'object' }]), [{}, 1]]));
    for (const method of ['getMany', 'hasMany', 'deleteMany']) attempt(() => map[method]([...bad, {}]));
  },
};

reportGrowth(map, patterns, [count, count]);
