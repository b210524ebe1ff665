// The load of several threads: a fixed time after a common start and a warm-up, operations counted by each worker.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

const WARM_UP_SECONDS = 0.2;

/** @typedef {{ kind: 'shared' | 'own', readShare: number, seconds: number }} Load */
/** @typedef {{ perSecond: number, cpuShare: number }} Rate operations, and how much of a core for each worker the process got meanwhile */
/** @typedef {{ load: Load & { warmUpSeconds: number }, workers: number, seed: number }} Order */

export class Crew {
  #workers;
  #orders = 0;

  /** @param {Worker[]} workers */
  constructor(workers) {
    this.#workers = workers;
  }

  /**
   * Starts the workers and waits until each has its keys and its maps.
   *
   * @param {number} count
   * @param {{ handle: import('shardmap').ShardMapHandle, entries: number }} setup
   */
  static async start(count, setup) {
    const meeting = new Int32Array(new SharedArrayBuffer(8));
    const workers = Array.from({ length: count }, (_, worker) => {
      const workerData = { ...setup, worker, meeting };
      return new Worker(new URL('./crew-worker.mjs', import.meta.url), { workerData });
    });
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    return new Crew(workers);
  }

  /**
   * Lets the first `workers` of the crew do the load at the same time. Returns their rate, all together.
   *
   * @param {number} workers
   * @param {Load} load
   * @returns {Promise<Rate>}
   */
  async run(workers, load) {
    /** @type {Order} */
    const order = { load: { ...load, warmUpSeconds: WARM_UP_SECONDS }, workers, seed: this.#orders++ };
    /** @type {Rate[]} */
    const rates = await Promise.all(
      this.#workers.slice(0, workers).map(async (worker) => {
        worker.postMessage(order);
        const [rate] = await once(worker, 'message');
        return rate;
      }),
    );
    return {
      perSecond: rates.reduce((total, rate) => total + rate.perSecond, 0),
      cpuShare: Math.min(...rates.map((rate) => rate.cpuShare)),
    };
  }

  async stop() {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}
