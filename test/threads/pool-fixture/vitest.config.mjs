// What pools.test.ts runs in each of vitest's pools: two files at once, in this folder alone.
import { defineConfig } from 'vitest/config';

export default defineConfig({ cacheDir: '../../../.build/pool-fixture', test: { include: ['*.fixture.mjs'] } });
