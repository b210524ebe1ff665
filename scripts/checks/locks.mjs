// Clang proves the lock rules that native/base/mutex.h's annotations state, and has its say on our warnings.
import { sources } from '../sources.mjs';
import { capture, have } from '../tool.mjs';

const WARNINGS = ['-Wall', '-Wextra', '-Wpedantic', '-Wshadow', '-Wconversion', '-Wno-sign-conversion'];
const LOCKS = ['-Wthread-safety', '-Wthread-safety-beta'];

/** @returns {import('../check.mjs').Outcome} */
export default function locks() {
  // The binding has no locks, and needs Node's headers.
  const core = sources().filter((source) => source.endsWith('.cc') && !source.startsWith('native/binding/'));
  if (!have('clang++')) {
    return { checked: [], skipped: [`${core.length} C++ sources: clang++ is not installed`], violations: [] };
  }
  const flags = ['-std=c++20', '-fsyntax-only', '-Inative', ...WARNINGS, ...LOCKS, '-Werror'];
  const { ok, output } = capture('clang++', [...flags, ...core]);
  return { checked: [`${core.length} C++ sources with clang++`], skipped: [], violations: ok ? [] : [output] };
}
