/** A step in this process, as its process would end: what main.ts makes of a walk. */
import { setTimeout } from 'node:timers/promises'
import { test as inTurn } from 'vitest'
import type { Inputs } from '../action/runner.ts'
import type { LocalEcs, RequestRecord } from '../local-ecs/server.ts'
import { InvalidInputs, type Walk, type WalkOptions, walk } from './walk.ts'

/** Most of a test's time is spent in waiting: several go side by side. */
export const test = inTurn.concurrent

export interface Step {
  readonly exitCode: 0 | 1
  readonly outputs: Readonly<Record<string, string>>
  /** GitHub-flavoured Markdown. */
  readonly summary: string
  readonly log: string
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
  readonly notices: readonly string[]
}

/** A moment of a request: before it takes effect, or after. */
export type Moment = (phase: 'before' | 'after', request: RequestRecord) => boolean

export interface StepOptions extends Omit<WalkOptions, 'onImage'> {
  /** Killed at that moment: nothing that it asks for from then on takes effect, and nothing is told. */
  readonly killedAt?: Moment
  /** Cancelled at that moment. */
  readonly cancelledAt?: Moment
}

type Ecs = Pick<LocalEcs, 'url' | 'account'> & Partial<Pick<LocalEcs, 'intercept'>>

/** When ECS has carried out a request of this API. */
export const afterRequest =
  (wanted: string): Moment =>
  (phase, { action, dryRun }) =>
    phase === 'after' && action === wanted && !dryRun

export async function runMain(
  ecs: Ecs,
  inputs: Inputs,
  { killedAt, cancelledAt, ...options }: StepOptions = {},
): Promise<Step> {
  const end = new AbortController()
  const signal = options.signal ?? end.signal
  const { intercept } = ecs
  if (killedAt) ecs.intercept = killing(killedAt, end, intercept)
  if (cancelledAt) ecs.intercept = cancelling(cancelledAt, end, intercept)
  const early: Record<string, string> = {}
  const onImage = (image: string): void => {
    early['image-id'] = image
  }
  try {
    const walked = await walk(ecs, inputs, { ...options, signal, onImage })
    return stepOf({ ...walked, outputs: { ...early, ...walked.outputs } })
  } catch (error) {
    if (error instanceof InvalidInputs) return refusedStep(error)
    throw error
  } finally {
    if (killedAt || cancelledAt) {
      await setTimeout(lastRequests)
      ecs.intercept = intercept
    }
  }
}

/** What a dead process has sent reaches ECS within so many milliseconds. */
const lastRequests = 20

type Intercept = LocalEcs['intercept']

function killing(isAt: Moment, end: AbortController, before: Intercept): Intercept {
  const dead = new Error('The process that sent this request is dead.')
  return async (phase, request) => {
    if (end.signal.aborted && phase === 'before') throw dead
    await before?.(phase, request)
    if (end.signal.aborted || !isAt(phase, request)) return
    end.abort()
    throw dead
  }
}

const cancelling =
  (isAt: Moment, end: AbortController, before: Intercept): Intercept =>
  async (phase, request) => {
    await before?.(phase, request)
    if (isAt(phase, request)) end.abort()
  }

function stepOf({ outputs, summary, log, notices, error, headline }: Walk): Step {
  const reported = (level: string) => notices.flatMap((notice) => (notice.level === level ? [notice.text] : []))
  const logged = (level: string) =>
    log.flatMap((line) => (line.startsWith(`${level}: `) ? [line.slice(level.length + 2)] : []))
  const at = (level: string) => [...logged(level), ...reported(level)]
  const failed = error === undefined ? [] : [error]
  return {
    exitCode: error === undefined ? 0 : 1,
    outputs,
    summary,
    log: [...log, error === undefined ? headline : '', ''].join('\n'),
    errors: [...at('error'), ...failed],
    warnings: at('warning'),
    notices: at('notice'),
  }
}

const refusedStep = ({ message, report }: InvalidInputs): Step => ({
  exitCode: 1,
  outputs: {},
  summary: report.summary,
  log: '',
  errors: [message],
  warnings: [],
  notices: [],
})
