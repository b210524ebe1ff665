// Where node-gyp finds Node's headers: most Node distributions carry their own, and then nothing need be downloaded.
import { existsSync } from 'node:fs';
import path from 'node:path';

/**
 * What to add to node-gyp's environment: nothing where the user has chosen headers, or where this Node has none.
 *
 * @returns {NodeJS.ProcessEnv}
 */
export function headers() {
  if (process.env['npm_config_nodedir']) return {};
  const prefix = path.resolve(path.dirname(process.execPath), '..');
  return existsSync(path.join(prefix, 'include/node/common.gypi')) ? { npm_config_nodedir: prefix } : {};
}
