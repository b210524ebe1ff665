// A Redis with an append-only file, and its clients.
import { once } from 'node:events';
import path from 'node:path';
import { connect, startServer } from '../redis.mjs';

const SET_AT_ONCE = 10_000;

/**
 * @param {string} label
 * @param {'always' | 'everysec'} fsync
 * @returns {import('../../durable/stores.mjs').DurableStore}
 */
export function storeOf(label, fsync) {
  return {
    label,
    async serve(folder) {
      // Nothing is rewritten: the file would be read and written in the middle of what is measured.
      const durable = [
        '--dir',
        folder,
        '--appendonly',
        'yes',
        '--appendfsync',
        fsync,
        '--auto-aof-rewrite-percentage',
        '0',
      ];
      const server = await startServer(socketIn(folder), durable);
      return async () => {
        server.kill();
        await once(server, 'exit');
      };
    },
    async attach(folder) {
      const client = await connect(socketIn(folder), { enableAutoPipelining: true });
      return {
        async fill(entries) {
          const flat = entries.flat();
          const answers = [];
          while (flat.length > 0) answers.push(client.mset(flat.splice(0, 2 * SET_AT_ONCE)));
          await Promise.all(answers);
        },
        set: (key, value) => client.set(key, value),
        close: () => client.disconnect(),
      };
    },
  };
}

/** @param {string} folder */
const socketIn = (folder) => path.join(folder, 'redis.sock');
