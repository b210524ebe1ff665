// Redis over a unix socket with an append-only file that is synced before it answers, asked by ioredis.
import { storeOf } from './redis-server.mjs';

export default storeOf('Redis', 'always');
