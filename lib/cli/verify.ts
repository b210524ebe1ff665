/** `shardmap verify`: reads all of a store, strictly, and changes nothing. */

import { EXIT } from './failure.js';
import { bytes, countOf, milliseconds } from './figures.js';
import { type Flaw, type Look, look } from './look.js';
import type { Outcome } from './outcome.js';

export interface VerifyOptions {
  /** Whether an end that a crash has left is damage. */
  readonly strict?: boolean;
}

export async function verify(dir: string, { strict = false }: VerifyOptions): Promise<Outcome> {
  const found = await look(dir);
  const state = found.state === 'unfinished' && strict ? 'damaged' : found.state;
  const recovery = found.store?.map.stats().log?.recovery;
  const entries = found.store?.map.size ?? 0;
  found.store?.close();
  return {
    exitCode: state === 'damaged' ? EXIT.damaged : EXIT.done,
    lines: [
      headline(dir, state),
      ...found.flaws.map((flaw) => `  ${describeFlaw(flaw, found.state)}`),
      `  ${countOf(entries, 'entry', 'entries')}; ${bytes(recovery?.bytes ?? 0)} of ` +
        `${countOf(recovery?.records ?? 0, 'change', 'changes')} read in ${milliseconds(recovery?.timeMs ?? 0)}`,
    ],
    document: {
      dir,
      state,
      entries,
      bytesRead: recovery?.bytes ?? 0,
      changesRead: recovery?.records ?? 0,
      timeMs: recovery?.timeMs ?? 0,
      flaws: found.flaws.map(documentOf),
    },
  };
}

function headline(dir: string, state: Look['state']): string {
  if (state === 'whole') return `${dir} is whole`;
  if (state === 'unfinished') return `${dir} is whole, but for an unfinished end, as a crash leaves it`;
  return `${dir} is damaged`;
}

/** In words. */
export function describeFlaw({ file, offset, bytes: length, reason }: Flaw, state: Look['state']): string {
  if (state === 'unfinished') return `note: ${file}, from byte ${offset}, ${bytes(length)}: ${reason}`;
  const place = reason.startsWith(file) ? '' : `${file}, byte ${offset}: `;
  return `${place}${reason}${length > 0 ? `; ${bytes(length)} cannot be read` : ''}`;
}

/** For `--json`. */
export function documentOf({ file, offset, bytes: length, reason }: Flaw): object {
  return { file, offsetBytes: offset, lengthBytes: length, reason };
}
