/** The lines of a stream of bytes. They end with LF alone, whatever else the strings in them hold. */

import { Buffer, constants, isUtf8 } from 'node:buffer';
import type { Readable } from 'node:stream';
import { CommandError } from './failure.js';

/** A longer one is no string in V8. */
const LINE_BYTES_MAX = constants.MAX_STRING_LENGTH;
const LF = 0x0a;
const BYTE_ORDER_MARK = Buffer.from('\ufeff');

/** A line; `text` is undefined where it is not UTF-8. */
export interface Line {
  readonly number: number;
  readonly text: string | undefined;
  readonly bytes: number;
}

/** Many at a time. */
export async function* readLines(stream: Readable): AsyncGenerator<Line[]> {
  let number = 0;
  let parts: Buffer[] = [];
  let partsBytes = 0;
  const take = (end: Buffer): Line => {
    const bytes = parts.length === 0 ? end : Buffer.concat([...parts, end]);
    parts = [];
    partsBytes = 0;
    return lineOf(++number, bytes);
  };
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      lines.push(take(chunk.subarray(start, end)));
      start = end + 1;
    }
    if (start < chunk.length) {
      parts.push(chunk.subarray(start));
      partsBytes += chunk.length - start;
    }
    if (partsBytes > LINE_BYTES_MAX)
      throw new CommandError('ERR_CLI_LINE_TOO_LONG', `line ${number + 1} has more than ${LINE_BYTES_MAX} bytes`);
    yield lines;
  }
  if (partsBytes > 0) yield [take(Buffer.alloc(0))];
}

function lineOf(number: number, bytes: Buffer): Line {
  const isMarked = number === 1 && bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
  const content = isMarked ? bytes.subarray(BYTE_ORDER_MARK.length) : bytes;
  return { number, text: isUtf8(content) ? content.toString('utf8') : undefined, bytes: bytes.length };
}
