// The package's install step. In an installed package: nothing where a prebuilt binary loads, else a compile by
// node-gyp.
//
// In a checkout it leaves the building to `prepare`, which npm runs next and which needs the development tools; without
// an install step of ours, npm would run node-gyp there by itself and the addon would be built twice. A checkout is
// told by CMakeLists.txt: the tarball leaves it out.
//
// An install that skips this step (--ignore-scripts) works too wherever there is a prebuilt binary.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { headers } from './headers.mjs';

const root = path.dirname(import.meta.dirname);

if (existsSync(path.join(root, 'CMakeLists.txt'))) {
  console.log('shardmap: a checkout, which `npm run prepare` builds');
} else {
  const builder = createRequire(import.meta.url).resolve('node-gyp-build/bin.js');
  const env = { JOBS: 'max', ...headers(), ...process.env };
  process.exitCode = spawnSync(process.execPath, [builder], { cwd: root, env, stdio: 'inherit' }).status ?? 1;
}
