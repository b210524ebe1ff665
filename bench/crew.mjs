// The load of several threads: a fixed time after a common start and a warm-up, operations counted by each worker.
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { areEnough, leastDisturbed } from './disturbance.mjs';
import { Latencies } from './latencies.mjs';
import { changesSize } from './mix.mjs';
import { takeTurns } from './pairs.mjs';
import { loadStore } from './stores.mjs';
import { freshKey, KEY_CHARS, keyBytes, OWN_KEYS } from './workload.mjs';

const WARM_UP_SECONDS = 0.2;
const RESHARDS_AFTER_MS = 50;
const ATTEMPTS_PER_ROUND = 3;

/** @typedef {import('./mix.mjs').Load} Load */
/**
 * @typedef {object} Side
 * @property {string} store
 * @property {Record<string, unknown>} [options] of the store
 * @property {number} workers
 * @property {Load} load
 * @property {number} [pacePerSecond] operations of each worker, for latencies; without it, as many as it can
 * @property {number} [reshardTo] so many shards the store gets while the load is under way
 */
/**
 * Operations of all workers; the least part of a core that one of them had meanwhile.
 *
 * @typedef {{ perSecond: number, cpuShare: number, reads?: Latencies, writes?: Latencies, reshardMs?: number | undefined }} Rate
 */
/** @typedef {{ handle: unknown, store: string, load: Load }} Attach */
/**
 * @typedef {object} Run
 * @property {number} workers
 * @property {Load} load
 * @property {number} seed
 * @property {number} warmUpSeconds
 * @property {number} seconds
 * @property {number | undefined} pacePerSecond
 */
/**
 * To a worker, of the store `id`: attach to it, run a load on it, or else let go of it.
 *
 * @typedef {{ id: string, attach?: Attach, run?: Run }} Order
 */
/** @typedef {import('./latencies.mjs').Counted} Counted */
/** @typedef {{ perSecond: number, cpuShare: number, reads?: Counted, writes?: Counted }} WorkerRate */

export class Crew {
  #workers;
  #bytes;
  #runs = 0;
  /** @type {Map<string, import('./stores.mjs').Opened>} */
  #opened = new Map();

  /**
   * @param {Worker[]} workers
   * @param {Buffer} bytes
   */
  constructor(workers, bytes) {
    this.#workers = workers;
    this.#bytes = bytes;
  }

  /**
   * Starts the workers, which have `shared` keys in common and, where `hasOwnKeys`, others for each.
   *
   * @param {number} count
   * @param {{ shared: number, hasOwnKeys?: boolean }} keys
   */
  static async start(count, { shared, hasOwnKeys = false }) {
    const keys = shared + (hasOwnKeys ? count * OWN_KEYS : 0);
    const memory = new SharedArrayBuffer(keys * KEY_CHARS);
    const bytes = Buffer.from(memory);
    bytes.set(keyBytes(keys));
    const meeting = new Int32Array(new SharedArrayBuffer(8));
    const workers = Array.from({ length: count }, (_, worker) => {
      const workerData = { worker, memory, meeting };
      // Room for new objects, so that their collection does not stop a worker in the middle of many of its measured
      // operations.
      const resourceLimits = { maxYoungGenerationSizeMb: 64 };
      return new Worker(new URL('./crew-worker.mjs', import.meta.url), { workerData, resourceLimits });
    });
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    return new Crew(workers, bytes);
  }

  /**
   * Lets `side` do its load for `seconds`. A store whose size the load changes is made anew each time; others are kept.
   *
   * @param {Side} side
   * @param {number} seconds
   * @returns {Promise<Rate>}
   */
  async run(side, seconds) {
    const { workers, load, pacePerSecond, reshardTo } = side;
    const isNew = changesSize(load.mix) || reshardTo !== undefined;
    const id = await this.#open(side);
    const warmUpSeconds = isNew ? 0 : Math.min(seconds, WARM_UP_SECONDS);
    /** @type {Run} */
    const run = { workers, load, seed: this.#runs++, warmUpSeconds, seconds, pacePerSecond };
    const answers = this.#workers.slice(0, workers).map((worker) => ask(worker, { id, run }));
    const resharding = reshardTo === undefined ? undefined : this.#reshard(id, reshardTo);
    /** @type {WorkerRate[]} */
    const rates = await Promise.all(answers);
    const reshardMs = await resharding;
    if (isNew) await this.#close(id);
    const merge = (/** @type {'reads' | 'writes'} */ kind) =>
      Latencies.merge(rates.flatMap((rate) => rate[kind] ?? []));
    return {
      perSecond: rates.reduce((total, rate) => total + rate.perSecond, 0),
      cpuShare: Math.min(...rates.map((rate) => rate.cpuShare)),
      reads: merge('reads'),
      writes: merge('writes'),
      reshardMs,
    };
  }

  /**
   * Shortly after the load began. Returns how many milliseconds it took.
   *
   * @param {string} id
   * @param {number} shards
   */
  async #reshard(id, shards) {
    await setTimeout(RESHARDS_AFTER_MS);
    const startMs = performance.now();
    await this.#opened.get(id)?.reshard?.(shards);
    return performance.now() - startMs;
  }

  /**
   * Lets sides take turns, round by round. A note says so where rounds count in which a worker did not have its core to
   * itself.
   *
   * @param {Side[]} sides
   * @param {import('./run.mjs').Options} options
   */
  async compare(sides, { rounds, secondsPerSide }) {
    /** @type {Rate[][]} */
    const attempts = [];
    const shareOf = (/** @type {Rate[]} */ rates) => Math.min(...rates.map((rate) => rate.cpuShare));
    const turns = sides.map((side) => () => this.run(side, secondsPerSide));
    await takeTurns(turns, 0);
    while (!areEnough(attempts, shareOf, rounds) && attempts.length < ATTEMPTS_PER_ROUND * rounds) {
      attempts.push(await takeTurns(turns, attempts.length));
    }
    return leastDisturbed(attempts, shareOf, rounds);
  }

  /** Closes the stores that were kept. */
  async closeStores() {
    for (const id of this.#opened.keys()) await this.#close(id);
  }

  async stop() {
    await this.closeStores();
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  /**
   * @param {Side} side
   * @returns {Promise<string>} of the store, here and in the workers
   */
  async #open({ store, options = {}, workers, load, reshardTo }) {
    const id = JSON.stringify([store, options, reshardTo, load.shared, load.own, load.own > 0 ? workers : 0]);
    let opened = this.#opened.get(id);
    if (opened !== undefined) return id;
    const fill = (/** @type {(key: string, value: number) => unknown} */ set) => {
      for (let number = 0; number < load.shared; number++) set(freshKey(this.#bytes, number), number);
      for (let worker = 0; worker < workers; worker++) {
        const first = load.shared + worker * OWN_KEYS;
        for (let number = first; number < first + load.own; number++) set(freshKey(this.#bytes, number), number);
      }
    };
    opened = await (await loadStore(store)).open(fill, options);
    this.#opened.set(id, opened);
    const { ticket } = opened;
    await Promise.all(
      this.#workers.map((worker, index) => {
        const { handle, transfer } = ticket(index);
        return ask(worker, { id, attach: { handle, store, load } }, transfer);
      }),
    );
    return id;
  }

  /** @param {string} id */
  async #close(id) {
    await Promise.all(this.#workers.map((worker) => ask(worker, { id })));
    await this.#opened.get(id)?.close();
    this.#opened.delete(id);
  }
}

/**
 * @param {Worker} worker
 * @param {Order} order
 * @param {import('node:worker_threads').Transferable[]} [transfer]
 */
async function ask(worker, order, transfer) {
  worker.postMessage(order, transfer);
  const [answer] = await once(worker, 'message');
  return answer;
}
