// How the values of a history are stored: the number that tells which write it comes from, in many shapes.
import { ABSENT } from './operations.mjs';

/** @typedef {'number' | 'bigint' | 'text' | 'long' | 'object' | 'any'} Shape */

/**
 * In a word; inside of the entry; in a block of its own, of many sizes; encoded; or any of these, so that they take each
 * other's place. What a value looks like depends on its number alone: so it can be made again to compare with.
 *
 * @type {Record<Shape, (value: number) => unknown>}
 */
const SHAPES = {
  number: (value) => value,
  bigint: (value) => BigInt(value),
  text: (value) => `${value} as text`,
  long: (value) => `${value} ${'as long text '.repeat(8 + (writeOf(value) % 97))}`,
  object: (value) => ({ value, nested: [`${value}`] }),
  any: (value) => SHAPES[ANY[writeOf(value) % ANY.length] ?? 'number'](value),
};

/** @type {readonly Exclude<Shape, 'any'>[]} */
const ANY = ['number', 'text', 'long', 'object'];

/** @param {number} value */
function writeOf(value) {
  return Math.floor(value / 2 ** 20);
}

/**
 * @param {Shape} shape
 * @param {number} value
 * @returns {unknown}
 */
export function toStored(shape, value) {
  return value === ABSENT ? undefined : SHAPES[shape](value);
}

/**
 * @param {any} stored
 * @returns {number} NaN, which no order explains, for a mix of two values
 */
export function fromStored(stored) {
  if (stored === undefined) return ABSENT;
  if (typeof stored === 'object') return stored.nested[0] === `${stored.value}` ? stored.value : Number.NaN;
  return typeof stored === 'string' ? Number.parseInt(stored, 10) : Number(stored);
}
