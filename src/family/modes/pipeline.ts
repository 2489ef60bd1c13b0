/**
 * The one way from a request to a plan, for any number of regions. It looks at all regions side by side, recovers what
 * an earlier attempt decided, chooses an image at home, finds or plans its copy in each replica region, and decides each
 * region. The result is one refusal for all regions, or the steps of each. A policy holds all that differs between modes.
 */

import type { FamilyState } from '../model/family-state.ts'
import type { Image } from '../model/image.ts'
import { originOf } from '../model/origin.ts'
import { regionsOf } from '../model/request.ts'
import { type Change, currentAfterPlan, type DecidedRegion, type Keep, type RegionDecision } from '../plan/decision.ts'
import { isRefusal, type Plan, type Refusal } from '../plan/plan.ts'
import { all, type QueryGenerator, query } from '../plan/query.ts'
import { combineRefusals, combineRegions, eachRegion, inRegion, type Regions } from '../plan/regions.ts'
import { isPlaceholder, type Step } from '../plan/steps.ts'
import { isDoneInAnyRegion } from '../recovery/consistency.ts'
import { doneByEarlierAttempt } from '../recovery/replay.ts'
import { refuseDifferentTarget } from '../recovery/resume.ts'
import { findFallback } from '../rules/pruning.ts'
import { awaitCopy, awaitUsable, type CopyPlan, planCopy, plannedCopy } from '../rules/replication.ts'
import { findPendingNewer } from '../rules/rivals.ts'
import { expandRegion } from './expansion.ts'
import type { ChangeRequest, Copies, CopySource, ExpansionPolicy, ModePolicy } from './policy.ts'

export function* planRegions<R extends ChangeRequest, S extends FamilyState>(
  request: R,
  policy: ModePolicy<R, S>,
): QueryGenerator<Plan> {
  const [homeState, ...replicas] = yield* observeRegions(request, policy)
  const [now] = yield* query({ ask: 'time' })
  const isDone = isDoneInAnyRegion(request.run, [homeState, ...replicas])
  const decision =
    policy.recovery?.recover(request, homeState, { isHome: true }) ??
    (isDone
      ? keepAsDone(request, policy, homeState)
      : yield* policy.decideHome(request, { home: homeState, replicas, now }))
  if (isRefusal(decision)) return decision
  const plan = yield* planFromHome(request, policy, { decision, homeState, replicas, isDone, now })
  const { leavesStopped } = decision
  return isRefusal(plan) && leavesStopped ? { ...plan, leavesStopped } : plan
}

/** Takes all regions to where the home region goes. */
function* planFromHome<R extends ChangeRequest, S extends FamilyState>(
  request: R,
  policy: ModePolicy<R, S>,
  {
    decision,
    homeState,
    replicas,
    isDone,
    now,
  }: {
    readonly decision: Change | Keep
    readonly homeState: S
    readonly replicas: readonly S[]
    readonly isDone: boolean
    readonly now: number
  },
): QueryGenerator<Plan> {
  const target = findTarget(decision, homeState)
  const copy = policy.awaitsUsable && decision.kind === 'change' && target ? awaitUsable(target) : []
  const home = { state: homeState, decision, target, copy, notices: [] }
  const decided = yield* decideRegions(request, policy, { home, replicas, isDone, now })
  if (isRefusal(decided)) return decided
  const refusal = combineRefusals(
    request,
    decided.map((each) => each.decision),
  )
  if (refusal) return refusal
  const keptOrigins = originsToKeep(decided[0])
  const { target: homeTarget } = decided[0]
  const plans = yield* all(
    decided.map((each) =>
      expandRegion(inRegion(request, each.state.region), policy, each, { now, keptOrigins, homeTarget }),
    ),
  )
  return combineRegions(request, plans)
}

function* observeRegions<R extends ChangeRequest, S extends FamilyState>(
  request: R,
  policy: ModePolicy<R, S>,
): QueryGenerator<Regions<S>> {
  const regions = regionsOf(request)
  const look = (region: string) => policy.look(inRegion(request, region), { isHome: region === request.region })
  const states = yield* eachRegion(regions, (region) =>
    policy.recovery ? policy.recovery.observe(inRegion(request, region), () => look(region)) : look(region),
  )
  const image = policy.pendingImage?.(request, states[0])
  if (image === undefined) return states
  yield* query({ ask: 'awaited', region: request.region, image })
  return yield* eachRegion(regions, look)
}

/** The image that is to be current in the region at the end, among the images that were seen there. */
export function findTarget(decision: RegionDecision, { known, current }: FamilyState): Image | undefined {
  if (decision.kind === 'change') return decision.target
  if (decision.kind === 'refuse') return undefined
  return known.find(({ id }) => id === decision.image) ?? (current?.id === decision.image ? current : undefined)
}

/** The family stays as it is: its current image stays current. */
export function keepCurrent<R extends ChangeRequest>(
  request: R,
  policy: ExpansionPolicy<R>,
  { current, members }: FamilyState,
  reason: string,
): Keep {
  const pending = findPendingNewer(members, current)
  return {
    kind: 'nothing',
    region: request.region,
    reason,
    changedBefore: false,
    image: current?.id,
    previous: current?.id,
    withdrawn: [],
    pending: pending.map(({ id }) => id),
    notices: policy.pendingNotices(request, pending),
  }
}

/** This run is done in every region; images that arrived here since are not part of its decision. */
const keepAsDone = <R extends ChangeRequest, S extends FamilyState>(
  request: R,
  policy: ModePolicy<R, S>,
  state: S,
): Keep => ({
  ...keepCurrent(inRegion(request, state.region), policy, state, doneByEarlierAttempt),
  changedBefore: true,
})

interface HomeContext<S extends FamilyState> {
  readonly home: DecidedRegion<S>
  readonly isDone: boolean
  /** ECS's time, milliseconds. */
  readonly now: number
}

/** Decides all regions: each gets the same image, as a copy that exists or as one still to be made. */
function* decideRegions<R extends ChangeRequest, S extends FamilyState>(
  request: R,
  policy: ModePolicy<R, S>,
  { replicas, ...context }: HomeContext<S> & { readonly replicas: readonly S[] },
): QueryGenerator<Regions<DecidedRegion<S>> | Refusal> {
  const { home } = context
  const { target } = home
  const found = yield* all(replicas.map((state) => recoverOrFindCopies(request, policy, state, context)))
  const missing = found.filter((each) => !each.decision && !each.copy).map(({ state }) => state)
  const copies = found.flatMap((each) => each.copies)
  const source =
    target && missing.length > 0 ? yield* policy.findSource(request, { home, target, missing, copies }) : undefined
  if (source && isRefusal(source)) return source
  const decided = yield* all(found.map((each) => decideReplica(request, policy, each, { ...context, source })))
  return [source ? restoreFirst(home, source.restore) : home, ...decided]
}

/** Restores the image at home before anything else, so that it can be copied. */
function restoreFirst<S extends FamilyState>(home: DecidedRegion<S>, restore: readonly Step[]): DecidedRegion<S> {
  const { decision, target } = home
  if (restore.length === 0 || !target || decision.kind !== 'change') return home
  const restored: Image = { ...target, status: 'Available' }
  return { ...home, target: restored, decision: { ...decision, target: restored, create: restore } }
}

interface ObservedReplica<S extends FamilyState> extends Copies<S> {
  /** What an earlier attempt or the home region has already decided; undefined when the region is still open. */
  readonly decision: RegionDecision | undefined
}

/** Copies are looked for only when no earlier decision was found without them: a copy may carry the record. */
function* recoverOrFindCopies<R extends ChangeRequest, S extends FamilyState>(
  fullRequest: R,
  policy: ModePolicy<R, S>,
  state: S,
  { home: { decision: homeDecision, target }, isDone }: HomeContext<S>,
): QueryGenerator<ObservedReplica<S>> {
  const request = inRegion(fullRequest, state.region)
  const recover = (seen: S) => {
    const decision = policy.recovery?.recover(request, seen, { isHome: false })
    return decision && ((isDone ? undefined : refuseDifferentTarget(findTarget(decision, seen), target)) ?? decision)
  }
  const keepsAllRegions = homeDecision.kind === 'nothing' && homeDecision.everywhere
  const decision = keepsAllRegions
    ? keepCurrent(request, policy, state, homeDecision.reason)
    : (recover(state) ?? (isDone ? keepAsDone(request, policy, state) : undefined))
  if (decision || !target) return { state, copies: [], copy: undefined, decision }
  const found = yield* policy.findCopies(request, state, target)
  return { ...found, decision: recover(found.state) }
}

function* decideReplica<R extends ChangeRequest, S extends FamilyState>(
  fullRequest: R,
  policy: ModePolicy<R, S>,
  { state, copy, copies, decision }: ObservedReplica<S>,
  { home, source, now }: HomeContext<S> & { readonly source: CopySource | undefined },
): QueryGenerator<DecidedRegion<S>> {
  const request = inRegion(fullRequest, state.region)
  const awaited = (image: Image | undefined) => (image && !policy.awaitsTarget ? awaitCopy(image) : [])
  if (decision) {
    const target = findTarget(decision, state)
    return { state, decision, target, copy: decision.kind === 'change' ? awaited(target) : [], notices: [] }
  }
  const spec = home.target && source && !copy && policy.specifyCopy?.(request, state, { target: home.target, source })
  if (spec && isRefusal(spec)) return { state, decision: spec, target: undefined, copy: [], notices: [] }
  const { steps, notices, image } =
    spec && home.target
      ? planMissingCopy(spec, copies, { source: home.target, now })
      : { steps: awaited(copy), notices: [], image: copy }
  const newDecision = yield* policy.decideReplica(request, { home, state, copy: image })
  return { state, decision: newDecision, target: findTarget(newDecision, state) ?? image, copy: steps, notices }
}

function planMissingCopy(spec: CopyPlan, existing: readonly Image[], { source, now }: { source: Image; now: number }) {
  const { copy, steps, notices } = planCopy(spec, existing)
  return { steps, notices, image: plannedCopy(source, { region: spec.region, copy, now }) }
}

/** Origins of the home region's current image and of the image it would fall back to: their copies are never deleted. */
function originsToKeep({ state, decision, target }: DecidedRegion): readonly string[] {
  const current = currentAfterPlan({ state, decision, target })
  const withdrawn = decision.kind === 'change' ? decision.withdraw : []
  const remaining = state.members.filter((image) => !withdrawn.includes(image))
  return [current, current && findFallback(current, remaining)].flatMap((image) =>
    image && !isPlaceholder(image.id) ? [originOf(image)] : [],
  )
}
