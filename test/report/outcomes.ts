/** Outcomes as values: of a bake that stops its instance, and of a rollback over three regions. */

import type { ErrorData } from '../../src/engine/action-error.ts'
import { nothingSeen, type Observations, withSightings } from '../../src/engine/observations.ts'
import type { Entry, Outcome } from '../../src/engine/outcome.ts'
import type { Image } from '../../src/family/model/image.ts'
import type { BakeRequest, Request, RollbackRequest } from '../../src/family/model/request.ts'
import { type Phase, type Plan, type PlannedStep, plannedSteps } from '../../src/family/plan/plan.ts'
import { newImagePlaceholder, type Step } from '../../src/family/plan/steps.ts'
import { image } from '../family/images.ts'
import { bake, rollback } from '../family/requests.ts'

export const regions = ['cn-hangzhou', 'cn-shanghai', 'cn-beijing'] as const
export const [home, shanghai, beijing] = regions

export function outcome(request: Request, given: Partial<Outcome> = {}): Outcome {
  return {
    request,
    plan: undefined,
    round: 1,
    journal: [],
    observations: nothingSeen,
    images: {},
    verifications: [],
    affected: {},
    persistent: [],
    failure: undefined,
    ...given,
  }
}

/** ECS refuses a request of this API. */
export const forbidden = (operation: string, region: string = home): ErrorData => ({
  code: 'ecs',
  reason: 'You are not authorized.',
  remedy: 'Grant it in RAM.',
  request: {
    operation,
    region,
    effect: /^(Describe|List)/.test(operation) ? 'read' : 'none',
    ecsCode: 'Forbidden.RAM',
    status: 403,
    requestId: 'R-1',
  },
})

export const unanswered = (operation: string, region: string = home): ErrorData => ({
  code: 'ecs',
  reason: 'the connection was reset',
  remedy: 'Run again later.',
  request: { operation, region, effect: 'unknown' },
})

export const cancelled: ErrorData = { code: 'cancelled', reason: 'The step was cancelled.', remedy: '' }
export const timeLimit: ErrorData = {
  code: 'time-limit',
  reason: 'The time limit of 120 minutes is over.',
  remedy: 'Raise `wait-timeout-minutes`.',
}

export const planOf = (
  steps: Partial<Record<Phase, (region: string) => readonly Step[]>>,
  given: readonly string[] = [home],
): Plan => {
  const all = given.map((region) => ({
    kind: 'change' as const,
    region,
    steps: Object.fromEntries(Object.entries(steps).map(([phase, of]) => [phase, of(region)])),
    expect: undefined,
    image: undefined,
    previous: undefined,
    withdrawn: [],
    pending: [],
    notices: [],
    changedBefore: false,
  }))
  const [first, ...others] = all
  if (!first) throw new Error('A plan without regions.')
  return { kind: 'change', regions: [first, ...others] }
}

export const done = ({ id, step }: PlannedStep, round = 1, given: Partial<Entry> = {}): Entry => ({
  round,
  id,
  step,
  state: 'done',
  ...given,
})

export const failed = (planned: PlannedStep, error: ErrorData, given: Partial<Entry> = {}): Entry =>
  done(planned, 1, { state: 'failed', error, ...given })

export const failure = (entries: readonly Entry[]): Outcome['failure'] => {
  const steps = entries.filter(({ state }) => state === 'failed')
  const [first] = steps
  if (!first?.error) throw new Error('Nothing failed.')
  return { doing: 'applying the plan', error: first.error, steps: steps.map(({ round, id }) => ({ round, id })) }
}

export const instance = 'i-1'

/** Stop, create, wait, start: in a run that ended at the step of this action, in this way. */
export function stoppingBake(action: Step['action'], error: ErrorData, given: Partial<BakeRequest> = {}): Outcome {
  const request = bake({ ...given, source: { kind: 'instance', instance }, stopInstance: 'orderly' })
  const region = request.region
  const steps: readonly Step[] = [
    { action: 'tag', region, resource: 'instance', ids: [instance], tags: { 'image-family:stopped': 'x' } },
    { action: 'stop', region, instance, force: false },
    {
      action: 'create',
      region,
      image: newImagePlaceholder,
      create: { ...request, family: request.family, name: 'web-42', generation: 0 },
    },
    { action: 'await', region, image: newImagePlaceholder },
    { action: 'start', region, instance },
    { action: 'untag', region, resource: 'instance', ids: [instance], keys: ['image-family:stopped'] },
  ]
  const plan = planOf({ create: () => steps })
  const planned = plannedSteps(plan)
  const at = planned.findIndex(({ step }) => step.action === action)
  const journal = planned.slice(0, at + 1).map((each, index): Entry => {
    const made = each.step.action === 'create' && index < at ? { image: 'm-new' } : {}
    const step: Step = each.step.action === 'await' ? { ...each.step, image: 'm-new' } : each.step
    return index === at ? failed({ ...each, step }, error) : done({ ...each, step }, 1, made)
  })
  return outcome(request, { plan, journal, failure: failure(journal) })
}

export const old = (region: string): Image => image(`m-old-${region}`, 1, { region })
export const bad = (region: string): Image => image(`m-bad-${region}`, 2, { region })

export const rollbackPlan = (given: readonly string[] = regions): Plan =>
  planOf(
    {
      record: (region) => [
        {
          action: 'tag',
          region,
          resource: 'image',
          ids: [bad(region).id],
          tags: { 'image-family:decision': 'planned' },
        },
      ],
      activate: (region) => [{ action: 'deprecate', region, image: bad(region).id }],
      commit: (region) => [
        { action: 'tag', region, resource: 'image', ids: [bad(region).id], tags: { 'image-family:decision': 'done' } },
      ],
    },
    given,
  )

export const everywhere = (given: Partial<RollbackRequest> = {}): RollbackRequest =>
  rollback({ region: home, replicas: [shanghai, beijing], ...given })

/** @param served image by region */
export const seeing = (served: Readonly<Record<string, Image>>): Observations =>
  withSightings(
    nothingSeen,
    Object.entries(served).map(([region, answer]) => ({
      kind: 'answer',
      query: { ask: 'current', region, family: 'web' },
      answer,
    })),
  )

/** The planned steps of one phase. */
export const stepsIn = (plan: Plan, phase: Phase): readonly PlannedStep[] =>
  plannedSteps(plan).filter(({ id }) => id.includes(`/${phase}/`))
