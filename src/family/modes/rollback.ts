/** Withdraws the current image, or all images newer than a named one. Every region falls back to the same image. */

import type { FamilyState } from '../model/family-state.ts'
import {
  availableNewestFirst,
  createdInSameSecond,
  type Image,
  isAvailable,
  isNewer,
  isReady,
  label,
  listLabels,
  newestFirst,
} from '../model/image.ts'
import { haveSameOrigin } from '../model/origin.ts'
import type { RollbackRequest } from '../model/request.ts'
import type { DecidedRegion, RegionDecision } from '../plan/decision.ts'
import { isRefusal, type Notice, type Plan, refuse, refuseUnexpected } from '../plan/plan.ts'
import { type QueryGenerator, queryAll, withoutQuery } from '../plan/query.ts'
import { observeConsistently } from '../recovery/consistency.ts'
import { planRecord } from '../recovery/record.ts'
import { recover } from '../recovery/resume.ts'
import { copyQueries } from '../rules/replication.ts'
import { findPendingNewer, refuseAmbiguous, refuseForeignRival } from '../rules/rivals.ts'
import { withdrawalOrder } from '../rules/withdrawal.ts'
import { keepCurrent, planRegions } from './pipeline.ts'
import type { ModePolicy } from './policy.ts'
import { refuseMissingCopies } from './rollback-copies.ts'
import {
  chooseRollbackTarget,
  refuseEmptyFamily,
  refuseRecentRollback,
  refuseSecondRollback,
} from './rollback-target.ts'

export const planRollback = (request: RollbackRequest): QueryGenerator<Plan> => planRegions(request, rollback)

const rollback: ModePolicy<RollbackRequest, FamilyState> = {
  look: lookForRollback,
  recovery: {
    observe: observeConsistently,
    recover: (request, state, { isHome }) => recover(request, state, { named: isHome ? request.toImage : undefined }),
  },
  // It is awaited in the family, where it already is.
  awaitsUsable: false,
  decideHome: (request, { home, replicas, now }) =>
    withoutQuery(refuseSecondRollback(request, home, replicas) ?? decideRollback(request, home, now)),
  findCopies: findRollbackCopies,
  findSource: (request, { home, target, missing }) =>
    withoutQuery(refuseMissingCopies(request, { home, target, missing })),
  decideReplica: (request, seen) => withoutQuery(decideRollbackReplica(request, seen)),
  sharePhase: 'prepare',
  awaitsTarget: true,
  listsInstances: true,
  overtaken: 'fails-if-withdrawn-is-back',
  expectsTarget: () => true,
  withdrawalRequest: (request) => request,
  record: (request, decided) =>
    // An image without a record in the quarantine family would be taken for somebody's live image.
    planRecord(request, {
      ...decided,
      isRecordOptional: request.toImage !== undefined && request.quarantineFamily === undefined,
    }),
  // When the image is already withdrawn, an earlier attempt has confirmed it.
  confirmExpected: ({ region, family, expectedImage }, { withdraw, previous }) =>
    expectedImage !== undefined && withdraw.some(({ id }) => id === previous)
      ? [{ action: 'confirm', region, family, image: expectedImage }]
      : [],
  tagTarget: () => [],
  pendingNotices: pendingErrors,
}

function* lookForRollback({ region, family, quarantineFamily }: RollbackRequest): QueryGenerator<FamilyState> {
  const {
    current,
    members,
    quarantined = [],
  } = yield* queryAll({
    current: { ask: 'current', region, family },
    members: { ask: 'members', region, family },
    quarantined: quarantineFamily === undefined ? undefined : { ask: 'members', region, family: quarantineFamily },
  })
  return { region, current, members, quarantined, known: [...members, ...quarantined] }
}

function pendingErrors({ family }: RollbackRequest, pending: readonly Image[]): Notice[] {
  if (pending.length === 0) return []
  const text = `${listLabels(pending)} ${pending.length === 1 ? 'is' : 'are'} still being created in ${family} and will become current when ready. Roll back again with \`withdraw-pending: true\`, or cancel the run that bakes ${pending.length === 1 ? 'it' : 'them'}.`
  return [{ level: 'error', text }]
}

// ── At home ──────────────────────────────────────────────────────────────────

/** Makes a new decision from the present state of the family. */
function decideRollback(request: RollbackRequest, state: FamilyState, now: number): RegionDecision {
  const { family, expectedImage, withdrawPending } = request
  const { current, members } = state
  if (!current) return refuseEmptyFamily(request, members)
  if (expectedImage !== undefined && expectedImage !== current.id)
    return refuseUnexpected(family, current, expectedImage)
  const target = chooseRollbackTarget(request, members, current)
  if (target && isRefusal(target)) return target
  if (target?.id === current.id) return keepUnchanged(request, state)
  const recent = refuseRecentRollback(request, state, { current, now })
  if (recent) return recent
  const others = availableNewestFirst(members).filter((image) => image.id !== current.id)
  const rivals = others.filter((image) => (target ? isNewer(image, target) : haveSameOrigin(image, current)))
  return {
    kind: 'change',
    target,
    previous: current.id,
    withdraw: withdrawalOrder([...rivals, current], current.id),
    withdrawWhenReady: withdrawPending ? findPendingNewer(members, target) : [],
    resumed: undefined,
    changedBefore: false,
    notices: target && request.toImage === undefined ? skippedNotices(others, { current, target }) : [],
  }
}

/** Newer images were passed over, because they are not usable yet. */
function skippedNotices(
  others: readonly Image[],
  { current, target }: { readonly current: Image; readonly target: Image },
): Notice[] {
  const skipped = others.filter(
    (image) => isNewer(image, target) && isNewer(current, image) && !haveSameOrigin(image, current),
  )
  if (skipped.length === 0) return []
  const text = `${listLabels(skipped)} ${skipped.length === 1 ? 'is' : 'are'} newer than ${label(target)}, but not usable yet: the family falls back to ${label(target)}. To wait for another one, set \`to-image-id\`.`
  return [{ level: 'notice', text }]
}

const keepUnchanged = (request: RollbackRequest, state: FamilyState) =>
  keepCurrent(
    request,
    rollback,
    state,
    `${request.family} already serves ${state.current ? label(state.current) : 'nothing'}`,
  )

// ── In a replica region ──────────────────────────────────────────────────────

/** Prefers a usable copy in the family, then an available one, then a deprecated one, then one outside of the family. */
const pickFallbackCopy = ({ members, known }: FamilyState, target: Image): Image | undefined => {
  const inFamily = newestFirst(members).filter((image) => haveSameOrigin(image, target))
  const outside = known.filter((image) => image.family === '' && haveSameOrigin(image, target))
  const isDeprecated = ({ status }: Image) => status === 'Deprecated'
  return inFamily.find(isReady) ?? inFamily.find(isAvailable) ?? inFamily.find(isDeprecated) ?? outside.find(isReady)
}

/** Also looks for copies that an overtaken bake left outside of the family: the family can fall back to them as well. */
function* findRollbackCopies({ region }: RollbackRequest, state: FamilyState, target: Image) {
  const inFamily = pickFallbackCopy(state, target)
  if (inFamily) return { state, copies: [], copy: inFamily }
  const { copies, original } = yield* queryAll(copyQueries(target, region))
  const outside = [...copies, ...(original ? [original] : [])].filter(({ family }) => family === '')
  const extended = { ...state, known: [...state.known, ...outside] }
  return { state: extended, copies: outside, copy: pickFallbackCopy(extended, target) }
}

/** A replica is ordered by the creation times of its copies: all images newer than the target's copy are withdrawn. */
function decideRollbackReplica(
  request: RollbackRequest,
  { home, state, copy }: { home: DecidedRegion; state: FamilyState; copy: Image | undefined },
): RegionDecision {
  const { current, members } = state
  if (!copy) return emptyReplica(request, state, home.state)
  const rivals = [...availableNewestFirst(members), ...(current ? [current] : [])]
  const tied = rivals.find((image) => createdInSameSecond(image, copy))
  if (tied) return refuseAmbiguous(request.family, [copy, tied])
  const newer = availableNewestFirst(members).filter((image) => isNewer(image, copy))
  const withdrawWhenReady = request.withdrawPending ? findPendingNewer(members, copy) : []
  const isCurrent = isAvailable(copy) && current?.id === copy.id
  if (isCurrent && newer.length + withdrawWhenReady.length === 0) return keepUnchanged(request, state)
  return (
    refuseForeignRival(request.family, { current, members, target: copy }) ?? {
      kind: 'change',
      target: copy,
      previous: current?.id,
      withdraw: withdrawalOrder(newer, current?.id),
      withdrawWhenReady,
      resumed: undefined,
      changedBefore: false,
    }
  )
}

/** The family is emptied at home: in a replica, only copies of the same image may be withdrawn. */
function emptyReplica(request: RollbackRequest, state: FamilyState, home: FamilyState): RegionDecision {
  const { current, members } = state
  const others = availableNewestFirst(members).filter((image) => !home.current || !haveSameOrigin(image, home.current))
  if (others[0]) {
    return refuse(
      'regions-differ',
      `Family ${request.family} has ${listLabels(others)} there, which ${home.region} does not have: the family would be empty at home and would still serve that image there.`,
      `Roll back without this region in \`replica-region-ids\`, or promote ${label(others[0])} in all regions from this one.`,
    )
  }
  const withdraw = withdrawalOrder(availableNewestFirst(members), current?.id)
  const withdrawWhenReady = request.withdrawPending ? findPendingNewer(members, undefined) : []
  if (withdraw.length + withdrawWhenReady.length === 0) return keepUnchanged(request, { ...state, current: undefined })
  return {
    kind: 'change',
    target: undefined,
    previous: current?.id,
    withdraw,
    withdrawWhenReady,
    resumed: undefined,
    changedBefore: false,
  }
}
