/** The main step: read, connect, run, report. Only this file, `post.ts` and `require-node.ts` do anything when they are loaded. */
// Keep this first: an old Node fails on what the other imports load.
import './require-node.ts'

import { getInput, setFailed } from '@actions/core'
import { connect, mask } from './connect.ts'
import { runnerKeepsake } from './github/keepsake.ts'
import { runnerLog as log } from './github/log.ts'
import { writeEarly, writeResult } from './github/result-files.ts'
import { readSurroundings } from './github/surroundings.ts'
import { parseInputs } from './inputs.ts'
import { Pace } from './pace.ts'
import { report } from './report.ts'
import { run } from './run.ts'

const fail = (what: string, todo: string): void => setFailed(`${what}\n${todo}`)

async function main(signal: AbortSignal): Promise<void> {
  // Before anything is printed: a fault of the inputs may quote what was pasted into the wrong one.
  mask({ accessKeySecret: getInput('access-key-secret'), securityToken: getInput('security-token') })
  const parsed = parseInputs(getInput, readSurroundings(process.env))
  if (!parsed.ok) {
    fail(`The inputs are not right:\n${parsed.faults.map((fault) => `- ${fault}`).join('\n')}`, 'No request was made.')
    return
  }
  const { request, settings } = parsed.value
  const pace = new Pace({ ...settings, signal })
  const ecs = await connect(settings, { pace, log })
  for (const doubt of parsed.doubts) log.warning(doubt)
  log.info(`Run: ${request.run.key}, attempt ${request.run.attempt}`)
  const onImage = (image: string) => writeEarly('image-id', image)
  const { outputs, notices, failure, headline, summary } = report(
    await run(request, { ecs, pace, log, keepsake: runnerKeepsake, onImage }),
  )
  for (const { level, text } of notices) log[level](text)
  if (failure) fail(failure.what, failure.todo)
  else log.info(headline)
  await writeResult({ outputs, summary })
}

const cancellation = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => cancellation.abort())

try {
  await main(cancellation.signal)
} catch (error) {
  const todo =
    error instanceof Error && 'todo' in error
      ? String(error.todo)
      : 'This is a fault of the action itself: open an issue.'
  fail(error instanceof Error ? error.message : String(error), todo)
}
// A request that was given up, or a connection kept alive, must not hold the step.
process.exit()
