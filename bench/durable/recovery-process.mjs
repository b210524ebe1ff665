// `node --expose-gc recovery-process.mjs make|open|snapshot DIR numbers|texts ENTRIES [compact]`: makes a store in a
// directory, opens it again, or makes one and a snapshot of it; prints what it found as JSON.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ShardMap } from 'shardmap';
import { freshKey, keyBytes } from '../workload.mjs';

const [task = '', dir = '', kind = '', entriesText, isCompacted] = process.argv.slice(2);
const entries = Number(entriesText);
const bytes = keyBytes(entries);
const valueAt =
  kind === 'numbers'
    ? (/** @type {number} */ index) => index
    : (/** @type {number} */ index) => String(index).padStart(100, 'value ');

/** @type {Record<string, () => Promise<object>>} */
const tasks = { make, open, snapshot };
console.log(JSON.stringify(await tasks[task]?.()));

async function make() {
  const map = await ShardMap.open({ dir, fsync: 'never' });
  fill(map);
  if (isCompacted) await map.compact();
  map.close();
  return {};
}

async function open() {
  globalThis.gc?.();
  // Reading alone comes first: the files then are in the kernel's memory for both.
  const read = await timed(() => readdirSync(dir).map((name) => readFileSync(path.join(dir, name)).length));
  const reference = new ShardMap();
  const set = await timed(() => fill(reference));
  reference.close(); // or it would be collected while the other is opened
  globalThis.gc?.();
  /** @type {ShardMap | undefined} */
  let map;
  const opened = await timed(async () => {
    map = await ShardMap.open({ dir, fsync: 'never' });
  });
  assert.equal(map?.size, entries);
  assert.equal(map.get(freshKey(bytes, entries - 1)), valueAt(entries - 1));
  map.close();
  return { opened, set, read };
}

/** What the process grows by at most while a snapshot is written, beyond what it has then. */
async function snapshot() {
  const map = await ShardMap.open({ dir, fsync: 'never' });
  fill(map);
  await map.flush();
  globalThis.gc?.();
  writeFileSync('/proc/self/clear_refs', '5'); // the peak begins anew
  const before = readStatus('VmHWM');
  await map.compact();
  const grownBytes = readStatus('VmHWM') - before;
  const storeBytes = map.stats().bytesTotal;
  map.close();
  return { grownBytes, storeBytes };
}

/** @param {ShardMap} map */
function fill(map) {
  for (let index = 0; index < entries; index++) map.set(freshKey(bytes, index), valueAt(index));
}

/** @param {() => unknown} work */
async function timed(work) {
  const [startMs, cpuBefore] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(cpuBefore);
  return { seconds: (performance.now() - startMs) / 1000, cpuSeconds: (user + system) / 1e6 };
}

/** @param {string} field in bytes */
function readStatus(field) {
  return 1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}
