/** A progress bar on standard error, for what takes long, where somebody looks at it. */

import process from 'node:process';
import type { SingleBar } from 'cli-progress';
import { atEnd, forget } from './ending.js';

/** What is done sooner needs no bar. */
const DELAY_MS = 500;
const DRAWINGS_PER_SECOND = 10;

/** How far one piece of work is. */
export class Progress {
  readonly #title: string;
  readonly #beginMs = Date.now();
  readonly #remove = (): void => this.#stop();
  #bar: SingleBar | undefined;
  #isLoading = false;
  #isOver = false;
  #done = 0;
  #total = 0;

  constructor(title: string) {
    this.#title = title;
    atEnd(this.#remove);
  }

  /** `done` of `total`, of whatever it is. */
  update(done: number, total: number): void {
    this.#done = done;
    this.#total = total;
    if (this.#bar !== undefined) this.#draw(this.#bar);
    else if (this.#isDue()) void this.#show();
  }

  end(): void {
    forget(this.#remove);
    this.#stop();
  }

  #isDue(): boolean {
    if (this.#isLoading || this.#isOver || this.#total === 0 || !process.stderr.isTTY) return false;
    return Date.now() - this.#beginMs >= DELAY_MS;
  }

  async #show(): Promise<void> {
    this.#isLoading = true;
    const { default: cliProgress } = await import('cli-progress');
    if (this.#isOver) return;
    const bar = new cliProgress.SingleBar({
      stream: process.stderr,
      format: `${this.#title} [{bar}] {percentage} %  {eta_formatted} left`,
      barCompleteChar: '#',
      barIncompleteChar: '-',
      fps: DRAWINGS_PER_SECOND,
      hideCursor: true,
      clearOnComplete: true,
      gracefulExit: false,
    });
    bar.start(this.#total, this.#done);
    this.#bar = bar;
  }

  #draw(bar: SingleBar): void {
    bar.setTotal(this.#total);
    bar.update(this.#done);
  }

  #stop(): void {
    this.#isOver = true;
    this.#bar?.stop();
    this.#bar = undefined;
  }
}
