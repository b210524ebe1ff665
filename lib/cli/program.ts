/** The commands with their arguments, options and help. What a command does is loaded when it is called. */

import { readFileSync } from 'node:fs';
import os from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Outcome } from './outcome.js';

/** The options of every command. */
export interface Common {
  readonly json?: boolean;
  readonly debug?: boolean;
}

/** What is done with the outcome of the command that was called. */
export type Conclude = (command: string, options: Common, outcome: Outcome) => void;

const HELP = `
Exit codes:
  0  done; the store is whole, nothing is lost
  1  the store is damaged, something is lost, or a line is not valid
  2  the command was called wrongly
  3  something cannot be read or written, or is in use
  128 and the number of a signal, where one ended the command

Examples:
  $ shardmap inspect ./orders
  $ shardmap verify ./orders && echo whole
  $ shardmap export ./orders orders.ndjson
  $ shardmap help export`;

const TOP = 10;
const ENTRIES = 100_000;
const ENTRIES_MAX = 10_000_000;
const SECONDS = 0.5;
const SECONDS_MAX = 60;
const WORKERS_MAX = 1024;

export function createProgram(conclude: Conclude): Command {
  const program = new Command('shardmap')
    .description('Looks at stores of shardmap, checks and repairs them, moves entries out and in, and measures.')
    .version(readVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'Prints the help of a command.')
    .addHelpText('after', HELP)
    .configureOutput({ outputError: () => {} }) // main.ts tells of them
    .exitOverride();
  for (const add of [addInspect, addVerify, addRepair, addExport, addImport, addBench]) add(program, conclude);
  return program;
}

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** A command with the options of all. */
function addCommand(program: Command, name: string, description: string, examples: readonly string[]): Command {
  return program
    .command(name)
    .description(description)
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', ['', 'Examples:', ...examples.map((example) => `  $ ${example}`)].join('\n'));
}

/** The last options of each. */
function addCommonOptions(command: Command): Command {
  return command
    .option('--json', 'print one JSON document')
    .addOption(new Option('--debug', 'print the stack of an error'));
}

function addInspect(program: Command, conclude: Conclude): void {
  const command = addCommand(program, 'inspect', 'Tells what is in a store. Nothing is changed.', [
    'shardmap inspect ./orders',
    'shardmap inspect ./orders --top 3',
    'shardmap inspect ./orders --json',
  ]);
  command
    .argument('<dir>', 'the directory of the store')
    .option('--top <n>', 'how many prefixes of keys to tell', wholeNumber(0, 1000), TOP);
  addCommonOptions(command).action(async (dir: string, options: Common & { top: number }) => {
    const { inspect } = await import('./inspect.js');
    conclude('inspect', options, await inspect(dir, options));
  });
}

function addVerify(program: Command, conclude: Conclude): void {
  const command = addCommand(program, 'verify', 'Reads and checks all of a store. Nothing is changed.', [
    'shardmap verify ./orders',
    'shardmap verify ./orders --strict --json',
  ]);
  command
    .argument('<dir>', 'the directory of the store')
    .option('--strict', 'an unfinished end, as a crash leaves it, is damage too');
  addCommonOptions(command).action(async (dir: string, options: Common & { strict?: boolean }) => {
    const { verify } = await import('./verify.js');
    conclude('verify', options, await verify(dir, options));
  });
}

function addRepair(program: Command, conclude: Conclude): void {
  const description = 'Makes a new store of what can be read of a damaged one, which stays as it is.';
  const command = addCommand(program, 'repair', description, [
    'shardmap repair ./orders --to ./orders-repaired',
    'shardmap repair ./orders --to ./orders-repaired --json',
  ]);
  command
    .argument('<dir>', 'the directory of the damaged store')
    .requiredOption('--to <new>', 'the directory to be made; it must not be there');
  addCommonOptions(command).action(async (dir: string, options: Common & { to: string }) => {
    const { repair } = await import('./repair.js');
    conclude('repair', options, await repair(dir, options));
  });
}

function addExport(program: Command, conclude: Conclude): void {
  const command = addCommand(program, 'export', 'Writes the entries of a store as lines of NDJSON.', [
    'shardmap export ./orders orders.ndjson',
    'shardmap export ./orders | gzip > orders.ndjson.gz',
    'shardmap export ./orders | head -n 3',
  ]);
  command
    .argument('<dir>', 'the directory of the store')
    .argument('[file]', 'the file to be made; standard output if it is missing or -');
  addCommonOptions(command).action(async (dir: string, file: string | undefined, options: Common) => {
    const { exportStore } = await import('./export.js');
    const named = unlessDash(file);
    if (options.json && named === undefined)
      command.error('--json needs a file: the lines are on standard output otherwise');
    conclude('export', options, await exportStore(dir, named));
  });
}

function addImport(program: Command, conclude: Conclude): void {
  const command = addCommand(program, 'import', 'Sets the entries that lines of NDJSON tell.', [
    'shardmap import ./orders orders.ndjson',
    'gunzip < orders.ndjson.gz | shardmap import ./orders',
    'shardmap import ./orders orders.ndjson --skip-invalid',
  ]);
  command
    .argument('<dir>', 'the directory of the store, which is made if it is missing')
    .argument('[file]', 'the file to be read; standard input if it is missing or -')
    .option('--skip-invalid', 'count lines that are not valid, and go on');
  type Options = Common & { skipInvalid?: boolean };
  addCommonOptions(command).action(async (dir: string, file: string | undefined, options: Options) => {
    const { importStore } = await import('./import.js');
    conclude('import', options, await importStore(dir, unlessDash(file), options));
  });
}

function addBench(program: Command, conclude: Conclude): void {
  const command = addCommand(program, 'bench', 'Measures maps in memory on this machine, for some seconds.', [
    'shardmap bench',
    'shardmap bench --entries 1000000 --workers 4',
    'shardmap bench --json > bench.json',
  ]);
  command
    .option('--entries <n>', 'entries in each map', wholeNumber(1, ENTRIES_MAX), ENTRIES)
    .option('--seconds <n>', 'how long each measurement takes', seconds, SECONDS)
    .option('--workers <n>', 'workers at most (default: as many as cores)', wholeNumber(1, WORKERS_MAX));
  type Options = Common & { entries: number; seconds: number; workers?: number };
  addCommonOptions(command).action(async (options: Options) => {
    const { bench } = await import('./bench.js');
    conclude('bench', options, await bench({ workers: os.availableParallelism(), ...options }));
  });
}

function unlessDash(file: string | undefined): string | undefined {
  return file === '-' ? undefined : file;
}

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

function seconds(text: string): number {
  const value = /^\d{1,3}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (value > 0 && value <= SECONDS_MAX) return value;
  throw new InvalidArgumentError(`It must be a number above 0, and at most ${SECONDS_MAX}.`);
}
