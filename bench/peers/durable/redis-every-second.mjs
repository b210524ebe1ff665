// The same, synced every second.
import { storeOf } from './redis-server.mjs';

export default storeOf('Redis, every second', 'everysec');
