import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

if (!process.version.startsWith('v24.')) {
  throw new Error(
    `The tests need Node 24, the runtime of the action; this is ${process.version}. Install it, or run on a platform that package.json pins it for.`,
  )
}

/** Files that take the longest begin first, so that no worker is left with one of them at the end. */
class LongestFirst extends BaseSequencer {
  static readonly longest =
    /runs\/(region-failing|fault|lost|switch|together|scale|property)|docs\/examples|action\/kill/

  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean => LongestFirst.longest.test(moduleId)
    const sorted = await super.sort(files)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
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
    sequence: { sequencer: LongestFirst },
    deps: { interopDefault: false },
    server: { deps: { inline: [/@actions\/workflow-parser/] } },
  },
})
