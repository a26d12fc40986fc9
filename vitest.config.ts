// How the tests run: each file in a process of its own, because tests open real files, ports and worker threads.
// Three at a time: most of what takes long waits for leases, deadlines and processes, and two leave half of two processors idle.
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    environment: 'node',
    pool: 'forks',
    maxWorkers: 3,
    // Starts a PostgreSQL server for those that ask for one.
    globalSetup: ['test/postgres/global-setup.ts'],
    // Threads of a SQLite store and child processes load unbuilt sources anew; with this they do so three times as fast.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/node') },
    // Only what hangs is ended: a busy machine is slow, and coverage is slower.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    include: [
      'src/**/*.test.ts',
      'test/**/*.test.ts',
      'examples/**/*.test.ts',
      'bench/**/*.test.ts',
      'dashboard/**/*.test.ts',
    ],
    coverage: {
      provider: 'v8',
      include: ['src/core/**/*.ts'],
      exclude: ['**/*.test.ts', '**/*.test-d.ts'],
      reporter: ['text', 'html'],
      thresholds: { lines: 100, branches: 100, functions: 100, statements: 100 },
    },
  },
})
