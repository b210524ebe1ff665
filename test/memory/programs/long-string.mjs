// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// Sets one long string of two bytes a character; reports how much more memory the process had at most than before.
import { ShardMap } from '../../../dist/index.js';

const chars = Number(process.argv[2]);
const map = new ShardMap();
const text = 'Ж'.repeat(chars);
const mostBytes = () => process.resourceUsage().maxRSS * 1024;

map.set('short', text.charCodeAt(1)); // from now on the string is in one piece
const before = mostBytes();
map.set('long', text);
console.log(JSON.stringify({ grown: mostBytes() - before, isSame: map.get('long') === text }));
