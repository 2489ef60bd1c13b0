/** The main step: read, connect, run, report. The only file, with `post.ts`, that does anything when it is loaded. */
import { getInput, setFailed, setOutput, summary } from '@actions/core'
import { connect, mask } from './connect.ts'
import { Clock } from './engine/clock.ts'
import { run } from './engine/run.ts'
import { readRunContext } from './github/context.ts'
import { runnerLog as log } from './github/log.ts'
import { runnerState } from './github/state.ts'
import { parseInputs } from './inputs/parse.ts'
import { report } from './report/outputs.ts'

const fail = (what: string, remedy: string): void => setFailed(`${what}\n${remedy}`)

async function main(signal: AbortSignal): Promise<void> {
  // Before anything is printed: a fault of the inputs may quote what was pasted into the wrong one.
  mask({ accessKeySecret: getInput('access-key-secret'), securityToken: getInput('security-token') })
  const parsed = parseInputs(getInput, readRunContext(process.env))
  if (!parsed.ok) {
    fail(`Invalid inputs:\n${parsed.errors.map((error) => `- ${error}`).join('\n')}`, 'No request was made.')
    return
  }
  const { request, settings } = parsed.value
  const clock = new Clock({ ...settings, signal })
  const ecs = await connect(settings, { clock, log })
  for (const warning of parsed.warnings) log.warning(warning)
  log.info(`Run: ${request.run.key}, attempt ${request.run.attempt}`)
  const onImage = (image: string) => setOutput('image-id', image)
  const {
    outputs,
    notices,
    failure,
    headline,
    summary: markdown,
  } = report(await run(request, { ecs, clock, log, postState: runnerState, onImage }))
  for (const [name, value] of Object.entries(outputs)) setOutput(name, value)
  for (const { level, text } of notices) log[level](text)
  if (process.env.GITHUB_STEP_SUMMARY) await summary.addRaw(markdown).write()
  if (failure) fail(failure.what, failure.remedy)
  else log.info(headline)
}

const cancellation = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => cancellation.abort())

try {
  await main(cancellation.signal)
} catch (error) {
  const remedy =
    error instanceof Error && 'remedy' in error
      ? String(error.remedy)
      : 'This is a fault of the action itself: open an issue.'
  fail(error instanceof Error ? error.message : String(error), remedy)
}
// A request that was given up, or a connection kept alive, must not hold the step.
process.exit()
