/**
 * Withdraws the current image, or everything newer than a named one: the family falls back, in every region to the
 * same image.
 */

import type { FamilyState } from '../model/family-state.ts'
import {
  availableOf,
  type Image,
  isAvailable,
  isNewer,
  isReady,
  label,
  list,
  newestFirst,
  sameSecond,
} from '../model/image.ts'
import { sameImage } from '../model/origin.ts'
import type { RollbackRequest } from '../model/request.ts'
import type { RegionCase, RegionDecision } from '../plan/decision.ts'
import { isRefusal, type Notice, type Plan, refuse, refuseUnexpected } from '../plan/plan.ts'
import { type QueryGenerator, queryAll, withoutQuery } from '../plan/query.ts'
import { observeConsistently } from '../recovery/consistency.ts'
import { recordSteps } from '../recovery/record.ts'
import { recover } from '../recovery/resume.ts'
import { copyQueries } from '../rules/replication.ts'
import { pendingAfter, refuseAmbiguous, refuseForeignRival } from '../rules/rivals.ts'
import { withdrawalOrder } from '../rules/withdrawal.ts'
import { keepCurrent, planRegions } from './pipeline.ts'
import type { ModePolicy } from './policy.ts'
import { refuseMissingCopies } from './rollback-copies.ts'
import { chooseTarget, refuseEmptyFamily, refuseRecentRollback, refuseSecondRollback } from './rollback-target.ts'

export const planRollback = (request: RollbackRequest): QueryGenerator<Plan> => planRegions(request, rollback)

const rollback: ModePolicy<RollbackRequest, FamilyState> = {
  look,
  recovery: {
    observe: observeConsistently,
    recover: (request, state, { isHome }) => recover(request, state, { named: isHome ? request.toImage : undefined }),
  },
  choose: (request, { home, replicas, now }) =>
    withoutQuery(refuseSecondRollback(request, home, replicas) ?? choose(request, home, now)),
  findCopies,
  findSource: (request, { home, target, missing }) =>
    withoutQuery(refuseMissingCopies(request, { home, target, missing })),
  decideReplica: (request, seen) => withoutQuery(decideReplica(request, seen)),
  sharePhase: 'prepare',
  awaitsTarget: true,
  listsInstances: true,
  overtaken: 'fails-if-withdrawn-is-back',
  expectsTarget: () => true,
  withdrawing: (request) => request,
  record: (request, decided) =>
    // In quarantine, what carries no record would be taken for somebody's live image.
    recordSteps(request, {
      ...decided,
      mayGoWithout: request.toImage !== undefined && request.quarantineFamily === undefined,
    }),
  // Where the image is withdrawn already, an earlier attempt has confirmed it.
  confirmExpected: ({ region, family, expectedImage }, { withdraw, previous }) =>
    expectedImage !== undefined && withdraw.some(({ id }) => id === previous)
      ? [{ action: 'confirm', region, family, image: expectedImage }]
      : [],
  tagTarget: () => [],
  noticePending,
}

function* look({ region, family, quarantineFamily }: RollbackRequest): QueryGenerator<FamilyState> {
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

function noticePending({ family }: RollbackRequest, pending: readonly Image[]): Notice[] {
  if (pending.length === 0) return []
  const text = `${list(pending)} ${pending.length === 1 ? 'is' : 'are'} still being created in ${family} and will become current when ready. Roll back again with \`withdraw-pending: true\`, or cancel what bakes it.`
  return [{ level: 'error', text }]
}

// ── At home ──────────────────────────────────────────────────────────────────

/** A new decision, by what the family looks like now. */
function choose(request: RollbackRequest, state: FamilyState, now: number): RegionDecision {
  const { family, expectedImage, withdrawPending } = request
  const { current, members } = state
  if (!current) return refuseEmptyFamily(request, members)
  if (expectedImage !== undefined && expectedImage !== current.id)
    return refuseUnexpected(family, current, expectedImage)
  const target = chooseTarget(request, members, current)
  if (target && isRefusal(target)) return target
  if (target?.id === current.id) return keepServed(request, state)
  const guarded = refuseRecentRollback(request, state, { current, now })
  if (guarded) return guarded
  const others = availableOf(members).filter((image) => image.id !== current.id)
  const leaving = others.filter((image) => (target ? isNewer(image, target) : sameImage(image, current)))
  return {
    kind: 'change',
    target,
    previous: current.id,
    withdraw: withdrawalOrder([...leaving, current], current.id),
    withdrawWhenReady: withdrawPending ? pendingAfter(members, target) : [],
    resumed: undefined,
    changedBefore: false,
  }
}

const keepServed = (request: RollbackRequest, state: FamilyState) =>
  keepCurrent(
    request,
    rollback,
    state,
    `${request.family} already serves ${state.current ? label(state.current) : 'nothing'}`,
  )

// ── In a replica region ──────────────────────────────────────────────────────

/** What can be used at once comes before what has to be restored, and that before what has yet to join the family. */
const pickCopy = ({ members, known }: FamilyState, target: Image): Image | undefined => {
  const inFamily = newestFirst(members).filter((image) => sameImage(image, target))
  const outside = known.filter((image) => image.family === '' && sameImage(image, target))
  const isDeprecated = ({ status }: Image) => status === 'Deprecated'
  return inFamily.find(isAvailable) ?? inFamily.find(isDeprecated) ?? outside.find(isReady)
}

/** A bake that was overtaken has left its copies outside of the family: they are as good to fall back to. */
function* findCopies({ region }: RollbackRequest, state: FamilyState, target: Image) {
  const inFamily = pickCopy(state, target)
  if (inFamily) return { state, copies: [], copy: inFamily }
  const { copies, original } = yield* queryAll(copyQueries(target, region))
  const outside = [...copies, ...(original ? [original] : [])].filter(({ family }) => family === '')
  const known = { ...state, known: [...state.known, ...outside] }
  return { state: known, copies: outside, copy: pickCopy(known, target) }
}

/** In a replica the copies' own creation times count: whatever is newer than the target's copy there has to leave. */
function decideReplica(
  request: RollbackRequest,
  { home, state, copy }: { home: RegionCase; state: FamilyState; copy: Image | undefined },
): RegionDecision {
  const { current, members } = state
  if (!copy) return emptyReplica(request, state, home.state)
  const rivals = [...availableOf(members), ...(current ? [current] : [])]
  const tied = rivals.find((image) => sameSecond(image, copy))
  if (tied) return refuseAmbiguous(request.family, [copy, tied])
  const newer = availableOf(members).filter((image) => isNewer(image, copy))
  const withdrawWhenReady = request.withdrawPending ? pendingAfter(members, copy) : []
  const isServed = isAvailable(copy) && current?.id === copy.id
  if (isServed && newer.length + withdrawWhenReady.length === 0) return keepServed(request, state)
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

/** The family is emptied at home: here it may lose copies of the same image, and nothing else. */
function emptyReplica(request: RollbackRequest, state: FamilyState, home: FamilyState): RegionDecision {
  const { current, members } = state
  const others = availableOf(members).filter((image) => !home.current || !sameImage(image, home.current))
  if (others[0]) {
    return refuse(
      'regions-differ',
      `Family ${request.family} has ${list(others)} there, which ${home.region} has not: emptied at home, it would still serve that.`,
      `Roll back without this region in \`replica-region-ids\`, or promote ${label(others[0])} everywhere from here.`,
    )
  }
  const withdraw = withdrawalOrder(availableOf(members), current?.id)
  const withdrawWhenReady = request.withdrawPending ? pendingAfter(members, undefined) : []
  if (withdraw.length + withdrawWhenReady.length === 0) return keepServed(request, { ...state, current: undefined })
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
