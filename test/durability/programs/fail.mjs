// Runs where files may have only so many bytes: fills the map until its log fails, and says what each step came to.
import { subscribe } from 'node:diagnostics_channel';
import { ShardMap } from '../../../dist/index.js';

const [dir = ''] = process.argv.slice(2);
const map = /** @type {ShardMap<string, string>} */ (await ShardMap.open({ dir, fsync: 'never' }));
const errors = /** @type {string[]} */ ([]);
const note = (/** @type {unknown} */ error) => errors.push(/** @type {{ code: string }} */ (error).code);
const published = /** @type {string[]} */ ([]);
subscribe('shardmap:log:error', (message) => {
  const { error } = /** @type {{ error: { code: string } }} */ (message);
  published.push(error.code);
});
map.on('error', note);

map.set('first', 'value');
await map.flush();
let refused;
for (let i = 0; refused === undefined && i < 10_000; i++) {
  try {
    map.set('filler', 'x'.repeat(1000));
    await map.flush();
  } catch (error) {
    refused = /** @type {{ code: string }} */ (error).code;
  }
}
await new Promise((resolve) => setTimeout(resolve, 50));
const failed = { ...map.stats().log, refused, errors: [...errors], read: map.get('first') };
let write;
try {
  map.set('second', 'refused');
} catch (error) {
  write = /** @type {{ code: string }} */ (error).code;
}
await map.compact();
map.set('second', 'value');
await map.flush();
const { state } = map.stats().log ?? {};
map.close();
process.stdout.write(JSON.stringify({ failed, write, state, errors, published }));
