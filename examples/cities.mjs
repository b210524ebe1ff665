// `npm start`: the cities of the world in one durable map that several threads load, read, count and update at once, checked at
// every step; and the same work with a Map in each thread that is kept equal to the others by messages. At its end a
// process that writes to the map is killed, and what is left is held against what it did.
//
// Options: --threads (or CITIES_THREADS; by default as many as cores, at least 2), --operations of each thread, --rounds;
// --dir, a new directory that is kept, or --memory, for a map that is in memory only.
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ShardMap } from 'shardmap';
import { CheckError, expectSame } from './cities-check.mjs';
import { COPIED, Crew, SHARED } from './cities-crew.mjs';
import { checkKill, reopen } from './cities-kill.mjs';
import { count, showDone, showRound, showRoundDone, showRunning, showStart, showTable } from './cities-report.mjs';
import { countryKey, countryTotals, digestOf, expectedResults, findMisplaced, readCities } from './cities-source.mjs';

const COUNTRIES_SHOWN = 3;

/** One round with one kind of map. Returns its figures. */
async function runRound(crew, where, expected) {
  const figures = {};
  const run = async (phase, describe) => {
    showRunning(phase);
    const outcome = await crew.run(phase);
    showDone(phase, describe(count(outcome.operations)), outcome);
    figures[phase] = outcome.perSecond;
    return outcome.results;
  };

  const bytesBefore = await bytesUsed(crew);
  await run('load', (entries) => `${entries} entries, each thread its part of them`);
  figures.bytesPerEntry = ((await bytesUsed(crew)) - bytesBefore) / expected.entriesLoaded;
  await checkContents(crew, `${where}, after the load`, expected.loaded);

  const totals = await run('read', (reads) => `${reads} populations of any city, each by a fresh key`);
  totals.forEach((total, thread) => {
    expectSame(`${where}, thread ${thread}: the sum of the populations read`, total, expected.readTotals[thread]);
  });
  await run('count', (visited) => `${visited} entries visited, people added up by country`);
  await run('mixed', (operations) => `${operations} populations read (95 %) or incremented (5 %)`);
  await checkContents(crew, `${where}, after the updates`, expected.updated);
  return figures;
}

/** Every thread iterates over its map: all must find what the source says, and in a shared map all in the same order. */
async function checkContents(crew, where, contents) {
  showRunning('check');
  const { results } = await crew.run('digest');
  results.forEach((found, thread) => {
    expectSame(`${where}, thread ${thread}: the contents`, found.contents, contents);
    if (crew.map) expectSame(`${where}, thread ${thread}: the order of the contents`, found.order, results[0].order);
  });
  showDone('check', `every thread sees what the source says: ${contents}${crew.map ? '; and in one order' : ''}`);
}

/** What the threads made is in the directory, when all of them have ended. Returns how many entries a second came back. */
async function checkReopened(dir, where, cities, { threads }, expected) {
  showRunning('reopen');
  const reopened = await reopen(dir, (map) => {
    expectSame(`${where}, opened again: the contents`, digestOf(map).contents, expected.updated);
    const misplaced = findMisplaced(map.keys(), cities, threads);
    if (misplaced !== undefined) throw new CheckError(`${where}, opened again: ${misplaced} is out of order`);
  });
  showDone('reopen', `${count(reopened.entries)} entries are back, those of each thread in order`, reopened);
  return reopened.perSecond;
}

/** The store of a shared map is outside of V8's heaps; Maps are in those of the workers. */
async function bytesUsed(crew) {
  const { results } = await crew.run('heap');
  return results.reduce((total, bytes) => total + bytes, crew.map?.stats().bytesTotal ?? 0);
}

/** A glance at the shared map from the main thread, which wrote none of it. */
function look(map, cities) {
  const totals = [...countryTotals(cities).keys()].map((country) => [country, map.get(countryKey(country))]);
  const most = totals.sort(([, a], [, b]) => b - a).slice(0, COUNTRIES_SHOWN);
  const people = most.map(([country, total]) => `${country} ${count(total)}`).join(', ');
  showDone('look', `the main thread finds most people in the cities of ${people}`);
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      threads: { type: 'string' },
      operations: { type: 'string' },
      rounds: { type: 'string' },
      dir: { type: 'string' },
      memory: { type: 'boolean', default: false },
    },
  });
  if (values.memory && values.dir !== undefined) throw new CheckError('--memory keeps nothing in a --dir');
  const threadsByDefault = Math.max(2, os.availableParallelism());
  return {
    threads: wholeNumber('threads', values.threads ?? process.env.CITIES_THREADS, threadsByDefault),
    operations: wholeNumber('operations', values.operations, 300_000),
    rounds: wholeNumber('rounds', values.rounds, 5),
    dir: values.dir,
    memory: values.memory,
  };
}

/** A directory for the map, empty; its files are removed between rounds. */
function createDirectory({ dir }) {
  if (dir === undefined) return mkdtempSync(path.join(os.tmpdir(), 'shardmap-cities-'));
  mkdirSync(dir, { recursive: true });
  if (readdirSync(dir).length > 0) throw new CheckError(`--dir must be new or empty, and ${dir} is not`);
  return dir;
}

function wholeNumber(name, text, otherwise) {
  if (text === undefined) return otherwise;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new CheckError(`--${name} must be a whole number from 1, and is '${text}'`);
}

/** One round with both kinds of map; `dir` is where the shared one is kept, or undefined. */
async function runKinds(round, cities, dir, options, expected) {
  const figures = {};
  for (const kind of [SHARED, COPIED]) {
    showRound(round, kind);
    const where = `round ${round}, ${kind}`;
    const map = kind === SHARED ? await openShared(dir) : undefined;
    const crew = new Crew(map, cities, options);
    try {
      figures[kind] = await runRound(crew, where, expected);
      if (map) look(map, cities);
    } finally {
      await crew.stop();
    }
    if (map && dir) figures[kind].reopen = await checkReopened(dir, where, cities, options, expected);
    showRoundDone(figures[kind]);
  }
  return figures;
}

function openShared(dir) {
  if (dir === undefined) return new ShardMap();
  for (const name of readdirSync(dir)) rmSync(path.join(dir, name)); // of the round before
  return ShardMap.open({ dir });
}

async function main() {
  const options = readOptions();
  const dir = options.memory ? undefined : createDirectory(options);
  try {
    const cities = readCities();
    showStart(cities, options);
    const expected = expectedResults(cities, options);
    const rounds = [];
    for (let round = 1; round <= options.rounds; round++) {
      rounds.push(await runKinds(round, cities, dir, options, expected));
    }
    if (dir) await checkKill(dir, cities, options.threads);
    showTable(rounds, expected.entries, options.threads);
  } finally {
    if (dir && !options.dir) rmSync(dir, { recursive: true });
  }
}

try {
  await main();
} catch (error) {
  console.error(error instanceof CheckError ? `\nFAILED: ${error.message}` : error);
  process.exitCode = 1;
}
