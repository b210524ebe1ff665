// Files are written as `npm run format` writes them.
import { files } from '../files.mjs';
import { capture, have } from '../tool.mjs';

/** @returns {import('../check.mjs').Outcome} */
export default function format() {
  /** @type {import('../check.mjs').Outcome} */
  const outcome = { checked: ['TypeScript, JavaScript and JSON with biome'], skipped: [], violations: [] };
  const biome = capture('biome', ['format']);
  if (!biome.ok) outcome.violations.push(biome.output);

  const cpp = files('', ['.cc', '.h']);
  if (!have('clang-format')) {
    outcome.skipped.push(`${cpp.length} C++ files: clang-format is not installed`);
  } else if (cpp.length > 0) {
    outcome.checked.push(`${cpp.length} C++ files with clang-format`);
    const clang = capture('clang-format', ['--dry-run', '-Werror', ...cpp]);
    if (!clang.ok) outcome.violations.push(clang.output);
  }
  return outcome;
}
