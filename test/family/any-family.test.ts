import {
  type Arbitrary,
  array,
  assert,
  boolean,
  constantFrom,
  integer,
  oneof,
  option,
  property,
  record,
} from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decisionOn } from '../../src/family/model/decision-record.ts'
import { type Image, isPending } from '../../src/family/model/image.ts'
import type { PromoteRequest, RollbackRequest } from '../../src/family/model/request.ts'
import type { Step } from '../../src/family/plan/steps.ts'
import { type FakeEcs, there } from './fake-ecs.ts'
import { decided, image, manyTags, minute } from './images.ts'
import { brief, type Change, type HomePlan, planOf } from './planning.ts'
import { again, promote, rollback, runFor } from './requests.ts'
import { answersAlong, visibleIn } from './walk.ts'

type Decisive = RollbackRequest | PromoteRequest

const reason = 'image-family:reason'
const strangerMark = decided(runFor('promote', { workflowRun: '17220001' }), 'promote', { target: 'm-0' })
const tagsOf = { none: {}, few: manyTags(3), some: manyTags(18), most: manyTags(19), all: manyTags(20) }
const oldTags = { ...strangerMark, [reason]: 'old' }

const member = record({
  day: integer({ min: 1, max: 12 }),
  status: constantFrom('Available', 'Available', 'Available', 'Deprecated', 'CreateFailed', 'Creating', 'Waiting'),
  family: constantFrom('web', 'web', 'web', 'api', ''),
  tags: constantFrom({}, {}, oldTags, ...Object.values(tagsOf)),
})
const members = array(member, { minLength: 1, maxLength: 7 }).map((given) =>
  given.map(({ day, ...rest }, index): Image => image(`m-${index}`, day, rest as Partial<Image>)),
)

const anyImage = integer({ min: 0, max: 6 }).map((index) => `m-${index}`)
const perhaps = <T>(arbitrary: Arbitrary<T>) => option(arbitrary, { nil: undefined })
const withdrawing = {
  unshare: boolean(),
  quarantineFamily: constantFrom(undefined, undefined, 'bad'),
  reason: constantFrom(undefined, 'CVE'),
}
const rollbacks = record({
  toImage: perhaps(anyImage),
  allowEmpty: boolean(),
  withdrawPending: boolean(),
  ...withdrawing,
})
const promotions = record({ image: anyImage, deprecateNewer: boolean(), ...withdrawing })

/** @param who the run that asks */
const requestsBy = (who: Parameters<typeof runFor>[1]): Arbitrary<Decisive> =>
  oneof(
    rollbacks.map((given) => rollback({ ...who, ...given })),
    promotions.map((given) => promote({ ...who, ...given })),
  )
const requests = requestsBy({})
const requestsOfAnyRun = oneof(requests, requests, requestsBy({ workflowRun: 'local0123456789ab' }))
const [bakedBefore, bakedLater, bakedLocally] = ['17229990', '17230009', 'localfedcba9876543210'].map(
  (workflowRun) => runFor('bake', { workflowRun }).key,
)
const bakers = constantFrom(undefined, bakedBefore, bakedLater, bakedLater, bakedLater, bakedLocally)

/** Requests as they are sent: tags go in parts, here of two images instead of fifty. */
const inRequests = (steps: readonly Step[]): Step[] =>
  steps.flatMap((step): Step[] =>
    step.action === 'tag' || step.action === 'untag'
      ? Array.from({ length: Math.ceil(step.ids.length / 2) }, (_, part) => ({
          ...step,
          ids: step.ids.slice(part * 2, part * 2 + 2),
        }))
      : [step],
  )
const requestsOf = (plan: HomePlan): Step[] =>
  plan.kind === 'change' ? inRequests([...plan.steps, ...plan.afterwards]) : []

const isMark = (step: Step) => step.action === 'tag' && 'image-family:decision' in step.tags
/** How many requests it takes until the decision is noted; it never is where the image that the family serves has no room. */
function notedAfter(plan: HomePlan, { state }: FakeEcs): number {
  if (plan.kind !== 'change') return 0
  const isFull = state.images.some(({ id, tags }) => id === plan.previous && Object.keys(tags).length === 20)
  return isFull ? Number.POSITIVE_INFINITY : inRequests(plan.steps).findLastIndex(isMark) + 1
}

/** One image is shared, which none can be before it is created. */
const shared = (images: readonly Image[]) => {
  const situation = there(...images)
  return images.some(({ id, status }) => id === 'm-1' && status === 'Available')
    ? situation.sharing('m-1', '1001')
    : situation
}
/** A planner waits for an image before it promotes it. */
const waits = (request: Decisive, { state }: FakeEcs) =>
  request.mode === 'promote' && state.images.some((each) => each.id === request.image && isPending(each))
/** What is planned first, where it is a change. */
function firstPlan(request: Decisive, situation: FakeEcs): Change | undefined {
  const { plan } = planOf(request, situation)
  return plan.kind === 'change' && !waits(request, situation) ? plan : undefined
}
const later = (situation: FakeEcs) => situation.at(situation.state.now + 10 * minute)

describe('any family', () => {
  test('a plan changes its answer at most once, to what it expects, and no other family’s unasked', () => {
    let changes = 0
    assert(
      property(members, requests, (images, request) => {
        const situation = shared(images)
        if (waits(request, situation)) return
        const { plan } = planOf(request, situation)
        if (plan.kind === 'refuse') expect(plan.remedy).not.toBe('')
        if (plan.kind === 'nothing') expect(plan.image).toBe(situation.current('web')?.id)
        if (plan.kind !== 'change') return
        changes += 1
        const answers = answersAlong(plan.steps, situation)
        if (!plan.steps.some((step) => step.action === 'await' && step.mayFail))
          expect(answers.length).toBeLessThanOrEqual(2)
        expect(answers.at(-1)).toBe(plan.image)
        expect(plan.expect?.image).toBe(plan.image)
        expect(answersAlong(plan.steps, situation, 'api').length).toBe(1)
        const after = situation.after(requestsOf(plan))
        for (const id of plan.withdrawn) {
          expect(after.of(id).status === 'Deprecated' || after.of(id).family === 'bad').toBe(true)
        }
        for (const each of after.state.images) {
          if (decisionOn(each)?.run === request.run.key) expect(each.tags[reason]).not.toBe('old')
        }
      }),
      { numRuns: 3000 },
    )
    expect(changes).toBeGreaterThan(200)
  })

  test('a re-run ends where the undisturbed run would, wherever and however often that was lost', () => {
    assert(
      property(members, requests, array(integer({ min: 0, max: 20 }), { maxLength: 3 }), (images, request, losses) => {
        const situation = shared(images)
        const first = firstPlan(request, situation)
        if (!first) return
        const end = situation.after(requestsOf(first))
        const isFull = images.some(({ tags }) => Object.keys(tags).length === 20)
        let now = situation
        let noted = false
        let attempt = 1
        for (const lostAfter of [...losses, 100, 100]) {
          const { plan } = planOf(again(request, attempt), now)
          const told = `attempt ${attempt}: ${JSON.stringify(plan)}`
          expect(plan, told).toMatchObject({ image: first.image })
          if (noted && !isFull) {
            expect(plan, told).toMatchObject({ previous: first.previous, changedBefore: true })
            if (plan.kind !== 'refuse') expect([...plan.withdrawn].sort(), told).toEqual([...first.withdrawn].sort())
          }
          noted ||= lostAfter >= notedAfter(plan, now)
          now = later(now.after(requestsOf(plan).slice(0, lostAfter)))
          attempt += 1
        }
        expect(visibleIn(now)).toEqual(visibleIn(end))
        expect(planOf(again(request, attempt), now).plan).toMatchObject({ kind: 'nothing', image: first.image })
      }),
      { numRuns: 5000 },
    )
  })

  test('an image that came meanwhile is no part of a decision that was noted, and of one that was not, is part once, or is given way to', () => {
    let givesWay = 0
    assert(
      property(members, requestsOfAnyRun, bakers, integer({ min: 0, max: 8 }), (images, request, baker, lostAfter) => {
        const situation = shared(images)
        const first = firstPlan(request, situation)
        if (!first) return
        const lost = later(situation.after(requestsOf(first).slice(0, lostAfter))).with(
          image('m-new', 31, { tags: baker === undefined ? {} : { 'image-family:run': baker } }),
        )
        const second = planOf(again(request), lost).plan
        const told = JSON.stringify(second)
        const hasLeftAMark = lost.state.images.some(({ tags }) =>
          tags['image-family:decision']?.includes(request.run.key),
        )
        if (!hasLeftAMark && baker === bakedLater && /^\d+$/.test(request.run.workflowRun)) {
          givesWay += 1
          expect(second, told).toMatchObject({ kind: 'refuse', code: 'superseded' })
          return
        }
        if (lostAfter >= notedAfter(first, situation))
          expect(second.kind === 'change' && second.withdrawn, told).not.toContain('m-new')
        const after = later(lost.after(requestsOf(second)))
        const third = planOf(again(request, 3), after).plan
        if (second.kind === 'change') {
          expect(third, told).toMatchObject({ kind: 'nothing', image: second.image })
        }
      }),
      { numRuns: 5000 },
    )
    expect(givesWay).toBeGreaterThan(20)
  })

  test.each(['17229990', '17230009'])('what another run (%s) has decided since is never touched', (workflowRun) => {
    const others = requestsBy({ workflowRun })
    assert(
      property(members, requests, others, integer({ min: 0, max: 20 }), (images, request, other, lostAfter) => {
        const situation = shared(images)
        const first = firstPlan(request, situation)
        if (!first) return
        const lost = later(situation.after(requestsOf(first).slice(0, lostAfter)))
        // Where the family was emptied, nothing in it tells what has become of an image that others have moved away.
        if (first.image === undefined && other.quarantineFamily !== undefined) return
        const decidedSince = firstPlan(other, lost)
        if (!decidedSince) return
        const after = later(lost.after(requestsOf(decidedSince)))
        const next = planOf(again(request), after).plan
        if (next.kind !== 'change') return
        const theirs = after.state.images.filter((each) => decisionOn(each)?.run === other.run.key).map(({ id }) => id)
        const touched = next.steps.flatMap((step) =>
          ['deprecate', 'restore', 'quarantine', 'join-family'].includes(step.action) && 'image' in step
            ? [step.image]
            : [],
        )
        const told = `${JSON.stringify(first)}\n${JSON.stringify(decidedSince)}\n${JSON.stringify(next)}`
        if (lostAfter >= notedAfter(first, situation)) for (const id of theirs) expect(touched, told).not.toContain(id)
        if (lostAfter >= Math.max(requestsOf(first).length, notedAfter(first, situation)))
          expect(next.steps.map(brief), told).toEqual([])
      }),
      { numRuns: 5000 },
    )
  })

  test('a decision that was carried out is never carried out again, whatever two others decide since', () => {
    const who = ['17230001', '17230002', '17230009', '17230010'].map((workflowRun, index) =>
      requestsBy({ workflowRun, step: `step-${index}` }),
    )
    assert(
      property(members, requests, array(oneof(...who), { minLength: 1, maxLength: 3 }), (images, request, others) => {
        const situation = shared(images.filter(({ tags }) => Object.keys(tags).length < 20))
        const first = firstPlan(request, situation)
        if (!first) return
        let now = later(situation.after(requestsOf(first)))
        if (first.image === undefined && others.some(({ quarantineFamily }) => quarantineFamily !== undefined)) return
        const told = [JSON.stringify(first)]
        for (const other of others) {
          const plan = firstPlan(other, now)
          told.push(JSON.stringify(plan))
          if (plan) now = later(later(later(later(now.after(requestsOf(plan))))))
        }
        const next = planOf(again(request), now).plan
        expect(next.kind, [...told, JSON.stringify(next)].join('\n')).not.toBe('change')
      }),
      { numRuns: 5000 },
    )
  })
})
