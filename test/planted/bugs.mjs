// Bugs that our tests must notice: each replaces a text that occurs once in the sources, or once within one that does,
// by another. It is statements, where it ends with a semicolon or a brace, or an expression.
//
// Left out, because no test on one machine can show them: memory orders that are weaker than the processor's own where
// they guard no plain memory (x86 keeps loads and stores in order all the same, and ThreadSanitizer judges plain memory
// only), such as the acquire loads of a value's words.

import { BUGS as atomics } from './bugs/atomics.mjs';
import { BUGS as batches } from './bugs/batches.mjs';
import { BUGS as compaction } from './bugs/compaction.mjs';
import { BUGS as counts } from './bugs/counts.mjs';
import { BUGS as epochs } from './bugs/epochs.mjs';
import { BUGS as expiry } from './bugs/expiry.mjs';
import { BUGS as expiryThread } from './bugs/expiry-thread.mjs';
import { BUGS as keys } from './bugs/keys.mjs';
import { BUGS as log } from './bugs/log.mjs';
import { BUGS as mutations } from './bugs/mutations.mjs';
import { BUGS as operations } from './bugs/operations.mjs';
import { BUGS as packageBugs } from './bugs/package.mjs';
import { BUGS as regions } from './bugs/regions.mjs';
import { BUGS as replay } from './bugs/replay.mjs';
import { BUGS as resharding } from './bugs/resharding.mjs';
import { BUGS as tables } from './bugs/tables.mjs';
import { BUGS as valueVersions } from './bugs/value-versions.mjs';
import { BUGS as values } from './bugs/values.mjs';
import { BUGS as views } from './bugs/views.mjs';

/**
 * `test` is a file of test/native without its ending, and `filter` the tests in it that must fail; `kind` is the build
 * in which they do, optimised or under ThreadSanitizer. With the kind `package` they are a file of test/ and tests by
 * vitest, which see the bug through the whole package. One that is `alone`, as a constant of the compiler's must be, has
 * no switch, and is built by itself.
 *
 * @typedef {{
 *   name: string, why: string, file: string, within?: string, find: string, replace: string,
 *   test: string, filter: string, kind?: 'plain' | 'thread' | 'package', alone?: boolean,
 * }} Bug
 */

/** @type {readonly Bug[]} */
export const BUGS = [
  ...epochs,
  ...keys,
  ...values,
  ...valueVersions,
  ...regions,
  ...tables,
  ...compaction,
  ...views,
  ...operations,
  ...atomics,
  ...batches,
  ...counts,
  ...mutations,
  ...expiry,
  ...expiryThread,
  ...log,
  ...replay,
  ...resharding,
  ...packageBugs,
];
