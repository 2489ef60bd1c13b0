/**
 * The one way from a request to a plan, for any number of regions: look at all of them side by side, recover what an
 * earlier attempt decided, choose an image at home, find or plan its copy in each replica region, decide each region.
 * Then one refusal for all of them, or the steps of each. What differs between the modes is a policy and nothing else.
 */

import type { FamilyState } from '../model/family-state.ts'
import type { Image } from '../model/image.ts'
import { originOf } from '../model/origin.ts'
import { regionsOf } from '../model/request.ts'
import { type Keep, type RegionCase, type RegionDecision, servedAfter } from '../plan/decision.ts'
import { isRefusal, type Plan, type Refusal } from '../plan/plan.ts'
import { all, type QueryGenerator, query } from '../plan/query.ts'
import { combineRefusals, combineRegions, eachRegion, inRegion, type Regions } from '../plan/regions.ts'
import { isPlaceholder, type Step } from '../plan/steps.ts'
import { isDoneInAnyRegion } from '../recovery/consistency.ts'
import { doneByEarlierAttempt } from '../recovery/replay.ts'
import { refuseDifferentTarget } from '../recovery/resume.ts'
import { fallbackOf } from '../rules/pruning.ts'
import { awaitCopy, type CopyPlan, planCopy, plannedCopy } from '../rules/replication.ts'
import { pendingAfter } from '../rules/rivals.ts'
import { expandRegion } from './expansion.ts'
import type { ChangeRequest, Copies, CopySource, ExpansionPolicy, ModePolicy } from './policy.ts'

export function* planRegions<R extends ChangeRequest, S extends FamilyState>(
  request: R,
  policy: ModePolicy<R, S>,
): QueryGenerator<Plan> {
  const [first, ...replicas] = yield* observeRegions(request, policy)
  const [now] = yield* query({ ask: 'time' })
  const isDone = isDoneInAnyRegion(request.run, [first, ...replicas])
  const decision =
    policy.recovery?.recover(request, first, { isHome: true }) ??
    (isDone ? leaveDone(request, policy, first) : yield* policy.choose(request, { home: first, replicas, now }))
  if (isRefusal(decision)) return decision
  const home = { state: first, decision, target: targetIn(decision, first), copy: [], notices: [] }
  const cases = yield* decideRegions(request, policy, { home, replicas, isDone, now })
  if (isRefusal(cases)) return cases
  const refusal = combineRefusals(
    request,
    cases.map((each) => each.decision),
  )
  if (refusal) return refusal
  const keptOrigins = originsToKeep(cases[0])
  const { target: homeTarget } = cases[0]
  const plans = yield* all(
    cases.map((each) =>
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
  yield* query({ ask: 'settled', region: request.region, image })
  return yield* eachRegion(regions, look)
}

/** What the region is to serve at the end, among what was seen there. */
export function targetIn(decision: RegionDecision, { known, current }: FamilyState): Image | undefined {
  if (decision.kind === 'change') return decision.target
  if (decision.kind === 'refuse') return undefined
  return known.find(({ id }) => id === decision.image) ?? (current?.id === decision.image ? current : undefined)
}

/** The family stays as it is. */
export function keepCurrent<R extends ChangeRequest>(
  request: R,
  policy: ExpansionPolicy<R>,
  { current, members }: FamilyState,
  reason: string,
): Keep {
  const pending = pendingAfter(members, current)
  return {
    kind: 'nothing',
    region: request.region,
    reason,
    changedBefore: false,
    image: current?.id,
    previous: current?.id,
    withdrawn: [],
    pending: pending.map(({ id }) => id),
    notices: policy.noticePending(request, pending),
  }
}

/** This run is done in every region; what has come here since is not its to decide about. */
const leaveDone = <R extends ChangeRequest, S extends FamilyState>(
  request: R,
  policy: ModePolicy<R, S>,
  state: S,
): Keep => ({
  ...keepCurrent(inRegion(request, state.region), policy, state, doneByEarlierAttempt),
  changedBefore: true,
})

interface Context<S extends FamilyState> {
  readonly home: RegionCase<S>
  readonly isDone: boolean
  /** ECS's time, milliseconds. */
  readonly now: number
}

/** All regions: everywhere the same image, by a copy that is there or one to be made. */
function* decideRegions<R extends ChangeRequest, S extends FamilyState>(
  request: R,
  policy: ModePolicy<R, S>,
  { replicas, ...context }: Context<S> & { readonly replicas: readonly S[] },
): QueryGenerator<Regions<RegionCase<S>> | Refusal> {
  const { home } = context
  const { target } = home
  const found = yield* all(replicas.map((state) => findCopies(request, policy, state, context)))
  const missing = found.filter((each) => !each.decision && !each.copy).map(({ state }) => state)
  const copies = found.flatMap((each) => each.copies)
  const source =
    target && missing.length > 0 ? yield* policy.findSource(request, { home, target, missing, copies }) : undefined
  if (source && isRefusal(source)) return source
  const decided = yield* all(found.map((each) => decideReplica(request, policy, each, { ...context, source })))
  return [source ? restoredFirst(home, source.restore) : home, ...decided]
}

/** With the image restored before anything else, so that it can be copied. */
function restoredFirst<S extends FamilyState>(home: RegionCase<S>, restore: readonly Step[]): RegionCase<S> {
  const { decision, target } = home
  if (restore.length === 0 || !target || decision.kind !== 'change') return home
  const restored: Image = { ...target, status: 'Available' }
  return { ...home, target: restored, decision: { ...decision, target: restored, create: restore } }
}

interface Found<S extends FamilyState> extends Copies<S> {
  /** What is decided already, by an earlier attempt or at home. */
  readonly decision: RegionDecision | undefined
}

/** What an earlier attempt has decided needs no look at copies, unless the record is on one. */
function* findCopies<R extends ChangeRequest, S extends FamilyState>(
  whole: R,
  policy: ModePolicy<R, S>,
  state: S,
  { home: { decision: atHome, target }, isDone }: Context<S>,
): QueryGenerator<Found<S>> {
  const request = inRegion(whole, state.region)
  const recover = (seen: S) => {
    const decision = policy.recovery?.recover(request, seen, { isHome: false })
    return decision && ((isDone ? undefined : refuseDifferentTarget(targetIn(decision, seen), target)) ?? decision)
  }
  const everywhere = atHome.kind === 'nothing' && atHome.everywhere
  const decision = everywhere
    ? keepCurrent(request, policy, state, atHome.reason)
    : (recover(state) ?? (isDone ? leaveDone(request, policy, state) : undefined))
  if (decision || !target) return { state, copies: [], copy: undefined, decision }
  const found = yield* policy.findCopies(request, state, target)
  return { ...found, decision: recover(found.state) }
}

function* decideReplica<R extends ChangeRequest, S extends FamilyState>(
  whole: R,
  policy: ModePolicy<R, S>,
  { state, copy, copies, decision }: Found<S>,
  { home, source, now }: Context<S> & { readonly source: CopySource | undefined },
): QueryGenerator<RegionCase<S>> {
  const request = inRegion(whole, state.region)
  if (decision) {
    const target = targetIn(decision, state)
    return { state, decision, target, copy: target && decision.kind === 'change' ? awaitCopy(target) : [], notices: [] }
  }
  const spec = home.target && source && !copy && policy.planCopy?.(request, state, { target: home.target, source })
  if (spec && isRefusal(spec)) return { state, decision: spec, target: undefined, copy: [], notices: [] }
  const { steps, notices, image } =
    spec && home.target
      ? makeCopy(spec, copies, { of: home.target, now })
      : { steps: copy ? awaitCopy(copy) : [], notices: [], image: copy }
  const decided = yield* policy.decideReplica(request, { home, state, copy: image })
  return { state, decision: decided, target: targetIn(decided, state) ?? image, copy: steps, notices }
}

function makeCopy(spec: CopyPlan, existing: readonly Image[], { of, now }: { of: Image; now: number }) {
  const { copy, steps, notices } = planCopy(spec, existing)
  return { steps, notices, image: plannedCopy(of, { region: spec.region, copy, now }) }
}

/** Origins of what the home region serves and would fall back to: copies of these are never deleted. */
function originsToKeep({ state, decision, target }: RegionCase): readonly string[] {
  const serves = servedAfter({ state, decision, target })
  const leaving = decision.kind === 'change' ? decision.withdraw : []
  const staying = state.members.filter((image) => !leaving.includes(image))
  return [serves, serves && fallbackOf(serves, staying)].flatMap((image) =>
    image && !isPlaceholder(image.id) ? [originOf(image)] : [],
  )
}
