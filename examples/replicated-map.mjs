// What one does without a shared map: each thread holds a Map of its own, and posts what it changes to all the others.
import { receiveMessageOnPort } from 'node:worker_threads';

// Changes in one message. Posting each at once takes far longer, larger batches are no faster; the price is that others see a change later.
const BATCH_CHANGES = 256;

/** A Map that hands its changes on. Its other methods are those of Map, so the same program runs on it and on a ShardMap. */
export class ReplicatedMap extends Map {
  #peers;
  #changes = [];

  /** @param {import('node:worker_threads').MessagePort[]} peers one for each other thread */
  constructor(peers) {
    super();
    this.#peers = peers;
  }

  set(key, value) {
    super.set(key, value);
    this.#changes.push(key, value);
    if (this.#changes.length >= 2 * BATCH_CHANGES) {
      this.send();
      this.receive();
    }
    return this;
  }

  /** Posts the changes that have come together. */
  send() {
    if (this.#changes.length === 0) return;
    for (const peer of this.#peers) peer.postMessage(this.#changes);
    this.#changes = [];
  }

  /** Applies what the others have posted until now. */
  receive() {
    for (const peer of this.#peers) {
      for (let received = receiveMessageOnPort(peer); received; received = receiveMessageOnPort(peer)) {
        const changes = received.message;
        for (let index = 0; index < changes.length; index += 2) super.set(changes[index], changes[index + 1]);
      }
    }
  }
}
