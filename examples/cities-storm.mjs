// `node cities-storm.mjs DIR THREADS`: threads that write to the durable map in DIR for as long as their process is let
// live, and tell, a line for each flush, how far what they wrote is on the medium: `THREAD STEP`.
import { writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { ShardMap } from 'shardmap';
import { partOf, readCities } from './cities-source.mjs';
import { createSteps } from './cities-steps.mjs';

/** Between two looks at what else the thread has to do, such as to hear of a flush. */
const STEPS_AT_ONCE = 500;

if (isMainThread) {
  const [dir, threads] = [process.argv[2], Number(process.argv[3])];
  const codes = readCities().map(({ code }) => code);
  for (let thread = 0; thread < threads; thread++) {
    const ownCodes = partOf(codes, thread, threads);
    new Worker(new URL(import.meta.url), { workerData: { dir, thread, threads, ownCodes } });
  }
} else {
  await storm(workerData);
}

async function storm({ dir, thread, threads, ownCodes }) {
  const map = await ShardMap.open({ dir }); // the store that the other threads have open
  const doStep = createSteps(map, thread, threads, ownCodes);
  let isFlushing = false;
  for (;;) {
    let step = 0;
    for (let done = 0; done < STEPS_AT_ONCE; done++) step = doStep();
    if (!isFlushing) {
      isFlushing = true;
      map.flush().then(() => {
        writeSync(1, `${thread} ${step}\n`); // waits for nobody: what is told was flushed, whenever the process ends
        isFlushing = false;
      });
    }
    await setImmediate();
  }
}
