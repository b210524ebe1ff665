/** Danger: TypeScript, C++ and the documentation each know other error codes, or other classes for them. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createError, createNativeError, errorClassName, errorCodes } from '../../lib/errors.js';
import { ShardMapError } from '../../lib/index.js';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

describe('the table of errors', () => {
  const rows = [...read('docs/errors.md').matchAll(/^\| `(ERR_SHARDMAP_\w+)` \| `(\w+)` \| (\S.*) \| (\S.*) \|$/gm)];

  it('in the documentation has each code of the library once, with its class', () => {
    const documented = rows.map(([, code, className]) => [code, className]);
    expect(documented).toEqual(errorCodes.map((code) => [code, errorClassName(code)]));
  });

  it('in the documentation names each code elsewhere only if it exists', () => {
    for (const [code] of read('docs/errors.md').matchAll(/ERR_SHARDMAP_[A-Z_]+/g)) expect(errorCodes).toContain(code);
  });

  it('in C++ has codes that the library knows only, and all that the documentation says native throws', () => {
    const native = new Set(
      [...read('native/base/status.h').matchAll(/"(ERR_SHARDMAP_[A-Z_]+)"/g)].map(([, code]) => code),
    );
    for (const code of native) expect(errorCodes).toContain(code);
    for (const [, code, , thrownBy] of rows) {
      if (thrownBy?.startsWith('native')) expect(native).toContain(code);
    }
  });

  it('is not repeated: only lib/errors.ts makes errors', () => {
    for (const file of [
      'atomics',
      'batch',
      'codec',
      'computation',
      'durability',
      'entry',
      'groups',
      'handle',
      'iterator',
      'key',
      'native',
      'options',
      'shard-map',
      'stats',
      'sync-map',
      'writer',
    ]) {
      expect(read(`lib/${file}.ts`)).not.toMatch(/new (TypeError|RangeError|Error|ShardMapError)\(/);
    }
  });
});

describe('an error', () => {
  it.each(errorCodes)('%s has its code, its class and a message', (code) => {
    const error = createError(code, 'what happened');
    expect(error.code).toBe(code);
    expect(error.constructor.name).toBe(errorClassName(code));
    expect(error.name).toBe(errorClassName(code));
    expect(error.message).toBe('what happened');
    expect(error).toBeInstanceOf(Error);
    expect(error.stack).toContain('what happened');
    expect(Object.keys(error)).toEqual(['code']);
  });

  it('keeps its cause', () => {
    const cause = new Error('cause');
    expect(createError('ERR_SHARDMAP_ADDON_UNAVAILABLE', 'message', cause).cause).toBe(cause);
    expect('cause' in createError('ERR_SHARDMAP_CLOSED', 'message')).toBe(false);
  });

  it('of an unknown code is still a ShardMapError', () => {
    expect(createNativeError('ERR_SHARDMAP_NEW', 'message')).toBeInstanceOf(ShardMapError);
    expect(createNativeError('toString', 'message')).toBeInstanceOf(ShardMapError);
  });
});
