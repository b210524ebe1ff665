// `npm run test:fuzz [-- --seconds N] [target...]`: libFuzzer's targets of test/fuzz, under AddressSanitizer and UBSan.
//
// Each tries its saved corpus, and then what it makes of that for so long: 60 seconds unless told otherwise. One runs
// on each core. What it finds new is kept in .build/fuzz/corpus/, an input that fails in .build/fuzz/failed/.
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from './sources.mjs';
import { CI, capture, have, run } from './tool.mjs';

const FOLDER = path.join(ROOT, '.build/fuzz');
const SOURCES = path.join(ROOT, 'test/fuzz');
const ENDING = '_fuzz.cc';
const TARGETS = readdirSync(SOURCES)
  .filter((name) => name.endsWith(ENDING))
  .map((name) => name.slice(0, -ENDING.length));
// Of one input. None takes more than some milliseconds.
const INPUT_SECONDS_MAX = 20;

process.exitCode = (await main()) ? 0 : 1;

async function main() {
  const { values, positionals } = parseArgs({
    options: { seconds: { type: 'string', default: '60' } },
    allowPositionals: true,
  });
  const unknown = positionals.filter((name) => !TARGETS.includes(name));
  const seconds = Number(values.seconds);
  if (unknown.length > 0 || !(seconds > 0)) {
    console.error(`usage: npm run test:fuzz [-- --seconds N] [${TARGETS.join('|')}]...`);
    return false;
  }
  const missing = build();
  if (missing !== undefined) {
    console.log(`SKIPPED fuzzing: ${missing}${CI ? ', and CI skips nothing' : ''}`);
    return !CI;
  }
  const targets = positionals.length > 0 ? positionals : TARGETS;
  const waiting = [...targets];
  let failed = 0;
  const work = async () => {
    for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) {
      if (!(await fuzz(target, seconds))) ++failed;
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  console.log(`fuzzing: ${targets.length - failed} of ${targets.length} targets found nothing`);
  return failed === 0;
}

/** @returns {string | undefined} what is missing */
function build() {
  for (const tool of ['cmake', 'clang++']) if (!have(tool)) return `${tool} is not installed`;
  const args = ['-S', SOURCES, '-B', FOLDER, '-DCMAKE_CXX_COMPILER=clang++', '-DSHARDMAP_WERROR=ON'];
  args.push('-DCMAKE_BUILD_TYPE=Test', '-DCMAKE_CXX_FLAGS_TEST=-O2 -g1');
  if (have('ninja')) args.push('-G', 'Ninja');
  const configured = capture('cmake', args);
  const missing = /SHARDMAP_MISSING: (.*)/.exec(configured.output)?.[1];
  if (missing !== undefined) return missing;
  if (!configured.ok) throw new Error(configured.output);
  if (!run('cmake', ['--build', FOLDER, '--parallel', String(availableParallelism())])) throw new Error('no build');
  return undefined;
}

/**
 * @param {string} target
 * @param {number} seconds
 * @returns {Promise<boolean>} whether nothing was found
 */
async function fuzz(target, seconds) {
  const found = path.join(FOLDER, 'corpus', target);
  const failures = path.join(FOLDER, 'failed', `${target}-`);
  const saved = path.join(SOURCES, 'corpus', target);
  for (const folder of [found, path.dirname(failures)]) mkdirSync(folder, { recursive: true });
  const limits = [`-timeout=${INPUT_SECONDS_MAX}`, '-rss_limit_mb=2048', `-artifact_prefix=${failures}`];
  const program = path.join(FOLDER, `${target}_fuzz`);

  // An input that fails after a change is one that failed before.
  const inputs = readdirSync(saved).map((name) => path.join(saved, name));
  const tried = await outputOf(program, [...limits, ...inputs]);
  if (tried.code !== 0) return report(target, tried.output, 'an input of the saved corpus fails');

  const log = path.join(FOLDER, `${target}.log`);
  const { code, output } = await outputOf(program, [...limits, `-max_total_time=${seconds}`, found, saved]);
  writeFileSync(log, output);
  if (code !== 0) return report(target, output, `its log is ${path.relative(ROOT, log)}`);
  const runs = /^Done (\d+) runs/m.exec(output)?.[1];
  // What has not run has found nothing either.
  if (runs === undefined || Number(runs) <= inputs.length) return report(target, output, 'it tried nothing');
  const coverage = [...output.matchAll(/ cov: (\d+)/g)].at(-1)?.[1];
  const seed = /INFO: Seed: (\d+)/.exec(output)?.[1];
  console.log(`ok ${target}: ${inputs.length} saved inputs, ${runs} others, ${coverage} edges (seed ${seed})`);
  return true;
}

/**
 * @param {string} target
 * @param {string} output
 * @param {string} why
 */
function report(target, output, why) {
  const input = /Test unit written to (\S+)/.exec(output)?.[1];
  console.log(output.split('\n').slice(-60).join('\n'));
  console.log(`FAILED ${target}: ${why}`);
  if (input !== undefined) {
    console.log(`  ${readFileSync(input).toString('base64')}`);
    console.log(`  to repeat: .build/fuzz/${target}_fuzz ${path.relative(ROOT, input)}`);
  }
  return false;
}

/**
 * @param {string} program
 * @param {string[]} args
 * @returns {Promise<{ code: number | null, output: string }>}
 */
function outputOf(program, args) {
  return new Promise((resolve, reject) => {
    const env = {
      ...process.env,
      ASAN_OPTIONS: 'detect_stack_use_after_return=1',
      UBSAN_OPTIONS: 'print_stacktrace=1',
    };
    const child = spawn(program, args, { cwd: ROOT, env, stdio: ['ignore', 'ignore', 'pipe'] });
    let output = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}
