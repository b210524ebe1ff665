// A process that writes to a durable map is killed in the middle of it; what is in the directory then is held against
// what it did.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ShardMap } from 'shardmap';
import { CheckError, expectSame } from './cities-check.mjs';
import { count, showDone, showPart, showRunning } from './cities-report.mjs';
import { digestOf, partOf } from './cities-source.mjs';
import { checkPrefix } from './cities-steps.mjs';

const STORM = fileURLToPath(new URL('./cities-storm.mjs', import.meta.url));
const STORM_MS = 1000;

/** Kills a storm of writes to the directory, which holds the cities, and checks what is left. */
export async function checkKill(dir, cities, threads) {
  showPart('killed in the middle of it');
  const { contents: before } = await reopen(dir, (map) => new Map(map));
  const codes = cities.map((city) => city.code);
  const parts = Array.from({ length: threads }, (_, thread) => partOf(codes, thread, threads));

  showRunning('storm');
  const { acknowledged, flushes } = await storm(dir, threads);
  showDone('storm', `${threads} threads wrote, and heard of ${count(flushes)} flushes, when they were killed`);

  showRunning('reopen');
  const killed = await reopen(dir, (map) => ({
    ...checkPrefix(map, before, parts, acknowledged),
    digest: digestOf(map),
  }));
  showDone('reopen', describeReopened(killed), killed);
  const { steps, seen, flushed, digest } = killed.contents;
  showDone(
    'check',
    `a prefix: ${count(steps)} steps of ${threads} threads, none missing of ${count(flushed)} that were flushed`,
  );
  showDone('check', `nor any of ${count(seen)} steps that another thread had seen and told of`);

  showRunning('compact');
  const startMs = performance.now();
  await reopen(dir, (map) => map.compact());
  const seconds = (performance.now() - startMs) / 1000;
  showDone('compact', `opened, and the log of ${megabytes(killed.bytes)} made ${megabytes(bytesIn(dir))}`, { seconds });
  showRunning('reopen');
  const compacted = await reopen(dir, digestOf);
  expectSame('after the compaction, the contents', compacted.contents.contents, digest.contents);
  expectSame('after the compaction, their order', compacted.contents.order, digest.order);
  showDone('reopen', describeReopened(compacted), compacted);
}

/** Opens what is in a directory, reads it, and closes it again. Tells how long the opening took. */
export async function reopen(dir, read) {
  const bytes = bytesIn(dir);
  const startMs = performance.now();
  const map = await ShardMap.open({ dir });
  const seconds = (performance.now() - startMs) / 1000;
  try {
    return { contents: await read(map), bytes, entries: map.size, seconds, perSecond: map.size / seconds };
  } finally {
    map.close();
  }
}

/** Returns the last step of each thread that was flushed when all of them were killed. */
async function storm(dir, threads) {
  const child = spawn(process.execPath, [STORM, dir, threads], { stdio: ['ignore', 'pipe', 'inherit'] });
  const acknowledged = Array.from({ length: threads }, () => 0);
  let flushes = 0;
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    const [thread, step] = line.split(' ').map(Number);
    acknowledged[thread] = step;
    flushes++;
  });
  const ended = once(child, 'close').then(([code, signal]) => {
    if (signal !== 'SIGKILL') throw new CheckError(`the storm ended by itself, with exit code ${code}`);
  });
  await Promise.race([once(lines, 'line'), ended]);
  await Promise.race([setTimeout(STORM_MS * (1 + Math.random() / 2)), ended]);
  child.kill('SIGKILL');
  await ended;
  return { acknowledged, flushes };
}

function describeReopened({ entries, bytes, seconds }) {
  return `${count(entries)} entries, ${megabytes(bytes)}, ${(bytes / 1e6 / seconds).toFixed(0)} MB/s`;
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

function bytesIn(dir) {
  return readdirSync(dir).reduce((total, name) => total + statSync(path.join(dir, name)).size, 0);
}
