/** Danger: the documentation, the help and the command each say something else. */

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAIN, ROOT, runJson } from './command.js';

const page = readFileSync(path.join(ROOT, 'docs/command-line.md'), 'utf8');

function blocksOf(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map(([, text = '']) => text);
}

/** Each command of the page, and what it prints. */
const steps = blocksOf('console').flatMap((block) =>
  block
    .split(/^\$ /m)
    .slice(1)
    .map((step) => {
      const end = step.indexOf('\n');
      return { command: step.slice(0, end), output: step.slice(end + 1) };
    }),
);

/** `…` is anything in a line; a line of it alone is any lines. */
function patternOf(output: string): RegExp {
  const lines = output.replaceAll(/ {2,}(?=…)/g, '  ').split('\n');
  const patterns = lines.map((line) =>
    line.trim() === '…' ? '.*(?:\\n.*)*?' : line.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('…', '.+'),
  );
  return new RegExp(`^${patterns.join('\n').replaceAll('  ', ' +')}$`);
}

const folder = mkdtempSync(path.join(tmpdir(), 'shardmap-docs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(() => {
  const bin = path.join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(path.join(bin, 'shardmap'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
  chmodSync(path.join(bin, 'shardmap'), 0o755);
  writeFileSync(path.join(folder, 'orders.ndjson'), blocksOf('ndjson')[0] as string);
});

function runShell(command: string): string {
  const env = { ...process.env, PATH: `${folder}/bin:${process.env.PATH}` };
  const script = `{ ${command}\n} 2>&1 || true`;
  return execFileSync('bash', ['-c', script], { cwd: folder, env, encoding: 'utf8' });
}

describe('docs/command-line.md', () => {
  it('has examples of all commands', () => {
    for (const command of ['inspect', 'verify', 'repair', 'export', 'import', 'bench'])
      expect(steps.filter((step) => step.command.includes(`shardmap ${command} `)).length).toBeGreaterThan(1);
  });

  it.each(steps.map((step) => [step.command, step.output]))('shows what is printed: %s', (command, output) => {
    expect(runShell(command)).toMatch(patternOf(output));
  });

  it('lists all names that --json prints', async () => {
    const orders = path.join(folder, 'orders');
    const to = path.join(folder, 'again');
    for (const args of [
      ['inspect', orders],
      ['verify', path.join(folder, 'damaged')],
      ['repair', path.join(folder, 'damaged'), '--to', to],
    ]) {
      const { keyKinds, valueKinds, ...document } = await runJson(args);
      for (const name of namesOf(document)) expect(page).toContain(`\`${name}\``);
    }
  });

  it('lists all codes of errors of the command’s own', () => {
    const source = readFileSync(path.join(ROOT, 'lib/cli/failure.ts'), 'utf8');
    const codes = new Set(source.match(/ERR_CLI_\w+/g));
    expect(new Set(page.match(/^\| `ERR_CLI_\w+/gm)?.map((row) => row.slice(3)))).toEqual(codes);
  });
});

function namesOf(json: unknown): string[] {
  if (Array.isArray(json)) return json.flatMap(namesOf);
  if (typeof json !== 'object' || json === null) return [];
  return Object.entries(json).flatMap(([name, inner]) => [name, ...namesOf(inner)]);
}
