/**
 * Takes the current image, or everything newer than a named one, out of the contest: the family falls back, in every
 * region to the same image.
 */

import { type Image, isAvailable, isNewer, oldestFirst } from '../model/image.ts'
import { type RollbackRequest, regionsOf } from '../model/request.ts'
import { isRefusal, type Plan, type RegionDecision } from '../plan/plan.ts'
import { all, type QueryGenerator, query, queryAll } from '../plan/query.ts'
import { combineRefusals, combineRegions, inRegion, withSteps } from '../plan/regions.ts'
import type { Step } from '../plan/steps.ts'
import {
  type Change,
  isDoneInAnyRegion,
  observeConsistently,
  pendingAfter,
  recordSteps,
  recover,
  resumeNotice,
} from '../recovery/resume.ts'
import { refuseForbidden } from '../rules/permission.ts'
import { planSharing, type Sharing } from '../rules/sharing.ts'
import { planWithdrawal, withdrawalSteps } from '../rules/withdrawal.ts'
import { choose, type FamilyScene, homeRolledBack, leftAlone, pendingNotices, targetOf } from './rollback-choice.ts'
import { copyMissing, decideInReplica, withCopiesOutside } from './rollback-replicas.ts'

function* look({ region, family, quarantineFamily }: RollbackRequest): QueryGenerator<FamilyScene> {
  const seen = yield* queryAll({
    current: { ask: 'current', region, family },
    members: { ask: 'members', region, family },
    quarantined: quarantineFamily === undefined ? undefined : { ask: 'members', region, family: quarantineFamily },
  })
  const quarantined = seen.quarantined ?? []
  return { ...seen, region, quarantined, known: [...seen.members, ...quarantined] }
}

export function* planRollback(request: RollbackRequest): QueryGenerator<Plan> {
  const scenes = yield* all(
    regionsOf(request).map((region) =>
      observeConsistently(inRegion(request, region), () => look(inRegion(request, region))),
    ),
  )
  const [now] = yield* query({ ask: 'time' })
  const [home, ...replicas] = scenes
  if (!home) throw new Error('A rollback without its home region.')
  const isDone = isDoneInAnyRegion(request.run, scenes)
  const chosen =
    recover(request, home) ??
    (isDone ? leftAlone(request, home) : undefined) ??
    homeRolledBack(request, home, replicas) ??
    choose(request, home, now)
  if (isRefusal(chosen)) return chosen
  const target = targetOf(chosen, home)
  const complete = target ? yield* all(replicas.map((scene) => withCopiesOutside(scene, target))) : replicas
  const inReplicas = complete.map((scene) => decideInReplica(request, scene, { home, target, isDone }))
  const missing = complete.filter((_, index) => inReplicas[index] === 'missing')
  if (target && missing.length > 0) return copyMissing(request, { target, missing, home, isThere: 'kind' in chosen })
  const decided = [chosen, ...inReplicas.filter((each) => each !== 'missing')]
  const refusal = combineRefusals(request, decided)
  if (refusal) return refusal
  const branches = yield* all(
    decided.map((each, index) => planBranch(request, [home, ...complete][index] ?? home, { decided: each, now })),
  )
  return combineRegions(request, branches)
}

/** What a later step has withdrawn since is not shared. */
const standsOrWill = (decided: Change | RegionDecision, target: Image | undefined): boolean =>
  target !== undefined && (!('kind' in decided) || isAvailable(target))

/** What is decided for one region, with all that goes with it. */
function* planBranch(
  whole: RollbackRequest,
  scene: FamilyScene,
  { decided, now }: { decided: Change | RegionDecision; now: number },
): QueryGenerator<RegionDecision> {
  const request = inRegion(whole, scene.region)
  const target = targetOf(decided, scene)
  const sharing = yield* planSharing(request, standsOrWill(decided, target) ? target : undefined)
  if (isRefusal(sharing)) return sharing
  if ('kind' in decided && decided.kind === 'refuse') return decided
  const branch =
    'kind' in decided
      ? withSteps(decided, { prepare: sharing.steps })
      : yield* planFall(request, scene, { decided, sharing, now })
  return isRefusal(branch) ? branch : { ...branch, notices: [...branch.notices, ...sharing.notices] }
}

function* planFall(
  request: RollbackRequest,
  scene: FamilyScene,
  { decided, sharing, now }: { decided: Change; sharing: Sharing; now: number },
): QueryGenerator<RegionDecision> {
  const { region, family } = request
  const { target, withdraw, withdrawWhenReady, resumed } = decided
  const withdrawal = yield* planWithdrawal(request, {
    images: withdraw,
    target,
    targetShares: sharing.shares,
    quarantined: scene.quarantined,
  })
  if (isRefusal(withdrawal)) return withdrawal
  const entry = target ? comingIn(request, target) : []
  const forbidden = yield* refuseForbidden([...entry, ...sharing.steps, ...withdrawal.steps])
  if (forbidden) return forbidden
  // In quarantine, what carries no mark would be taken for somebody's live image.
  const mayGoWithout = request.toImage !== undefined && request.quarantineFamily === undefined
  const notes = recordSteps(request, { decided, now, mayGoWithout })
  if (isRefusal(notes)) return notes

  const gone = [...oldestFirst(resumed?.withdrawn ?? []), ...withdraw, ...withdrawWhenReady].map(({ id }) => id)
  const pending = pendingAfter(scene.members, target).filter((image) => !withdrawWhenReady.includes(image))
  // ECS shares no deprecated image.
  const [sharedAtOnce, sharedWhenRestored] = target?.status === 'Deprecated' ? [[], sharing.steps] : [sharing.steps, []]
  const enters = [...entry, ...standing(request, decided), ...sharedWhenRestored]
  // Late copies may have made the target's copy the newest here: once it is in, it is served.
  const isSwitch = entry.length > 0 && target && !(scene.current && isNewer(scene.current, target))
  return {
    kind: 'change',
    region,
    steps: {
      record: notes.planned,
      check: confirming(request, decided),
      prepare: [...sharedAtOnce, ...(isSwitch ? [] : enters)],
      activate: [...(isSwitch ? enters : []), ...withdrawal.steps, ...withdrawPendingSteps(request, withdrawWhenReady)],
      commit: notes.done,
    },
    expect: { region, family, image: target?.id, withdrawn: gone },
    image: target?.id,
    previous: decided.previous,
    withdrawn: gone,
    listInstancesOf: gone,
    changedBefore: resumed !== undefined,
    pending: pending.map(({ id }) => id),
    notices: [...resumeNotice(decided), ...pendingNotices(family, pending), ...withdrawal.notices, ...notes.notices],
  }
}

/** Directly before the first visible step; where the image is withdrawn already, an earlier attempt has confirmed it. */
const confirming = ({ region, family, expectedImage }: RollbackRequest, { withdraw, previous }: Change): Step[] =>
  expectedImage !== undefined && withdraw.some(({ id }) => id === previous)
    ? [{ action: 'confirm', region, family, image: expectedImage }]
    : []

/** An older image changes nothing by coming in. */
function comingIn({ region, family }: RollbackRequest, target: Image): Step[] {
  const image = target.id
  const join: Step[] = target.family === family ? [] : [{ action: 'join-family', region, image, family }]
  return target.status === 'Deprecated' ? [...join, { action: 'restore', region, image }] : join
}

/** The last look before anything goes: an image that somebody has taken away meanwhile is none to fall back to. */
const standing = ({ region, family }: RollbackRequest, { target, withdraw }: Change): Step[] =>
  target && (withdraw.length > 0 || target.status === 'Deprecated' || target.family !== family)
    ? [{ action: 'await', region, image: target.id, family }]
    : []

/**
 * The bad image goes first, then each one still being created as soon as it is available: waiting for those before
 * anything else would leave the bad image serving meanwhile.
 */
const withdrawPendingSteps = (request: RollbackRequest, pending: readonly Image[]): Step[] =>
  pending.flatMap((image): Step[] => [
    { action: 'await', region: request.region, image: image.id, mayFail: true },
    ...withdrawalSteps(image, [], request),
  ])
