import { defineConfig } from 'vitest/config'

if (!process.version.startsWith('v24.')) {
  throw new Error(`The tests need Node 24, the runtime of the action; this is ${process.version}. Install it, or run on a platform that package.json pins it for.`)
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    deps: { interopDefault: false },
    server: { deps: { inline: [/@actions\/workflow-parser/] } },
  },
})
