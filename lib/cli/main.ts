#!/usr/bin/env node
/** The command `shardmap`: see docs/command-line.md. */

import process from 'node:process';
import { CommanderError } from 'commander';
import { endAll, isEnding, listenForEnds } from './ending.js';
import { describeFailure, EXIT, type Failure } from './failure.js';
import type { Outcome } from './outcome.js';
import { type Common, createProgram } from './program.js';

function conclude(command: string, options: Common, { exitCode, lines, usesStderr, document }: Outcome): void {
  if (options.json) print(process.stdout, JSON.stringify({ command, exitCode, ...document }));
  else print(usesStderr ? process.stderr : process.stdout, lines.join('\n'));
  process.exitCode = exitCode;
}

function print(stream: NodeJS.WriteStream, text: string): void {
  stream.write(`${text}\n`);
}

/** Help and the version come this way too, and are no failure. */
function readUsage(error: CommanderError): Failure | undefined {
  if (error.exitCode === 0) return undefined;
  // Without a command, the help was printed.
  const { code } = error;
  const text = code === 'commander.help' ? 'error: a command is needed' : error.message;
  const message = text.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
  return { code: 'ERR_CLI_USAGE', message, exitCode: EXIT.usage, details: {}, stack: error.stack ?? text };
}

function fail(failure: Failure): void {
  const { code, message, exitCode, details, stack } = failure;
  const has = (option: string): boolean => process.argv.includes(option);
  if (has('--json')) {
    const [, , command = null] = process.argv;
    print(process.stdout, JSON.stringify({ command, exitCode, error: { code, message, ...details } }));
  }
  print(process.stderr, `shardmap: ${message} [${code}]`);
  if (has('--debug')) print(process.stderr, stack);
  process.exitCode = exitCode;
}

listenForEnds();
try {
  await createProgram(conclude).parseAsync();
} catch (error) {
  const failure = error instanceof CommanderError ? readUsage(error) : describeFailure(error);
  if (failure !== undefined && !isEnding()) fail(failure);
}
await endAll();
