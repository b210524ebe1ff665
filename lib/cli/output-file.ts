/** Where lines go: to a file that has its name when it is whole, or to a stream, as fast as that takes them. */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { atEnd, forget } from './ending.js';

export interface Output {
  write(text: string): Promise<void>;
  /** Makes what was written last. */
  end(): Promise<void>;
}

export async function openOutput(file: string | undefined): Promise<Output> {
  if (file === undefined) return new StandardOutput();
  const isOther = existsSync(file) && !statSync(file).isFile();
  return isOther ? new OutputDevice(await open(file, 'w')) : NewFile.open(file);
}

/** Errors of it end the command: see ending.ts. */
class StandardOutput implements Output {
  async write(text: string): Promise<void> {
    if (!process.stdout.write(text)) await once(process.stdout, 'drain');
  }

  async end(): Promise<void> {}
}

/** A pipe or a device that has a name already. */
class OutputDevice implements Output {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async write(text: string): Promise<void> {
    await this.#handle.writeFile(text);
  }

  async end(): Promise<void> {
    await this.#handle.close();
  }
}

/** Has a temporary name until it is whole and on the medium. */
class NewFile implements Output {
  readonly #name: string;
  readonly #temporary: string;
  readonly #handle: FileHandle;
  readonly #remove: () => void;

  private constructor(name: string, temporary: string, handle: FileHandle, remove: () => void) {
    this.#name = name;
    this.#temporary = temporary;
    this.#handle = handle;
    this.#remove = remove;
  }

  static async open(file: string): Promise<NewFile> {
    // What a link leads to is exchanged, and not the link.
    const name = existsSync(file) ? realpathSync(file) : file;
    const temporary = temporaryNameOf(name);
    // In one turn, in which no signal is heard: what is there is removed, and nothing makes it afterwards.
    closeSync(openSync(temporary, 'wx'));
    const remove = (): void => rmSync(temporary, { force: true });
    atEnd(remove);
    return new NewFile(name, temporary, await open(temporary, 'r+'), remove);
  }

  async write(text: string): Promise<void> {
    await this.#handle.writeFile(text);
  }

  async end(): Promise<void> {
    await this.#handle.sync();
    await this.#handle.close();
    renameSync(this.#temporary, this.#name);
    forget(this.#remove);
    await syncDirectory(path.dirname(this.#name));
  }
}

/** Of a file or directory that is being made: no other's, also where processes have the same number. */
export function temporaryNameOf(name: string): string {
  return `${name}.${randomBytes(4).toString('hex')}.tmp`;
}

/** So that names in it are there after a loss of power; where directories cannot be synced they need not be. */
export async function syncDirectory(dir: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
