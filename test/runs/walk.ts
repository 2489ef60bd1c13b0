/**
 * The line in this process: real inputs, real client, real HTTP, without the start of a process. What is told of each
 * mode is shown here; what a process adds to it, test/action shows.
 */

import { connect } from '../../src/connect.ts'
import { Clock } from '../../src/engine/clock.ts'
import type { Outcome } from '../../src/engine/outcome.ts'
import type { Log, PostState } from '../../src/engine/ports.ts'
import { run } from '../../src/engine/run.ts'
import { readRunContext } from '../../src/github/context.ts'
import { parseInputs } from '../../src/inputs/parse.ts'
import { errorText } from '../../src/report/annotations.ts'
import { type Report, report, reportFailure } from '../../src/report/index.ts'
import { invalidInputs } from '../../src/report/outside-of-runs.ts'
import { connectionTo, gitHubVariables, type Inputs, inputDefaults, type WorkflowRun } from '../action/runner.ts'
import type { LocalEcs } from '../local-ecs/server.ts'

export interface Walk extends Omit<Report, 'failure'> {
  /** The error as one text, without what to do about it, which is apart. */
  readonly failure: { readonly what: string; readonly remedy: string } | undefined
  /** The same as the runner is told it. */
  readonly error: string | undefined
  readonly outcome: Outcome
  readonly log: readonly string[]
}

export interface WalkOptions {
  readonly run?: WorkflowRun
  readonly env?: Readonly<Record<string, string>>
  /** Aborted: the step is cancelled. */
  readonly signal?: AbortSignal
  readonly postState?: PostState
  /** Told the image as soon as it is known. */
  readonly onImage?: (image: string) => void
}

const noPostStep: PostState = { instanceStopped: () => undefined, instanceStarted: () => undefined }

/** Inputs that are not right: no request was made. */
export class InvalidInputs extends Error {
  override readonly name = 'InvalidInputs'
  readonly report: Report
  constructor(errors: readonly string[]) {
    const message = invalidInputs(errors)
    super(errorText(message))
    this.report = reportFailure(message)
  }
}

/** @throws InvalidInputs */
export async function walk(
  ecs: Pick<LocalEcs, 'url' | 'account'>,
  inputs: Inputs,
  options: WalkOptions = {},
): Promise<Walk> {
  const { run: workflowRun = {}, env = {}, signal = new AbortController().signal } = options
  const { postState = noPostStep, onImage = () => undefined } = options
  const values: Inputs = { ...inputDefaults(), ...connectionTo(ecs), ...inputs }
  const parsed = parseInputs(new Map(Object.entries(values)), contextOf(workflowRun, env))
  if (!parsed.ok) throw new InvalidInputs(parsed.errors)
  const { request, settings } = parsed.value
  if (!settings.keys) throw new Error('The local ECS takes static keys.')
  const clock = new Clock({ ...settings, signal })
  const { log, lines } = collectLog()
  const connected = await connect(settings, { clock, log })
  for (const doubt of parsed.warnings) log.warning(doubt)
  const outcome = await run(request, { ecs: connected, clock, log, postState, onImage })
  // What is told of a run needs no more than what JSON keeps of it.
  const { failure, ...told } = report(JSON.parse(JSON.stringify(outcome)) as Outcome)
  const said = failure && { what: errorText({ ...failure, todo: [] }), remedy: failure.todo.join(' ') }
  return { ...told, failure: said, error: failure && errorText(failure), outcome, log: lines }
}

/** As people read it: groups as chapters, annotations with their level. */
function collectLog(): { readonly log: Log; readonly lines: readonly string[] } {
  const lines: string[] = []
  let indent = ''
  const add = (text: string) => void lines.push(indent + text)
  const annotate = (level: string) => (text: string) => void lines.push(`${level}: ${text}`)
  const log: Log = {
    info: add,
    notice: annotate('notice'),
    warning: annotate('warning'),
    error: annotate('error'),
    async group(title, work) {
      lines.push(`▼ ${title}`)
      indent = '  '
      try {
        return await work()
      } finally {
        indent = ''
      }
    },
  }
  return { log, lines }
}

/** `@actions/github` reads the environment of this process, which is not a runner's: here it comes from the options. */
function contextOf(workflowRun: WorkflowRun, env: Readonly<Record<string, string>>) {
  const { attempt = 1, number = 7, job = 'release', step = '__self' } = workflowRun
  const variables = { ...gitHubVariables(workflowRun), ...env }
  return { ...readRunContext(variables), sha: variables.GITHUB_SHA, attempt, number, job, step }
}
