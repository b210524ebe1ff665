/** `shardmap import`: sets the entries that lines of NDJSON tell, in their order. */

import { createReadStream, statSync } from 'node:fs';
import process from 'node:process';
import type { Readable } from 'node:stream';
import { type Key, ShardMap } from '../index.js';
import { atEnd, forget } from './ending.js';
import { CommandError, codeOf, EXIT } from './failure.js';
import { count, countOf } from './figures.js';
import { decodeLine, type Entry } from './line.js';
import { type Line, readLines } from './line-reader.js';
import { OpaqueValue, opaqueCodec } from './opaque.js';
import type { Outcome } from './outcome.js';
import { Progress } from './progress.js';
import { openToWrite, type Store } from './store.js';
import { FormatError } from './tags.js';
import { breathe } from './turn.js';

export interface ImportOptions {
  /** Whether lines that are not valid are counted, and passed over. */
  readonly skipInvalid?: boolean;
}

/** Entries that are set at once, and bytes of their lines. */
const BATCH_ENTRIES_MAX = 1000;
const BATCH_BYTES_MAX = 1 << 22;
const READ_BYTES = 1 << 18;
/** Of lines that were passed over, so many are told of. */
const TOLD_MAX = 10;
/** Errors of entries rather than of the store. */
const ENTRY_CODES: readonly unknown[] = [
  'ERR_SHARDMAP_INVALID_KEY',
  'ERR_SHARDMAP_KEY_TOO_LONG',
  'ERR_SHARDMAP_VALUE_TOO_LONG',
  'ERR_SHARDMAP_OUT_OF_RANGE',
];

/** A line that was passed over. */
interface Invalid {
  readonly line: number;
  readonly reason: string;
}

/** From standard input where there is no file. */
export async function importStore(dir: string, file: string | undefined, options: ImportOptions): Promise<Outcome> {
  // A file that is not there is found out before a store is made.
  const bytesTotal = file === undefined ? 0 : statSync(file).size;
  const { map, close } = await openToWrite(dir);
  const importing = new Importing(map, options.skipInvalid === true);
  const tell = (): void => {
    process.stderr.write(`shardmap: ${countOf(importing.set, 'entry was', 'entries were')} set before the end\n`);
  };
  atEnd(tell);
  const stream = file === undefined ? process.stdin : createReadStream(file, { highWaterMark: READ_BYTES });
  try {
    await importing.read(stream, bytesTotal);
  } finally {
    // Also what was set before an error is to stay.
    forget(tell);
    close();
  }
  return describe(importing, dir, file);
}

function describe({ set, expired, skipped, told }: Importing, dir: string, file: string | undefined): Outcome {
  const lines = [`${countOf(set, 'entry', 'entries')} imported into ${dir}`];
  if (expired > 0) lines.push(`${countOf(expired, 'of them has', 'of them have')} expired already`);
  if (skipped > 0) lines.push(`${countOf(skipped, 'line', 'lines')} skipped:`);
  for (const { line, reason } of told) lines.push(`  line ${count(line)}: ${reason}`);
  if (skipped > told.length) lines.push(`  and ${count(skipped - told.length)} more`);
  const document = {
    dir,
    file: file ?? null,
    entriesSet: set,
    entriesExpired: expired,
    linesSkipped: skipped,
    skipped: told,
  };
  return { exitCode: EXIT.done, lines, document };
}

class Importing {
  /** Entries that were set, and those of them whose moment had passed. */
  set = 0;
  expired = 0;
  /** Lines that were passed over, and the first of these. */
  skipped = 0;
  readonly told: Invalid[] = [];
  readonly #map: Store;
  readonly #skipsInvalid: boolean;
  /** For values that are opaque here: made when there is one. */
  #opaqueMap: Store | undefined;
  #batch: [Key, unknown][] = [];
  #batchLines: number[] = [];
  #batchBytes = 0;

  constructor(map: Store, skipsInvalid: boolean) {
    this.#map = map;
    this.#skipsInvalid = skipsInvalid;
  }

  async read(stream: Readable, bytesTotal: number): Promise<void> {
    const progress = new Progress('Importing');
    let bytes = 0;
    for await (const lines of readLines(stream)) {
      for (const line of lines) {
        this.#add(line);
        bytes += line.bytes + 1;
      }
      progress.update(Math.min(bytes, bytesTotal), bytesTotal);
      await breathe();
    }
    this.#setBatch();
    progress.end();
  }

  #add(line: Line): void {
    if (line.text?.trim() === '') return;
    let entry: Entry;
    try {
      if (line.text === undefined) throw new FormatError('it is not UTF-8');
      entry = decodeLine(line.text);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#setBatch();
      this.#refuse(line.number, error.message);
      return;
    }
    if (entry.expiresAt === undefined && !(entry.value instanceof OpaqueValue)) this.#collect(entry, line);
    else this.#setAlone(entry, line.number);
  }

  #collect({ key, value }: Entry, { number, bytes }: Line): void {
    this.#batch.push([key, value]);
    this.#batchLines.push(number);
    this.#batchBytes += bytes;
    if (this.#batch.length >= BATCH_ENTRIES_MAX || this.#batchBytes >= BATCH_BYTES_MAX) this.#setBatch();
  }

  #setBatch(): void {
    const batch = this.#batch;
    const numbers = this.#batchLines;
    this.#batch = [];
    this.#batchLines = [];
    this.#batchBytes = 0;
    try {
      this.#map.setMany(batch);
      this.set += batch.length;
    } catch (error) {
      if (!isOfEntry(error)) throw error;
      // Nothing was set of it. One by one, they show which it is.
      for (const [place, [key, value]] of batch.entries())
        this.#setOne({ key, value, expiresAt: undefined }, numbers[place] as number);
    }
  }

  /** One that no batch takes, after those before it. */
  #setAlone(entry: Entry, number: number): void {
    this.#setBatch();
    this.#setOne(entry, number);
  }

  #setOne({ key, value, expiresAt }: Entry, number: number): void {
    try {
      const map = value instanceof OpaqueValue ? this.#mapOfOpaque() : this.#map;
      // A moment that has passed takes away what was there.
      map.set(key, value, expiresAt === undefined ? undefined : { expiresAt });
    } catch (error) {
      if (!isOfEntry(error)) throw error;
      this.#refuse(number, (error as Error).message);
      return;
    }
    this.set++;
    if (expiresAt !== undefined && expiresAt <= Date.now()) this.expired++;
  }

  #mapOfOpaque(): Store {
    this.#opaqueMap ??= this.#openOpaque();
    return this.#opaqueMap;
  }

  #openOpaque(): Store {
    const map: Store = ShardMap.from<Key, unknown>(this.#map.handle, { codec: opaqueCodec });
    atEnd(() => map.close());
    return map;
  }

  #refuse(line: number, reason: string): void {
    if (this.#skipsInvalid) {
      this.skipped++;
      if (this.told.length < TOLD_MAX) this.told.push({ line, reason });
      return;
    }
    const before = `${countOf(this.set, 'entry was', 'entries were')} set before it`;
    const details = { line, reason, entriesSet: this.set };
    throw new CommandError('ERR_CLI_INVALID_LINE', `line ${line}: ${reason}; ${before}`, details);
  }
}

function isOfEntry(error: unknown): boolean {
  return ENTRY_CODES.includes(codeOf(error)) || (error instanceof DOMException && error.name === 'DataCloneError');
}
