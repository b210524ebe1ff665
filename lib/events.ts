/**
 * What has happened to a store without anybody's call, on its way to the listeners of this thread's maps, and to the
 * subscribers of its diagnostic channels: entries that expired, and what a log did.
 *
 * The addon keeps entries, up to a bound, in a queue of each map that is listened to, and says when there are some. They are
 * taken from there some at a time, and the event loop runs in between; so it is the queue that grows where listeners are
 * slow, not this thread's heap, and it is the queue that drops what is too much. A map with listeners is kept from
 * garbage collection, one that is only subscribed to is not; but for `keepAlive` nothing here keeps the thread alive.
 */

import process from 'node:process';
import timers from 'node:timers';
import { type Codec, wrapList } from './codec.js';
import { channels, hasLogSubscribers, publish } from './diagnostics.js';
import { createArgumentError } from './errors.js';
import { addon, LOG_NEWS, LOG_NEWS_KINDS, type NativeStore, newsHook } from './native.js';
import { readOptions } from './options.js';

const { keepAlive, listen, listenToLog, reply, takeExpired, takeLogNews, unlisten, unlistenToLog } = addon;
const { apply } = Reflect;

/** Entries that wait for listeners of one map at most: those of 65 ms in which a million expire in a second. */
const QUEUE_ENTRIES_MAX = 65_536;
/** And the bytes of their keys and values: what a server can spare for a listener that hangs. */
const QUEUE_BYTES_MAX = 64 * 1024 * 1024;
/** Entries of one call of a listener: decoding them takes about a millisecond. */
const BATCH_ENTRIES = 1024;
/** Items of a list before its entries, and those of an entry. */
const HEAD_ITEMS = 1;
const ENTRY_ITEMS = 3;
const MapRef = WeakRef;
/** The next turn of the timers. */
const NEXT_TURN_MS = 1;

/** What a listener for `expire` is told beside the entries. */
export interface ExpireInfo {
  /** Why they are gone. */
  readonly reason: 'expired';
  /**
   * How many entries expired since the last call that this map's listeners are never told of: 65,536 of them, or 64 MiB of
   * keys and values, were waiting already.
   */
  readonly dropped: number;
}

/** Gets entries that have expired, each with the value that it had. */
export type ExpireListener<K, V> = (entries: [K, V][], info: ExpireInfo) => void;

/**
 * Gets what a listener for `expire`, or a codec, has thrown; and, of a map that is kept in a directory, why its log has
 * failed, or could not be made short.
 */
export type ErrorListener = (error: unknown) => void;

/** How a map is listened to. Options that are not listed here are refused. */
export interface ListenOptions {
  /** Whether the thread stays alive for as long as this listener is there, as it does for a server. Default: false. */
  readonly keepAlive?: boolean | undefined;
}

/** A listener that was added; the same function may be one several times. */
interface Listener {
  readonly call: (...args: never[]) => unknown;
  readonly keepsAlive: boolean;
  isOff: boolean;
}

/** Those of this thread for which the addon keeps news. */
const listening: MapEvents[] = [];
let listenersKeepingAlive = 0;
let isTurnPending = false;

/** Of a map that only has subscribers, and so is not kept. */
const collected = new FinalizationRegistry<() => void>((forget) => forget());

/** The events of one map, which is not closed: once it is, `end` was called, and nothing else is. */
export class MapEvents {
  readonly #map: WeakRef<object>;
  /** The map, while it has listeners. */
  #kept: object | undefined;
  readonly #slot: number;
  readonly #isDurable: boolean;
  readonly #codec: Codec;
  // Both are replaced when they change, so that a delivery that is under way goes on with those that it has.
  #listeners: readonly Listener[] = [];
  #errorListeners: readonly Listener[] = [];
  #isEnded = false;
  /** What the addon keeps for this, and its place among those for which it keeps something. */
  #hearsExpired = false;
  #hearsLog = false;
  #place = -1;

  constructor(map: object, { slot, isDurable }: NativeStore, codec: Codec) {
    this.#map = new MapRef(map);
    this.#slot = slot;
    this.#isDurable = isDurable;
    this.#codec = codec;
  }

  /** Validates what the user gave. */
  on(event: unknown, listener: unknown, options: unknown): void {
    const isForErrors = checkEvent(event, listener) === 'error';
    if (isForErrors && options !== undefined)
      throw createArgumentError("options of a listener for 'error'", 'undefined', options);
    const keepsAlive = resolveKeepAlive(readOptions(options, ['keepAlive']).keepAlive);
    const added: Listener = { call: listener as Listener['call'], keepsAlive, isOff: false };
    if (isForErrors) {
      if (this.#isDurable) this.#hearLog();
      this.#errorListeners = withAdded(this.#errorListeners, added);
    } else {
      this.#hearExpired();
      this.#listeners = withAdded(this.#listeners, added);
      if (keepsAlive && listenersKeepingAlive++ === 0) keepAlive(true);
    }
    this.settle();
  }

  /** Removes the latest of those that are this function, if there is one. */
  off(event: unknown, listener: unknown): void {
    if (checkEvent(event, listener) === 'error') this.#errorListeners = withoutLatest(this.#errorListeners, listener);
    else this.#listeners = withoutLatest(this.#listeners, listener);
    this.settle();
  }

  /** The map is closed: nobody is called any more, also of those to whom entries are being delivered right now. */
  end(): void {
    const listeners = this.#listeners;
    this.#isEnded = true;
    this.#errorListeners = [];
    this.#listeners = [];
    for (let index = 0; index < listeners.length; index++) remove(listeners[index] as Listener);
    this.settle();
  }

  /** Has the addon keep what somebody listens for, or subscribes to, and nothing else. */
  settle(): void {
    const isOpen = !this.#isEnded;
    const hasListeners = this.#listeners.length > 0;
    const hasLogListeners = this.#isDurable && this.#errorListeners.length > 0;
    const hearsExpired = isOpen && (hasListeners || channels.expire.hasSubscribers);
    const hearsLog = isOpen && this.#isDurable && (hasLogListeners || hasLogSubscribers());
    if (hearsExpired) this.#hearExpired();
    else if (this.#hearsExpired) unlisten(this.#slot);
    if (hearsLog) this.#hearLog();
    else if (this.#hearsLog) unlistenToLog(this.#slot);
    this.#hearsExpired = hearsExpired;
    this.#hearsLog = hearsLog;
    this.#kept = hasListeners || hasLogListeners ? this.#map.deref() : undefined;
    if (hearsExpired || hearsLog) this.#enlist();
    else this.#delist();
  }

  /** Delivers some of what waits; returns whether there may be more. */
  deliver(): boolean {
    const map = this.#kept ?? this.#map.deref();
    if (map === undefined) return false; // its slot may be another's
    this.settle(); // who subscribed may have gone
    if (this.#hearsLog) this.#tellLogNews(map);
    if (!this.#hearsExpired) return false; // or another listener has seen to that
    const listeners = this.#listeners;
    const list = this.#take();
    if (list === undefined) return true;
    const info: ExpireInfo = { reason: 'expired', dropped: reply[1] as number };
    const count = (list.length - HEAD_ITEMS) / ENTRY_ITEMS;
    if (count > 0 || info.dropped > 0) publish(channels.expire, { map, entries: count, dropped: info.dropped });
    const entries = this.#decode(list);
    const isNews = entries.length > 0 || info.dropped > 0;
    for (let index = 0; isNews && index < listeners.length; index++) {
      const listener = listeners[index] as Listener;
      if (!listener.isOff) this.#call(map, listener, [entries, info]);
    }
    return list.length > HEAD_ITEMS;
  }

  #tellLogNews(map: object): void {
    const news = takeLogNews(this.#slot);
    for (let first = 0; first < news.length; first += LOG_NEWS.items) {
      const at = (item: number): unknown => news[first + item];
      const error = at(LOG_NEWS.error);
      const logBytes = at(LOG_NEWS.logBytes);
      if (at(LOG_NEWS.kind) === LOG_NEWS_KINDS.compactionBegins) {
        publish(channels.compactionBegin, { map, logBytes });
      } else if (at(LOG_NEWS.kind) === LOG_NEWS_KINDS.compactionEnds) {
        const durationMs = at(LOG_NEWS.durationMs);
        const snapshotBytes = at(LOG_NEWS.snapshotBytes);
        publish(channels.compactionEnd, { map, logBytes, durationMs, snapshotBytes, error });
      } else {
        publish(channels.logError, { map, error });
        if (this.#errorListeners.length > 0) this.#tell(error);
      }
    }
  }

  #hearExpired(): void {
    if (!this.#hearsExpired) listen(this.#slot, QUEUE_ENTRIES_MAX, QUEUE_BYTES_MAX);
    this.#hearsExpired = true;
  }

  #hearLog(): void {
    if (!this.#hearsLog) listenToLog(this.#slot);
    this.#hearsLog = true;
  }

  #enlist(): void {
    if (this.#place >= 0) return;
    this.#place = listening.length;
    listening[listening.length] = this;
    collected.register(this.#map.deref() as object, () => this.#delist(), this);
  }

  #delist(): void {
    if (this.#place < 0) return;
    const last = listening[listening.length - 1] as MapEvents;
    listening[this.#place] = last;
    last.#place = this.#place;
    listening.length--;
    this.#place = -1;
    collected.unregister(this);
  }

  /** Undefined where memory is out. */
  #take(): unknown[] | undefined {
    try {
      return takeExpired(this.#slot, BATCH_ENTRIES);
    } catch (error) {
      this.#tell(error);
      return undefined;
    }
  }

  /**
   * Those whose value cannot be decoded are left out, and their errors told. Runs code of the user's, which may see to it
   * that nobody listens any more.
   */
  #decode(list: readonly unknown[]): [unknown, unknown][] {
    const bytes = wrapList(list) as Buffer;
    const entries: [unknown, unknown][] = [];
    for (let index = HEAD_ITEMS; index < list.length && this.#listeners.length > 0; index += ENTRY_ITEMS) {
      const kind = list[index + 1] as number;
      const value = list[index + 2];
      try {
        const decoded = kind === 0 ? value : this.#codec.decodeListed(kind, bytes, value as number);
        entries[entries.length] = [list[index], decoded];
      } catch (error) {
        this.#tell(error);
      }
    }
    return entries;
  }

  #call(map: object, listener: Listener, given: readonly unknown[]): void {
    try {
      apply(listener.call, map, given);
    } catch (error) {
      this.#tell(error);
    }
  }

  /** To whoever listens for errors; else, and where these throw themselves, it is one that nobody caught. */
  #tell(error: unknown): void {
    const listeners = this.#errorListeners;
    if (listeners.length === 0) throwUncaught(error);
    for (let index = 0; index < listeners.length; index++) {
      try {
        apply((listeners[index] as Listener).call, this.#map.deref(), [error]);
      } catch (another) {
        throwUncaught(another);
      }
    }
  }
}

/** In a callback of its own, so that everybody else gets what is theirs. */
function throwUncaught(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}

/** The addon has news for some of those that listen. */
function deliverSome(): void {
  let isAnyLeft = false;
  // From the end: one that listens no more gives its place to the last. Those that come meanwhile have nothing yet.
  for (let index = listening.length - 1; index >= 0; index--) {
    if (listening[index]?.deliver()) isAnyLeft = true;
  }
  if (isAnyLeft) deliverInNextTurn();
}

/**
 * Not by an immediate: one that does not keep the thread alive waits, in a thread that has nothing else to do, until
 * something else happens there.
 */
function deliverInNextTurn(): void {
  if (isTurnPending) return;
  isTurnPending = true;
  const timer = timers.setTimeout(() => {
    isTurnPending = false;
    deliverSome();
  }, NEXT_TURN_MS);
  timer.unref();
}

/** Before there is a turn of its own it has done with what waits already. */
newsHook.news = () => {
  if (!isTurnPending) deliverSome();
};

function checkEvent(event: unknown, listener: unknown): 'expire' | 'error' {
  if (event !== 'expire' && event !== 'error') throw createArgumentError('event', "'expire' or 'error'", event);
  if (typeof listener !== 'function') throw createArgumentError('listener', 'a function', listener);
  return event;
}

function resolveKeepAlive(keepsAlive: unknown): boolean {
  if (keepsAlive === undefined || typeof keepsAlive === 'boolean') return keepsAlive ?? false;
  throw createArgumentError('options.keepAlive', 'a boolean', keepsAlive);
}

function withAdded(listeners: readonly Listener[], added: Listener): Listener[] {
  const all: Listener[] = [];
  for (let index = 0; index < listeners.length; index++) all[index] = listeners[index] as Listener;
  all[listeners.length] = added;
  return all;
}

/** `listeners` itself, where `listener` is none of them. */
function withoutLatest(listeners: readonly Listener[], listener: unknown): readonly Listener[] {
  let place = listeners.length - 1;
  while (place >= 0 && listeners[place]?.call !== listener) place--;
  if (place < 0) return listeners;
  remove(listeners[place] as Listener);
  const others: Listener[] = [];
  for (let index = 0; index < listeners.length; index++) {
    if (index !== place) others[others.length] = listeners[index] as Listener;
  }
  return others;
}

function remove(listener: Listener): void {
  listener.isOff = true;
  if (listener.keepsAlive && --listenersKeepingAlive === 0) keepAlive(false);
}
