/** What a planner makes of a request, with the fake ECS to answer its queries. */
import type { Request } from '../../src/family/model/request.ts'
import { planFor } from '../../src/family/modes/index.ts'
import type { Expectation, Plan, Refusal, RegionOutcome, RegionPlan } from '../../src/family/plan/plan.ts'
import type { Query, QueryGenerator } from '../../src/family/plan/query.ts'
import type { Step } from '../../src/family/plan/steps.ts'
import type { FakeEcs } from './fake-ecs.ts'

/** What comes of a planner, and all that it asked, in order. */
export function concludeIn<Result>(
  planning: QueryGenerator<Result>,
  ecs: FakeEcs,
): { readonly result: Result; readonly questions: readonly Query[] } {
  const questions: Query[] = []
  let seen = ecs.state.shown ?? ecs
  let turn = planning.next()
  while (!turn.done) {
    const asked = turn.value
    questions.push(...asked)
    if (asked.some(({ ask }) => ask === 'lag')) seen = ecs
    if (asked.some(({ ask }) => ask === 'awaited')) seen = ecs.state.later ?? ecs
    turn = planning.next(asked.map((question) => seen.answer(question)))
  }
  return { result: turn.value, questions }
}

/** What a plan does at home, its phases in one line. */
export type HomePlan =
  | (RegionOutcome & {
      readonly kind: 'change'
      readonly steps: readonly Step[]
      readonly expect: Expectation | undefined
      readonly afterwards: readonly Step[]
    })
  | (RegionOutcome & { readonly kind: 'nothing'; readonly reason: string })
  | Refusal

const before = ['create', 'copy', 'record', 'check', 'prepare', 'activate'] as const

function homePlan(plan: Plan): HomePlan {
  if (plan.kind === 'refuse') return plan
  const [{ region: _, ...home }] = plan.regions
  if (home.kind === 'nothing') return home
  const { steps: does, ...rest } = home
  const steps = before.flatMap((phase) => does[phase] ?? [])
  return { ...rest, steps, afterwards: [...(does.commit ?? []), ...(does.prune ?? [])] }
}

export function planOf(
  request: Request,
  ecs: FakeEcs,
): { readonly plan: HomePlan; readonly questions: readonly Query[] } {
  const { result, questions } = concludeIn(planFor(request), ecs)
  return { plan: homePlan(result), questions }
}

/** What is planned for every region. */
export function regionsOf(request: Request, ecs: FakeEcs): readonly RegionPlan[] {
  const { result } = concludeIn(planFor(request), ecs)
  if (result.kind === 'refuse') throw new Error(`Refused: ${JSON.stringify(result)}`)
  return result.regions
}

export type Change = Extract<HomePlan, { kind: 'change' }>

export function changeOf(request: Request, ecs: FakeEcs): Change {
  const { plan } = planOf(request, ecs)
  if (plan.kind !== 'change') throw new Error(`No change is planned: ${JSON.stringify(plan)}`)
  return plan
}

export function nothingOf(request: Request, ecs: FakeEcs): Extract<HomePlan, { kind: 'nothing' }> {
  const { plan } = planOf(request, ecs)
  if (plan.kind !== 'nothing') throw new Error(`Not nothing: ${JSON.stringify(plan)}`)
  return plan
}

export function refusalOf(request: Request, ecs: FakeEcs): Refusal {
  const { plan } = planOf(request, ecs)
  if (plan.kind !== 'refuse') throw new Error(`Not refused: ${JSON.stringify(plan)}`)
  return plan
}

/** The whole of what a plan does, and what there is then. */
export function carriedOut(request: Request, ecs: FakeEcs): FakeEcs {
  const { steps, afterwards } = changeOf(request, ecs)
  return ecs.after([...steps, ...afterwards])
}

/** What is planned, by region and phase: `cn-shanghai switch: deprecate m-x, deprecate m-y`. */
export function lanesIn(request: Request, ecs: FakeEcs): string[] {
  const plan = concludeIn(planFor(request), ecs).result
  if (plan.kind === 'refuse') throw new Error(`Refused: ${JSON.stringify(plan)}`)
  return plan.regions.flatMap(({ region: where, ...each }) =>
    each.kind === 'change'
      ? Object.entries(each.steps)
          .filter(([, steps]) => steps.length > 0)
          .map(([phase, steps]) => `${where} ${phase}: ${steps.map(brief).join(', ')}`)
      : [],
  )
}

/** What becomes of a request: the refusal's code, or whether anything is changed. */
export const outcomeOf = (request: Request, ecs: FakeEcs): string => {
  const { plan } = planOf(request, ecs)
  const { result } = concludeIn(planFor(request), ecs)
  return plan.kind === 'refuse' ? plan.code : result.kind
}

/** A step in a few words: `tag m-1,m-2`, `await m-1 in web`, `deprecate m-2`. */
export function brief(step: Step): string {
  switch (step.action) {
    case 'tag':
    case 'untag':
      return `${step.action} ${step.ids.join(',')}`
    case 'stop':
    case 'start':
      return `${step.action} ${step.instance}`
    case 'await':
      return `await ${step.image}${step.family === undefined ? '' : ` in ${step.family}`}`
    case 'join-family':
    case 'quarantine':
      return `${step.action} ${step.image} ${step.family}`
    case 'confirm':
      return `confirm ${step.family} ${step.image}`
    case 'share':
    case 'unshare':
      return `${step.action} ${step.image} ${step.accounts.join(',')}`
    case 'claim-snapshots':
    case 'delete-snapshots':
      return `${step.action} ${step.snapshots.join(',')}`
    default:
      return `${step.action} ${step.image}`
  }
}

export const stepsOf = (request: Request, ecs: FakeEcs): string[] => changeOf(request, ecs).steps.map(brief)
