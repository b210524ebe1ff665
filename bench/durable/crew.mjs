// Threads that write to stores on the medium. Stores are opened in folders beside each other, so of one file system.
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { loadDurableStore } from './stores.mjs';

/** @typedef {import('./worker.mjs').Task} Task */
/**
 * Both give operations a second, of all workers that the store was opened for.
 *
 * @typedef {object} Opened
 * @property {() => Promise<number>} fill by the first of them
 * @property {(sets: import('./worker.mjs').Sets) => Promise<number>} set
 * @property {() => Promise<void>} close
 */

export class DurableCrew {
  #workers;
  #folder = mkdtempSync(path.join(os.tmpdir(), 'shardmap-bench-'));
  #opened = 0;

  /**
   * @param {number} count
   * @param {{ entries: number, value: string }} data the keys of each worker, and the value of all
   */
  constructor(count, data) {
    this.#workers = Array.from({ length: count }, (_, worker) => {
      return new Worker(new URL('./worker.mjs', import.meta.url), { workerData: { worker, ...data } });
    });
  }

  /**
   * Opens an empty store for the first `workers` of the crew.
   *
   * @param {string} store
   * @param {number} workers
   * @returns {Promise<Opened>}
   */
  async open(store, workers) {
    const folder = path.join(this.#folder, String(this.#opened++));
    mkdirSync(folder);
    const end = await (await loadDurableStore(store)).serve?.(folder);
    const close = async () => {
      await this.#tell(workers, folder, { close: true });
      await end?.();
      rmSync(folder, { recursive: true, force: true });
    };
    try {
      await this.#tell(workers, folder, { attach: store });
    } catch (error) {
      await close();
      throw error;
    }
    return {
      fill: () => this.#tell(1, folder, { fill: true }),
      set: (sets) => this.#tell(workers, folder, { sets }),
      close,
    };
  }

  async stop() {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /**
   * @param {number} workers
   * @param {string} folder
   * @param {Task} task
   */
  async #tell(workers, folder, task) {
    const answers = await Promise.all(
      this.#workers.slice(0, workers).map(async (worker) => {
        worker.postMessage({ folder, task });
        /** @type {import('./worker.mjs').Answer[]} */
        const [answer] = await once(worker, 'message');
        return /** @type {import('./worker.mjs').Answer} */ (answer);
      }),
    );
    return answers.reduce((sum, answer) => {
      if ('error' in answer) throw new Error(answer.error);
      return sum + answer.result;
    }, 0);
  }
}
