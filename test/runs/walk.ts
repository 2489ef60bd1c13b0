/**
 * The line in this process: real inputs, real client, real HTTP, without the start of a process. For tests that walk
 * it hundreds of times; that a process does the same is what test/action shows.
 */

import { connectEcs } from '../../src/ecs/adapter.ts'
import { EcsClient } from '../../src/ecs/client.ts'
import { staticCredentials } from '../../src/ecs/credentials.ts'
import { Clock } from '../../src/engine/clock.ts'
import type { Outcome } from '../../src/engine/outcome.ts'
import type { Log, PostState } from '../../src/engine/ports.ts'
import { run } from '../../src/engine/run.ts'
import { readRunContext } from '../../src/github/context.ts'
import { parseInputs } from '../../src/inputs/parse.ts'
import { errorText, type Report, report } from '../../src/report/index.ts'
import { connectionTo, gitHubVariables, type Inputs, inputDefaults, type WorkflowRun } from '../action/runner.ts'
import type { LocalEcs } from '../local-ecs/server.ts'

export interface Walk extends Omit<Report, 'failure'> {
  /** The error as one text, without what to do about it, which is apart. */
  readonly failure: { readonly what: string; readonly remedy: string } | undefined
  readonly outcome: Outcome
  readonly log: readonly string[]
}

export interface WalkOptions {
  readonly run?: WorkflowRun
  /** Aborted: the step is cancelled. */
  readonly signal?: AbortSignal
  readonly postState?: PostState
}

const noKeepsake: PostState = { instanceStopped: () => undefined, instanceStarted: () => undefined }

const collecting = (lines: string[]): Log => {
  const add = (text: string) => void lines.push(text)
  return { info: add, notice: add, warning: add, error: add, group: async (_, work) => await work() }
}

export async function walk(
  ecs: LocalEcs,
  inputs: Inputs,
  { run: workflowRun = {}, signal = new AbortController().signal, postState = noKeepsake }: WalkOptions = {},
): Promise<Walk> {
  const values: Inputs = { ...inputDefaults(), ...connectionTo(ecs), ...inputs }
  const context = { ...readRunContext(gitHubVariables(workflowRun)), ...stepOf(workflowRun) }
  const parsed = parseInputs((name) => values[name] ?? '', context)
  if (!parsed.ok) throw new Error(parsed.faults.join('\n'))
  const { request, settings } = parsed.value
  if (!settings.keys) throw new Error('The local ECS takes static keys.')
  const clock = new Clock({ ...settings, signal })
  const lines: string[] = []
  const client = new EcsClient({
    credentials: staticCredentials(settings.keys),
    endpoint: settings.endpoint,
    userAgent: 'test',
    clock,
    onRetry: ({ operation, ecsCode, reason }, failures) =>
      void lines.push(`retry ${failures}: ${operation} ${ecsCode ?? reason}`),
  })
  const outcome = await run(request, {
    ecs: connectEcs(client),
    clock,
    log: collecting(lines),
    postState,
    onImage: () => undefined,
  })
  // What is told of a run needs no more than what JSON keeps of it.
  const { failure, ...told } = report(JSON.parse(JSON.stringify(outcome)) as Outcome)
  const said = failure && { what: errorText({ ...failure, todo: [] }), remedy: failure.todo.join(' ') }
  return { ...told, failure: said, outcome, log: lines }
}

/** What `@actions/github` reads of the environment of this process, which is not a runner's. */
const stepOf = ({ attempt = 1, number = 7, job = 'release', step = '__self' }: WorkflowRun) => ({
  attempt,
  number,
  job,
  step,
})
