/**
 * Every error the package makes: one table of codes with their classes, one function that builds them.
 * `docs/errors.md` lists the codes for users and `native/base/status.h` for C++; a test keeps the three the same.
 */

const CloneError = DOMException;
const { assign, defineProperty, setPrototypeOf } = Object;
const { isArray } = Array;

/**
 * What goes wrong with a store itself: it is closed, its options contradict, memory is out, the addon is missing.
 * Wrong types are a `TypeError` and wrong ranges a `RangeError`; these carry a `code` from the same table.
 *
 * @example
 * try {
 *   ShardMap.from(handle);
 * } catch (error) {
 *   if (error instanceof ShardMapError && error.code === 'ERR_SHARDMAP_CLOSED') restart();
 * }
 */
export class ShardMapError extends Error {
  /** Stable across versions: compare this, never the message. */
  readonly code: ErrorCode;
  /** Of a log that is damaged, or of a newer format: the file where that was met, by its name in the directory. */
  declare readonly file?: string;
  /** With `file`: where in it, in bytes. */
  declare readonly offset?: number;

  /** @internal */
  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }

  static {
    defineProperty(ShardMapError.prototype, 'name', { value: 'ShardMapError', writable: true, configurable: true });
  }
}

const CLASSES = {
  ERR_SHARDMAP_INVALID_KEY: TypeError,
  ERR_SHARDMAP_KEY_TOO_LONG: RangeError,
  ERR_SHARDMAP_VALUE_TOO_LONG: RangeError,
  ERR_SHARDMAP_INVALID_ARGUMENT: TypeError,
  ERR_SHARDMAP_CODEC: TypeError,
  ERR_SHARDMAP_VALUE_TYPE: TypeError,
  ERR_SHARDMAP_OUT_OF_RANGE: RangeError,
  ERR_SHARDMAP_INVALID_RECEIVER: TypeError,
  ERR_SHARDMAP_INVALID_HANDLE: TypeError,
  ERR_SHARDMAP_CLOSED: ShardMapError,
  ERR_SHARDMAP_OPTIONS_CONFLICT: ShardMapError,
  ERR_SHARDMAP_OUT_OF_MEMORY: ShardMapError,
  ERR_SHARDMAP_IO: ShardMapError,
  ERR_SHARDMAP_DISK_FULL: ShardMapError,
  ERR_SHARDMAP_CORRUPT: ShardMapError,
  ERR_SHARDMAP_NEWER_FORMAT: ShardMapError,
  ERR_SHARDMAP_IN_USE: ShardMapError,
  ERR_SHARDMAP_LOG_FAILED: ShardMapError,
  ERR_SHARDMAP_LOG_BUSY: ShardMapError,
  ERR_SHARDMAP_READONLY: ShardMapError,
  ERR_SHARDMAP_ADDON_UNAVAILABLE: ShardMapError,
} as const;
setPrototypeOf(CLASSES, null);

/**
 * The codes of all errors the package throws, but for `DataCloneError`, which is a `DOMException` as
 * `structuredClone`'s is.
 *
 * @useDeclaredType
 */
export type ErrorCode = keyof typeof CLASSES;

/** Name of the class that errors with `code` have; for the test that compares the tables. */
export function errorClassName(code: ErrorCode): string {
  return CLASSES[code].name;
}

/** All codes there are. */
export const errorCodes = Object.freeze(Object.keys(CLASSES)) as readonly ErrorCode[];

/** Builds the error with `code`; `cause` where another error led to it. */
export function createError(code: ErrorCode, message: string, cause?: unknown): Error & { code: ErrorCode } {
  const Class: (typeof CLASSES)[ErrorCode] | undefined = CLASSES[code];
  if (Class === undefined || Class === ShardMapError) return new ShardMapError(code, message, cause);
  const error = new (Class as ErrorConstructor)(message) as Error & { code: ErrorCode };
  error.code = code;
  return error;
}

/** For a value that cannot be copied; `place` is that of its entry where it is one of a batch. */
export function createCloneError(message: string, place?: number): DOMException {
  return new CloneError(atPlace(place, message), 'DataCloneError');
}

/** A message about the item of a batch at `place`, worded as the addon words it. */
export function atPlace(place: number | undefined, message: string): string {
  return place === undefined ? message : `Item ${place} of the batch: ${message}`;
}

/** What the addon calls; `file` and `offset` where the error is about a place in a file. */
export function createNativeError(code: string, message: string, file?: string, offset?: number): Error {
  const error = createError(code as ErrorCode, message);
  return file === undefined ? error : assign(error, { file, offset });
}

/** For a method that was called on something that is not what it belongs to. */
export function createReceiverError(method: string, owner: string, receiver: unknown): Error {
  return createError(
    'ERR_SHARDMAP_INVALID_RECEIVER',
    `${method} was called on ${describe(receiver)}, which is no ${owner}`,
  );
}

/** For an argument of the wrong type. */
export function createArgumentError(argument: string, expected: string, actual: unknown): Error {
  return createError('ERR_SHARDMAP_INVALID_ARGUMENT', `${argument} must be ${expected}, but is ${describe(actual)}`);
}

/** For an argument of the right type that is outside of its bounds. */
export function createRangeError(argument: string, expected: string, actual: unknown): Error {
  return createError('ERR_SHARDMAP_OUT_OF_RANGE', `${argument} must be ${expected}, but is ${describe(actual)}`);
}

/** For any use of a map after `close()`. */
export function createClosedError(what: string): Error {
  return createError('ERR_SHARDMAP_CLOSED', what);
}

const DESCRIBED_CHARS_MAX = 40;

/** A few words for a message about `value`; runs no code of the user's. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `the string '${value.length > DESCRIBED_CHARS_MAX ? `${value.slice(0, DESCRIBED_CHARS_MAX)}…` : value}'`;
    case 'object':
      return value === null ? 'null' : 'an object';
    case 'function':
      return 'a function';
    case 'symbol':
      return 'a symbol';
    case 'undefined':
      return 'undefined';
    case 'bigint':
      return 'a bigint';
    default:
      return `the ${typeof value} ${Object.is(value, -0) ? '-0' : String(value)}`;
  }
}

/** A key in words. */
export function describeKey(key: unknown): string {
  if (!isArray(key)) return describe(key);
  let text = '';
  for (let index = 0; index < key.length; index++) text += `${index === 0 ? '' : ', '}${describe(key[index])}`;
  return `the key [${text}]`;
}
