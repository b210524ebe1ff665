// better-sqlite3: a table in a file, each transaction waits for the disk, and its thread for it.
import path from 'node:path';
import { load } from '../packages.mjs';

/** @type {import('../../durable/stores.mjs').DurableStore} */
export default {
  label: 'better-sqlite3',
  async attach(folder) {
    const { default: Database } = await load('better-sqlite3');
    const db = new Database(path.join(folder, 'entries.db'), { timeout: 60_000 });
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.exec('CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value) WITHOUT ROWID');
    const set = db.prepare('INSERT OR REPLACE INTO entries VALUES (?, ?)');
    const setAll = db.transaction((/** @type {import('../../durable/stores.mjs').Entries} */ entries) => {
      for (const [key, value] of entries) set.run(key, value);
    });
    return { fill: setAll, set: (key, value) => set.run(key, value), close: () => db.close() };
  },
};
