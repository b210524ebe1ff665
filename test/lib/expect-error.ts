/** Asserts of errors by class and code, never by message. */

import { expect } from 'vitest';
import { ShardMapError } from '../../lib/index.js';

const classes = { TypeError, RangeError, ShardMapError };

export function caught(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

export function expectError(run: () => unknown, className: keyof typeof classes, code: string): Error {
  const error = caught(run) as Error & { code?: string };
  expect(error).toBeInstanceOf(classes[className]);
  expect(error.name).toBe(className);
  expect(error.code).toBe(code);
  expect(error.message.length).toBeGreaterThan(10);
  return error;
}

export function expectCloneError(run: () => unknown): void {
  const error = caught(run) as DOMException;
  expect(error).toBeInstanceOf(DOMException);
  expect(error.name).toBe('DataCloneError');
}

export function expectClosed(run: () => unknown): void {
  expectError(run, 'ShardMapError', 'ERR_SHARDMAP_CLOSED');
}
