// Opens the directory that is given, writes as it is told to, and ends as it is told to.
import { ShardMap } from '../../../dist/index.js';

const [dir = '', fsync, ending] = process.argv.slice(2);
const map = /** @type {ShardMap<string, any>} */ (
  await ShardMap.open({ dir, fsync: /** @type {'always' | 'interval' | 'never'} */ (fsync) })
);

if (ending === 'hold') {
  map.set('held', 1);
  await map.flush();
  process.stdout.write('held\n');
  setInterval(() => {}, 1000);
} else {
  map.set('count', (map.get('count') ?? 0) + 1);
  if (ending === 'exit') process.exit();
  if (ending === 'throw') throw new Error('by intent');
  if (ending === 'close') map.close();
}
