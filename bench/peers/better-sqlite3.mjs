// better-sqlite3: a table in a file, without waiting for the disk. One thread's use of it; a set is a transaction of
// its own.
import path from 'node:path';
import { createFolder, load } from './packages.mjs';

/** @type {import('../stores.mjs').Store} */
export default {
  label: 'better-sqlite3',
  waits: true,
  async open(fill) {
    const { folder, remove } = createFolder();
    const db = await openTable(folder);
    const set = db.prepare('INSERT OR REPLACE INTO entries VALUES (?, ?)');
    db.transaction(() => fill((key, value) => set.run(key, value)))();
    db.close();
    return { ticket: () => ({ handle: folder }), close: remove };
  },
  async attach(folder) {
    const db = await openTable(folder);
    const get = db.prepare('SELECT value FROM entries WHERE key = ?').pluck();
    const set = db.prepare('INSERT OR REPLACE INTO entries VALUES (?, ?)');
    return {
      get: (key) => get.get(key),
      set: (key, value) => set.run(key, value),
      batch: (work) => db.transaction(work)(),
      close: () => db.close(),
    };
  },
};

/** @param {string} folder */
async function openTable(folder) {
  const { default: Database } = await load('better-sqlite3');
  const db = new Database(path.join(folder, 'entries.db'));
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = OFF');
  db.exec('CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value) WITHOUT ROWID');
  return db;
}
