/**
 * The line walked as a run walks it, in the fake ECS: to its end, or until the process crashes; and what people see of
 * the families on the way.
 */
import type { Request } from '../../src/family/model/request.ts'
import { planFor } from '../../src/family/modes/index.ts'
import { lanesOf, type Phase, type Plan } from '../../src/family/plan/plan.ts'
import type { Step } from '../../src/family/plan/steps.ts'
import type { FakeEcs } from './fake-ecs.ts'
import { beijing, minute, region, shanghai } from './images.ts'
import { concludeIn } from './planning.ts'

/** Requests as they are sent: tags go in parts, here of two images instead of fifty. */
export const inRequests = (steps: readonly Step[]): Step[] =>
  steps.flatMap((step): Step[] =>
    step.action === 'tag' || step.action === 'untag'
      ? Array.from({ length: Math.ceil(step.ids.length / 2) }, (_, part) => ({
          ...step,
          ids: step.ids.slice(part * 2, part * 2 + 2),
        }))
      : [step],
  )

/** Where the process dies: so many phases are through, and in the next each lane has sent so many requests. */
export interface Crash {
  readonly phases: number
  readonly cuts: readonly number[]
}

export interface Walked {
  /** Where the walk ended. */
  readonly situation: FakeEcs
  /** The plan that was followed last. */
  readonly plan: Plan
  /** What there was at the beginning and after each request. */
  readonly seen: readonly FakeEcs[]
  /** How many phases had something to do, the one of the crash among them. */
  readonly phases: number
  readonly crashed: boolean
}

const prepares: readonly Phase[] = ['create', 'copy']
const applies: readonly Phase[] = ['create', 'record', 'check', 'prepare', 'activate', 'commit', 'prune']

/** Walks the line as a run does: lanes side by side, phase by phase; where copies are made, all is planned anew. */
export function walk(request: Request, start: FakeEcs, crash?: Crash): Walked {
  const seen = [start]
  let situation = start
  let phases = 0
  for (let round = 1; ; round++) {
    const plan = concludeIn(planFor(request), situation).result
    const isCopying = lanesOf(plan, 'copy').length > 0
    if (isCopying && round === 4) throw new Error(`It copies without an end: ${JSON.stringify(plan)}`)
    for (const phase of isCopying ? prepares : applies) {
      const lanes = lanesOf(plan, phase).map((lane) => inRequests(lane.map(({ step }) => step)))
      if (lanes.length === 0) continue
      phases += 1
      const crashed = crash !== undefined && phases > crash.phases
      const steps = lanes.flatMap((lane, index) => (crashed ? lane.slice(0, crash.cuts[index] ?? 0) : lane))
      for (const step of steps) {
        situation = situation.after([step])
        seen.push(situation)
      }
      if (crashed) return { situation, plan, seen, phases, crashed }
    }
    if (!isCopying) return { situation, plan, seen, phases, crashed: false }
    situation = situation.at(situation.state.now + 10 * minute)
  }
}

/** What a family serves in each region. */
export const servedIn = (situation: FakeEcs, family = 'web'): (string | undefined)[] =>
  [region, shanghai, beijing].map((where) => situation.current(family, where)?.id)

/** Ten minutes later, as the next attempt finds it. */
export const later = (situation: FakeEcs): FakeEcs => situation.at(situation.state.now + 10 * minute)

/** A family served in a region before the first request and after each one, without repetitions. */
export const answersIn = (seen: readonly FakeEcs[], where: string, family = 'web'): (string | undefined)[] =>
  seen
    .map((situation) => situation.current(family, where)?.id)
    .filter((answer, index, all) => index === 0 || answer !== all[index - 1])

/** What a family resolves to before the first step and after each one, without repetitions. */
export function answersAlong(steps: readonly Step[], situation: FakeEcs, family = 'web'): (string | undefined)[] {
  const answers = [situation.current(family)?.id]
  let now = situation
  for (const step of steps) {
    now = now.after([step])
    const answer = now.current(family)?.id
    if (answer !== answers.at(-1)) answers.push(answer)
  }
  return answers
}

/** What a person sees: everything about the images but the action's own record. */
export const visibleIn = ({ state }: FakeEcs): Record<string, string> =>
  Object.fromEntries(
    state.images
      .map(({ id, family, status }): [string, string] => [id, `${status} in ${family}`])
      .sort(([a], [b]) => a.localeCompare(b)),
  )
