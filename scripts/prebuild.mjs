// Makes prebuilds/<platform>-<arch>/shardmap.<libc>.node, the binary that an installed package loads.
//
// node-gyp empties build/, where the checkout's own addon lies: so it works on a copy. Run it through npm, which brings
// node-gyp.
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { headers } from './headers.mjs';
import { ROOT } from './sources.mjs';
import { have, run } from './tool.mjs';

if (!have('node-gyp')) {
  console.error('node-gyp is not found: `npm run prebuild` brings that of npm');
  process.exit(1);
}

const copy = path.join(ROOT, '.build/prebuild');
rmSync(copy, { recursive: true, force: true });
mkdirSync(copy, { recursive: true });
for (const name of ['package.json', 'binding.gyp', 'native', 'scripts']) {
  cpSync(path.join(ROOT, name), path.join(copy, name), { recursive: true });
}

const args = ['--napi', '--strip', '--tag-libc', '--cwd', copy, '--out', ROOT, '--target', process.versions.node];
process.exitCode = run('prebuildify', args, { JOBS: 'max', ...headers() }) ? 0 : 1;
