// The core's bench as a program: builds it, runs it, and reads its figures. README.md beside this file says what its
// names are made of.
import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');
const FOLDER = path.join(ROOT, '.build/bench');

/** @typedef {{ map: string, cell: string, rate: number, cpuShare: number }} Figure M/s; the part of a core used */
/** @typedef {{ name: string, items_per_second: number, cpu_time: number, real_time: number }} Benchmark as printed */

/** @returns {string} why it cannot be built, in a line; nothing where it is built */
export function buildProgram() {
  const steps = [
    ['-S', ROOT, '-B', FOLDER, '-DSHARDMAP_BENCH=ON', '-DCMAKE_BUILD_TYPE=Release'],
    ['--build', FOLDER, '--target', 'shardmap_bench', '--parallel'],
  ];
  for (const args of steps) {
    const { error, status, stderr } = spawnSync('cmake', args, { encoding: 'utf8' });
    if (error) return 'the core: cmake is not installed';
    if (status !== 0)
      return `the core: ${/^.*(error|could not be found|not found).*$/im.exec(stderr)?.[0] ?? 'cmake failed'}`;
  }
  return '';
}

/**
 * Fills and mixes of gets and overwrites, by one and two threads.
 *
 * @param {string[]} maps
 * @param {number[]} reads percent
 * @param {number} seconds of each figure
 * @returns {{ figures: Figure[], leftOut: string }}
 */
export function runProgram(maps, reads, seconds) {
  const mixes = `reads:(${reads.join('|')})/real_time/threads:[12]`;
  const filter = `^(Fill|Mixed)/map:(${maps.join('|')})/entries:[0-9]+/(manual_time|${mixes})$`;
  const args = [`--benchmark_filter=${filter}`, '--benchmark_format=json', `--benchmark_min_time=${seconds}`];
  const program = path.join(FOLDER, 'shardmap_bench');
  const output = execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  /** @type {{ benchmarks: Benchmark[], context: { left_out?: string } }} */
  const { benchmarks, context } = JSON.parse(output);
  return { figures: benchmarks.map(readFigure), leftOut: context.left_out?.trim() ?? '' };
}

/**
 * @param {Benchmark} benchmark
 * @returns {Figure}
 */
function readFigure({ name, items_per_second, cpu_time, real_time }) {
  const partOf = (/** @type {string} */ key) => new RegExp(`/${key}:([^/]+)`).exec(name)?.[1] ?? '';
  const [map, reads, threads] = [partOf('map'), partOf('reads'), Number(partOf('threads') || 1)];
  const cell = cellName(reads ? `${reads} % reads` : 'fill', threads);
  return { map, cell, rate: items_per_second / 1e6, cpuShare: cpu_time / real_time / threads };
}

/**
 * @param {string} work
 * @param {number} threads
 */
export function cellName(work, threads) {
  return `${work}, ${threads} thread${threads > 1 ? 's' : ''}`;
}
