import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    // Every file starts the servers it needs, on free ports and in folders of its own; two at a time fit a small machine.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // One second, the default, is too short on a machine that is busy with another file.
    expect: { poll: { timeout: 10_000 } },
  },
});
