/** The main step: read, connect, run, report. Only this file, `post.ts` and `require-node.ts` do anything when they are loaded. */
// Keep this first: an old Node fails on what the other imports load.
import './require-node.ts'

import { setFailed } from '@actions/core'
import { connect, maskSecretInputs } from './connect.ts'
import { errorData } from './engine/action-error.ts'
import { Clock } from './engine/clock.ts'
import { run } from './engine/run.ts'
import { readRunContext } from './github/context.ts'
import { readGivenInputs } from './github/given-inputs.ts'
import { runnerLog as log } from './github/log.ts'
import { writeEarly, writeResult } from './github/result-files.ts'
import { runnerState } from './github/state.ts'
import { parseInputs } from './inputs/parse.ts'
import { errorText } from './report/annotations.ts'
import { type Report, report, reportFailure } from './report/index.ts'
import { invalidInputs, noOutcome } from './report/outside-of-runs.ts'

async function main(signal: AbortSignal): Promise<void> {
  const given = readGivenInputs(process.env)
  // Before anything is printed: an error may quote what was pasted into the wrong input.
  maskSecretInputs(given)
  const parsed = parseInputs(given, readRunContext(process.env))
  if (!parsed.ok) {
    await publish(reportFailure(invalidInputs(parsed.errors)))
    return
  }
  const { request, settings } = parsed.value
  const clock = new Clock({ ...settings, signal })
  const ecs = await connect(settings, { clock, log })
  for (const warning of parsed.warnings) log.warning(warning)
  log.info(`Run: ${request.run.key}, attempt ${request.run.attempt}`)
  const onImage = (image: string) => writeEarly('image-id', image)
  await publish(report(await run(request, { ecs, clock, log, postState: runnerState, onImage })))
}

/** Logs the result first: a file of the runner that cannot be written must not hide it. */
async function publish({ outputs, notices, failure, headline, summary }: Report): Promise<void> {
  for (const { level, text } of notices) log[level](text)
  if (failure) setFailed(errorText(failure))
  else log.info(headline)
  await writeResult({ outputs, summary })
}

const cancellation = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => cancellation.abort())

try {
  await main(cancellation.signal)
} catch (thrown) {
  await publish(reportFailure(noOutcome(errorData(thrown))))
}
// A request that was given up, or a connection kept alive, must not hold the step.
process.exit()
