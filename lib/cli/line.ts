/** A line of NDJSON for each entry: see docs/command-line.md. */

import { decodeClone, encodeClone } from '../clone.js';
import type { Key } from '../index.js';
import { OpaqueValue } from './opaque.js';
import { decodeBytes, decodeKey, decodeTagged, encodeBytes, encodeKey, encodeTagged, FormatError } from './tags.js';

/** An entry, and when it expires: in milliseconds since 1970; undefined for never. */
export interface Entry {
  readonly key: Key;
  readonly value: unknown;
  readonly expiresAt: number | undefined;
}

/** The members that say what the value is, of which a line has one. */
const VALUES: Readonly<Record<string, (content: unknown) => unknown>> = {
  value: (content) => content,
  tagged: decodeTagged,
  encoded: decodeEncoded,
  custom: (content) => new OpaqueValue(decodeBytes(content, '"custom"')),
};
const VALUE_NAMES = Object.keys(VALUES);
const NAMES = ['key', ...VALUE_NAMES, 'expiresAt'];

/** A moment of ISO 8601 with its offset from UTC. */
const MOMENT = /^(?:\d{4}|[+-]\d{6})-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/;
/** Trees that are deeper take the way of all that is no JSON: some readers of JSON go no further. */
const DEPTH_MAX = 100;

/** Without its end. */
export function encodeLine({ key, value, expiresAt }: Entry): string {
  const until = expiresAt === undefined ? undefined : new Date(expiresAt).toISOString();
  return JSON.stringify({ key: encodeKey(key), ...encodeValue(value), expiresAt: until });
}

function encodeValue(value: unknown): object {
  if (value instanceof OpaqueValue) return { custom: encodeBytes(value.bytes) };
  const tagged = encodeTagged(value);
  if (tagged !== undefined) return { tagged };
  if (isJson(value, new Set(), 0)) return { value };
  const { view, start, end } = encodeClone(value);
  return { encoded: encodeBytes(new Uint8Array(view.buffer, view.byteOffset + start, end - start)) };
}

/** Whether JSON gives back exactly that. `seen` has the objects that were met: one that is met twice is one no more. */
function isJson(value: unknown, seen: Set<object>, depth: number): boolean {
  if (typeof value !== 'object' || value === null) {
    if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
    return typeof value !== 'bigint' && value !== undefined;
  }
  if (seen.has(value) || depth >= DEPTH_MAX) return false;
  seen.add(value);
  if (Array.isArray(value)) return isPlainArray(value) && value.every((item) => isJson(item, seen, depth + 1));
  if (Object.getPrototypeOf(value) !== Object.prototype || Object.getOwnPropertySymbols(value).length > 0) return false;
  return Object.values(value).every((item) => isJson(item, seen, depth + 1));
}

/** Of the class itself, without holes, and with nothing besides its items. */
function isPlainArray(array: readonly unknown[]): boolean {
  if (Object.getPrototypeOf(array) !== Array.prototype || Object.keys(array).length !== array.length) return false;
  for (let index = 0; index < array.length; index++) if (!Object.hasOwn(array, index)) return false;
  return true;
}

/** Throws a {@link FormatError}. */
export function decodeLine(text: string): Entry {
  const line = parse(text);
  for (const name of Object.keys(line)) if (!NAMES.includes(name)) throw new FormatError(`there is no "${name}"`);
  if (!Object.hasOwn(line, 'key')) throw new FormatError('it has no "key"');
  return { key: decodeKey(line.key), value: decodeValue(line), expiresAt: decodeMoment(line.expiresAt) };
}

function parse(text: string): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new FormatError(`it is no JSON: ${(error as Error).message}`);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new FormatError('it is no JSON object');
  return json as Record<string, unknown>;
}

function decodeValue(line: Readonly<Record<string, unknown>>): unknown {
  const [name, ...others] = VALUE_NAMES.filter((candidate) => Object.hasOwn(line, candidate));
  if (name === undefined) throw new FormatError(`it has no "value", and none of the others: ${VALUE_NAMES.join(', ')}`);
  if (others.length > 0) throw new FormatError(`it has both "${name}" and "${others[0]}"`);
  return VALUES[name]?.(line[name]);
}

function decodeEncoded(content: unknown): unknown {
  const bytes = decodeBytes(content, '"encoded"');
  try {
    return decodeClone(bytes);
  } catch (error) {
    throw new FormatError(`"encoded" is no serialised value: ${(error as Error).message}`);
  }
}

function decodeMoment(moment: unknown): number | undefined {
  if (moment === undefined) return undefined;
  const at = typeof moment === 'string' && MOMENT.test(moment) ? Date.parse(moment) : Number.NaN;
  if (Number.isNaN(at)) throw new FormatError('"expiresAt" must be a moment such as "2030-01-31T12:00:00.000Z"');
  return at;
}
