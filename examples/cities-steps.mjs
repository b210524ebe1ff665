// What each thread of cities-storm.mjs writes, step by step, and what may be left of it after its process was killed: of
// each thread a prefix, and of all threads together one as well.
import { CheckError, expectSame } from './cities-check.mjs';
import { createRandom, populationKey } from './cities-source.mjs';

const stepKey = (thread, step) => `step:${thread}:${step}`;
const lastKey = (thread) => `last:${thread}`;

/** The cities that a thread goes through, of its own: who writes and who checks draw the same. */
function drawCities(thread, ownCodes) {
  const random = createRandom(thread);
  return () => ownCodes[random() % ownCodes.length];
}

/**
 * A function that does a thread's next step. With it the thread writes down which step of another it has seen: where
 * this write is left, that step must be.
 */
export function createSteps(map, thread, threads, ownCodes) {
  const draw = drawCities(thread, ownCodes);
  let step = 0;
  return () => {
    step++;
    const code = draw();
    const other = (thread + step) % threads;
    const seen = map.get(lastKey(other)) ?? 0;
    map.set(stepKey(thread, step), { code, other, seen });
    map.increment(populationKey(code));
    map.set(lastKey(thread), step);
    return step;
  };
}

/**
 * Finds out whether what is in `map` is a prefix, with all that was acknowledged.
 *
 * @param {Iterable<[string, unknown]>} map what was recovered
 * @param {Map<string, unknown>} before what was there before the storm
 * @param {string[][]} codes of each thread
 * @param {number[]} acknowledged the last step of each thread that it was told to be flushed
 * @returns {{ steps: number, seen: number, flushed: number }} of all threads: steps that are left, how many of them saw one of
 *   another thread, steps that had to be left
 */
export function checkPrefix(map, before, codes, acknowledged) {
  const { steps, others } = readSteps(map, codes.length);
  const lasts = codes.map((_, thread) => others.get(lastKey(thread)) ?? 0);
  const expected = new Map(before);
  let seen = 0;
  for (const [thread, own] of steps.entries()) {
    const last = lasts[thread];
    if (last > 0) expected.set(lastKey(thread), last);
    if (last !== own.length)
      expectSame(`thread ${thread}: steps that are there, of which the last is half`, own.length, last + 1);
    if (last < acknowledged[thread]) {
      throw new CheckError(`thread ${thread}: found ${last} steps, and ${acknowledged[thread]} were flushed`);
    }
    seen += checkSeen(thread, own, lasts);
    addVisits(
      expected,
      thread,
      own.map(({ code }) => code),
      codes[thread],
      { last, others },
    );
  }
  for (const [key, value] of expected) expectSame(`after the kill, ${key}`, others.get(key), value);
  expectSame('after the kill, entries that are no steps', others.size, expected.size);
  const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
  return { steps: sum(steps.map((own) => own.length)), seen, flushed: sum(acknowledged) };
}

/** The steps of each thread, which must be there from the first on, in their order and without a hole; and all else. */
function readSteps(map, threads) {
  const steps = Array.from({ length: threads }, () => []);
  const others = new Map();
  for (const [key, value] of map) {
    if (!key.startsWith('step:')) {
      others.set(key, value);
      continue;
    }
    const thread = Number(key.split(':')[1]);
    expectSame(
      `thread ${thread}: the step behind step ${steps[thread].length}`,
      key,
      stepKey(thread, steps[thread].length + 1),
    );
    steps[thread].push(value);
  }
  return { steps, others };
}

/** What a thread had seen of others must be there too. Returns how many of its steps had seen something. */
function checkSeen(thread, steps, lasts) {
  let count = 0;
  for (const [index, { other, seen }] of steps.entries()) {
    if (seen > lasts[other]) {
      const what = `step ${seen} of thread ${other}, of which ${lasts[other]} are there`;
      throw new CheckError(`thread ${thread}: its step ${index + 1} is there, and had seen ${what}`);
    }
    if (other !== thread && seen > 0) count++;
  }
  return count;
}

/** Adds to `expected` what a thread's steps incremented. Its last one may have come to that, or not. */
function addVisits(expected, thread, found, ownCodes, { last, others }) {
  const draw = drawCities(thread, ownCodes);
  for (const [index, code] of found.entries()) {
    expectSame(`thread ${thread}: the city of step ${index + 1}`, code, draw());
    const key = populationKey(code);
    const next = expected.get(key) + 1;
    if (index < last || others.get(key) === next) expected.set(key, next);
  }
}
