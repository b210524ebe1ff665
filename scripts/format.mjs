// `npm run format`: writes TypeScript, JavaScript and JSON as Biome, and C++ as clang-format would have them.
import { files } from './files.mjs';
import { have, run } from './tool.mjs';

let ok = run('biome', ['check', '--write', '--linter-enabled=false']);
if (have('clang-format')) {
  ok = run('clang-format', ['-i', ...files('', ['.cc', '.h'])]) && ok;
} else {
  console.log('SKIPPED C++: clang-format is not installed');
}
process.exitCode = ok ? 0 : 1;
