// Redis over a unix socket, asked by ioredis: the operations of a window go in one pipeline.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createFolder, load } from './packages.mjs';

const FILLED_AT_ONCE = 10_000;

/** @type {import('../stores.mjs').Store} */
export default {
  label: 'Redis',
  waits: true,
  async open(fill) {
    const { folder, remove } = createFolder();
    const socket = path.join(folder, 'redis.sock');
    const server = await startServer(socket, ['--appendonly', 'no']);
    const client = await connect(socket);
    /** @type {string[]} */
    const entries = [];
    fill((key, value) => entries.push(key, String(value)));
    while (entries.length > 0) await client.mset(entries.splice(0, FILLED_AT_ONCE));
    client.disconnect();
    const close = async () => {
      server.kill();
      await once(server, 'exit');
      remove();
    };
    return { ticket: () => ({ handle: socket }), close };
  },
  async attach(socket) {
    const client = await connect(socket);
    return {
      async exchange(gets, sets) {
        const pipeline = client.pipeline();
        for (const key of gets) pipeline.get(key);
        for (const [key, value] of sets) pipeline.set(key, value);
        /** @type {[Error | null, string][]} */
        const answers = await pipeline.exec();
        return answers.slice(0, gets.length).reduce((sum, [, value]) => sum + Number(value), 0);
      },
      close: () => client.disconnect(),
    };
  },
};

/**
 * @param {string} socket
 * @param {string[]} options
 */
export async function startServer(socket, options) {
  const args = ['--port', '0', '--unixsocket', socket, '--save', '', '--daemonize', 'no', ...options];
  const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(server, 'spawn'); // rejects where there is none
  for await (const line of server.stdout.setEncoding('utf8')) if (line.includes('eady to accept')) break;
  return server;
}

/**
 * @param {string} socket
 * @param {Record<string, unknown>} [options] of ioredis
 */
export async function connect(socket, options) {
  const { Redis } = await load('ioredis');
  const client = new Redis({ path: socket, lazyConnect: true, ...options });
  await client.connect();
  return client;
}
