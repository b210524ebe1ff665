/** `shardmap export`: the entries of a store as lines of NDJSON, in their order. */

import { EXIT } from './failure.js';
import { countOf } from './figures.js';
import { encodeLine } from './line.js';
import type { Outcome } from './outcome.js';
import { type Output, openOutput } from './output-file.js';
import { Progress } from './progress.js';
import { openWhole, type Store } from './store.js';
import { breathe } from './turn.js';

/** Characters that are written at once. */
const CHUNK_CHARS = 65_536;

/** To standard output where there is no file. */
export async function exportStore(dir: string, file: string | undefined): Promise<Outcome> {
  const { map, close } = await openWhole(dir);
  const output = await openOutput(file);
  const entries = await writeEntries(map, output);
  close();
  await output.end();
  return {
    exitCode: EXIT.done,
    lines: [`${countOf(entries, 'entry', 'entries')} exported${file === undefined ? '' : ` to ${file}`}`],
    usesStderr: file === undefined,
    document: { dir, file: file ?? null, entries },
  };
}

async function writeEntries(map: Store, output: Output): Promise<number> {
  const { entries: entriesTotal, timedEntries } = map.stats();
  const progress = new Progress('Exporting');
  let text = '';
  let entries = 0;
  for (const [key, value] of map) {
    const left = timedEntries === 0 ? Number.POSITIVE_INFINITY : map.ttl(key);
    if (left === undefined) continue; // it has expired meanwhile
    const expiresAt = left === Number.POSITIVE_INFINITY ? undefined : Date.now() + left;
    text += `${encodeLine({ key, value, expiresAt })}\n`;
    entries++;
    if (text.length < CHUNK_CHARS) continue;
    await output.write(text);
    text = '';
    progress.update(entries, entriesTotal);
    await breathe();
  }
  if (text !== '') await output.write(text);
  progress.end();
  return entries;
}
