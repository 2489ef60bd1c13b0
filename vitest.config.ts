import { defineConfig } from 'vitest/config'

if (!process.version.startsWith('v24.')) {
  throw new Error(
    `The tests need Node 24, the runtime of the action; this is ${process.version}. Install it, or run on a platform that package.json pins it for.`,
  )
}

export default defineConfig({
  // Without it: a warning for each file of a dependency that was published without its sources.
  logLevel: 'error',
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/seed.ts'],
    testTimeout: 60_000,
    // As many as CI has cores.
    maxWorkers: 2,
    deps: { interopDefault: false },
    server: { deps: { inline: [/@actions\/workflow-parser/] } },
  },
})
