// classic-level, LevelDB: one thread's. Sets that are under way at once are synced together.
import { load } from '../packages.mjs';

/** @type {import('../../durable/stores.mjs').DurableStore} */
export default {
  label: 'classic-level',
  async attach(folder) {
    const { ClassicLevel } = await load('classic-level');
    const db = new ClassicLevel(folder);
    await db.open();
    const type = 'put';
    return {
      fill: (entries) =>
        db.batch(
          entries.map(([key, value]) => ({ type, key, value })),
          { sync: true },
        ),
      set: (key, value) => db.put(key, value, { sync: true }),
      close: () => db.close(),
    };
  },
};
