/**
 * The line in this process: real inputs, real client, real HTTP, without the start of a process. For tests that walk
 * it hundreds of times; that a process does the same is what test/action shows.
 */
import { EcsClient } from '../../src/ecs/client.ts'
import { staticCredentials } from '../../src/ecs/credentials.ts'
import { connectEcs } from '../../src/ecs/ecs.ts'
import { readSurroundings } from '../../src/github/surroundings.ts'
import { parseInputs } from '../../src/inputs.ts'
import { Pace } from '../../src/pace.ts'
import type { Keepsake, Log } from '../../src/ports.ts'
import { type Report, report } from '../../src/report.ts'
import { type Outcome, run } from '../../src/run.ts'
import { connectionTo, gitHubVariables, type Inputs, inputDefaults, type WorkflowRun } from '../action/runner.ts'
import type { LocalEcs } from '../local-ecs/server.ts'

export interface Walk extends Report {
  readonly outcome: Outcome
  readonly log: readonly string[]
}

export interface WalkOptions {
  readonly run?: WorkflowRun
  /** Aborted: the step is cancelled. */
  readonly signal?: AbortSignal
  readonly keepsake?: Keepsake
}

const noKeepsake: Keepsake = { stopped: () => undefined, started: () => undefined }

const collecting = (lines: string[]): Log => {
  const add = (text: string) => void lines.push(text)
  return { info: add, notice: add, warning: add, error: add, group: async (_, work) => await work() }
}

export async function walk(
  ecs: LocalEcs,
  inputs: Inputs,
  { run: workflowRun = {}, signal = new AbortController().signal, keepsake = noKeepsake }: WalkOptions = {},
): Promise<Walk> {
  const values: Inputs = { ...inputDefaults(), ...connectionTo(ecs), ...inputs }
  const around = { ...readSurroundings(gitHubVariables(workflowRun)), ...stepOf(workflowRun) }
  const parsed = parseInputs((name) => values[name] ?? '', around)
  if (!parsed.ok) throw new Error(parsed.faults.join('\n'))
  const { request, settings } = parsed.value
  if (!settings.keys) throw new Error('The local ECS takes static keys.')
  const pace = new Pace({ ...settings, signal })
  const lines: string[] = []
  const client = new EcsClient({
    credentials: staticCredentials(settings.keys),
    endpoint: settings.endpoint,
    userAgent: 'test',
    pace,
    onRetry: ({ action, code, message }, failures) =>
      void lines.push(`retry ${failures}: ${action} ${code ?? message}`),
  })
  const outcome = await run(request, {
    ecs: connectEcs(client),
    pace,
    log: collecting(lines),
    keepsake,
    onImage: () => undefined,
  })
  return { ...report(outcome), outcome, log: lines }
}

/** What `@actions/github` reads of the environment of this process, which is not a runner's. */
const stepOf = ({ attempt = 1, number = 7, job = 'release', step = '__self' }: WorkflowRun) => ({
  attempt,
  number,
  job,
  step,
})
