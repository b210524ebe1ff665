// What pools.test.ts runs in each of vitest's pools: two files at once, in this folder alone.
import { defineConfig } from 'vitest/config';

export default defineConfig({ test: { include: ['*.fixture.mjs'] } });
