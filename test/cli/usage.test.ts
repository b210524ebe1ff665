/** Danger: a command that is called wrongly does something all the same, or leaves its user without a hint. */

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../lib/cli/program.js';
import { newDirectory } from '../durability/directories.js';
import { MAIN, ROOT, run, runJson } from './command.js';

const COMMANDS = ['inspect', 'verify', 'repair', 'export', 'import', 'bench'];
const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string };

describe('the command', () => {
  it('is a program that its first line names the interpreter of', () => {
    expect(readFileSync(MAIN, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  it('tells its version', async () => {
    expect(await run(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('prints its help, and by itself as a hint', async () => {
    const help = await run(['--help']);
    expect(help.code).toBe(0);
    for (const command of COMMANDS) expect(help.stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    const bare = await run([]);
    expect(bare).toMatchObject({ code: 2, stdout: '' });
    expect(bare.stderr).toBe(`${help.stdout}shardmap: a command is needed [ERR_CLI_USAGE]\n`);
  });

  it.each([
    [['inspekt'], "unknown command 'inspekt' (Did you mean inspect?)"],
    [['inspect', 'x', '--jsn'], "unknown option '--jsn' (Did you mean --json?)"],
    [['repair', 'x'], "required option '--to <new>' not specified"],
  ])('%j ends with 2 and a hint', async (args, message) => {
    const stderr = `shardmap: ${message} [ERR_CLI_USAGE]\n`;
    expect(await run(args)).toEqual({ code: 2, stdout: '', stderr });
  });

  it.each([
    [['verify', 'x', '--stric'], 'Did you mean --strict?'],
    [['verify'], "missing required argument 'dir'"],
    [['verify', 'x', 'y'], "too many arguments for 'verify'. Expected 1 argument but got 2."],
    [['repair', 'x', '--to'], "option '--to <new>' argument missing"],
    [['inspect', 'x', '--top', '-1'], "'-1' is invalid. It must be a whole number from 0 to 1000"],
    [['inspect', 'x', '--top', 'ten'], "'ten' is invalid"],
    [['bench', '--seconds', '0'], "'0' is invalid. It must be a number above 0, and at most 60"],
    [['bench', '--workers', '1.5'], "'1.5' is invalid"],
    [['bench', '--entries', '99999999999'], 'is invalid'],
    [['export', 'x', '--json'], '--json needs a file'],
    [['import', 'x', '-', '--json', '--skip-invalidd'], 'Did you mean --skip-invalid?'],
  ])('%j is refused', async (args, message) => {
    const program = createProgram(() => expect.unreachable());
    await expect(program.parseAsync(['node', 'shardmap', ...args])).rejects.toThrow(message);
  });

  it('tells errors as one line with their code, as JSON, and with their stack if asked to', async () => {
    const dir = newDirectory();
    const { code, stdout, stderr } = await run(['verify', dir]);
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toMatch(/^shardmap: .*no such file or directory.* \[ENOENT\]\n$/);
    expect(await runJson(['verify', dir])).toEqual({
      command: 'verify',
      exitCode: 3,
      error: { code: 'ENOENT', message: expect.stringContaining(dir) },
    });
    expect((await run(['verify', dir, '--debug'])).stderr).toMatch(/\n {4}at /);
    expect(await runJson(['verify', '--strikt'])).toMatchObject({ exitCode: 2, error: { code: 'ERR_CLI_USAGE' } });
  });
});

describe('the library', () => {
  const imports = (file: string): string[] =>
    [...readFileSync(file, 'utf8').matchAll(/(?:from|import\() ?'([^']+)'/g)].map(([, name = '']) => name);

  it('loads nothing of the command, nor what the command is made with', () => {
    const files = readdirSync(path.join(ROOT, 'lib')).filter((name) => name.endsWith('.ts'));
    const loaded = new Set(files.flatMap((file) => imports(path.join(ROOT, 'lib', file))));
    expect([...loaded].filter((name) => /cli|commander/.test(name))).toEqual([]);
    expect(loaded).toContain('msgpackr');
  });

  it('is not loaded by the help', () => {
    const program = `process.argv.push('--help');
      process.on('exit', () => {
        const { sharedObjects } = process.report.getReport();
        console.error(sharedObjects.filter((file) => file.endsWith('.node')).length);
      });
      await import(${JSON.stringify(MAIN)});`;
    const options = { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] } as const;
    const script = `node --input-type=module -e "$0" 2>&1 >/dev/null`;
    expect(execFileSync('sh', ['-c', script, program], { ...options, stdio: 'pipe' })).toBe('0\n');
  });
});
