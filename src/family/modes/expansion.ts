/** Turns the decision for one region into steps: the image joins its family, others leave, images are shared and deleted. */

import { type Image, isAvailable, isNewer, oldestFirst } from '../model/image.ts'
import type { BakeRequest, PromoteRequest, RollbackRequest } from '../model/request.ts'
import { type Change, currentAfterPlan, type DecidedRegion, type Keep } from '../plan/decision.ts'
import { isRefusal, phases, type Refusal, type RegionPlan } from '../plan/plan.ts'
import type { QueryGenerator } from '../plan/query.ts'
import { addSteps } from '../plan/regions.ts'
import { isPlaceholder, type Step } from '../plan/steps.ts'
import { resumeNotices } from '../recovery/resume.ts'
import { type FamilyEntry, planEntry } from '../rules/entry.ts'
import { refuseForbidden } from '../rules/permission.ts'
import { planPruning } from '../rules/pruning.ts'
import { quotaNotices } from '../rules/quota.ts'
import { findPendingNewer } from '../rules/rivals.ts'
import { planSharing, type Sharing } from '../rules/sharing.ts'
import { planWithdrawal, type WithdrawalRequest, withdrawalSteps } from '../rules/withdrawal.ts'
import type { ExpansionPolicy } from './policy.ts'

interface ExpansionContext {
  /** ECS's time, milliseconds. */
  readonly now: number
  /** Origins of the home region's current image and of the image it would fall back to. */
  readonly keptOrigins: readonly string[]
  readonly homeTarget: Image | undefined
}

/** Plans everything that follows from the decision for one region. */
export function* expandRegion<R extends BakeRequest | PromoteRequest | RollbackRequest>(
  request: R,
  policy: ExpansionPolicy<R>,
  decided: DecidedRegion,
  context: ExpansionContext,
): QueryGenerator<RegionPlan | Refusal> {
  const { state, decision, target } = decided
  if (isRefusal(decision)) return decision
  // An image that a later step has withdrawn is not shared.
  const shared = target && (decision.kind === 'change' || isAvailable(target)) ? target : undefined
  const sharing = yield* planSharing(request, shared && isPlaceholder(shared.id) ? shared.id : shared)
  if (isRefusal(sharing)) return sharing
  const plan =
    decision.kind === 'change'
      ? yield* planChange(request, policy, decided, { ...context, decision, sharing })
      : planKeep(policy, decided, decision, sharing)
  if (isRefusal(plan)) return plan
  const withNotices = { ...plan, notices: [...decided.notices, ...plan.notices, ...sharing.notices] }
  const pruned =
    'keep' in request
      ? yield* planPruning(request, {
          plan: withNotices,
          members: state.members,
          target: currentAfterPlan(decided),
          origins: context.keptOrigins,
          leavesFamily: policy.withdrawalRequest(request).quarantineFamily !== undefined,
        })
      : withNotices
  return (yield* refuseForbidden(stepsIn(pruned), { canMakeRoom: (pruned.room ?? []).length > 0 })) ?? pruned
}

/** The family itself stays as it is; steps may be left that do not touch it. */
function planKeep<R>(
  { sharePhase }: ExpansionPolicy<R>,
  { copy }: DecidedRegion,
  { everywhere: _, makesCopy, create = [], ...plan }: Keep,
  sharing: Sharing,
): RegionPlan {
  return addSteps(plan, { create, copy: makesCopy ? copy : [], [sharePhase]: sharing.steps })
}

const stepsIn = (plan: RegionPlan): readonly Step[] =>
  plan.kind === 'nothing' ? [] : phases.flatMap((phase) => plan.steps[phase] ?? [])

const noEntry: FamilyEntry = { prepare: [], enter: [] }

function* planChange<R extends BakeRequest | PromoteRequest | RollbackRequest>(
  request: R,
  policy: ExpansionPolicy<R>,
  { state, copy }: DecidedRegion,
  { decision, sharing, now, homeTarget }: ExpansionContext & { readonly decision: Change; readonly sharing: Sharing },
): QueryGenerator<RegionPlan | Refusal> {
  const { region, family } = request
  const { target, withdraw, withdrawWhenReady, resumed, create = [] } = decision
  const hasRivals = withdraw.length > 0
  const isAwaited =
    !policy.expectsTarget(request) ||
    [...create, ...copy].some((step) => step.action === 'await' && step.image === target?.id)
  const entry = target
    ? yield* planEntry(request, target, { hasRivals, isAwaited, awaitsTarget: policy.awaitsTarget })
    : noEntry
  if (isRefusal(entry)) return entry
  const withdrawal = yield* planWithdrawal(policy.withdrawalRequest(request), {
    images: withdraw,
    target,
    targetShares: sharing.shares,
    replaced: policy.expectsTarget(request) ? findReplaced(decision, state.current) : undefined,
    quarantined: state.quarantined,
  })
  if (isRefusal(withdrawal)) return policy.explainShared?.(withdrawal, homeTarget) ?? withdrawal
  const record = policy.record(request, { change: decision, now })
  if (isRefusal(record)) return record

  const withdrawn = [...oldestFirst(resumed?.withdrawn ?? []), ...withdraw, ...withdrawWhenReady].map(({ id }) => id)
  const pending = findPendingNewer(state.members, target).filter((image) => !withdrawWhenReady.includes(image))
  const [sharedEarly, sharedWhenRestored] = splitSharing(policy, target, sharing)
  const entrySteps = [...entry.enter, ...sharedWhenRestored]
  return {
    kind: 'change',
    region,
    steps: {
      create,
      copy,
      record: record.planned,
      check: policy.confirmExpected(request, decision, state.current),
      // While newer images are in the family, the target does not become current by joining it.
      prepare: [
        ...sharedEarly,
        ...(target ? policy.tagTarget(request, target) : []),
        ...entry.prepare,
        ...(hasRivals ? entrySteps : []),
      ],
      activate: [
        ...(hasRivals ? [] : entrySteps),
        ...withdrawal.steps,
        ...planPendingWithdrawal(policy.withdrawalRequest(request), withdrawWhenReady),
      ],
      commit: [...record.done, ...(policy.sharePhase === 'commit' ? sharing.steps : [])],
    },
    expect: policy.expectsTarget(request)
      ? { region, family, image: target?.id, withdrawn, overtaken: policy.overtaken }
      : undefined,
    image: target?.id,
    previous: decision.previous,
    withdrawn,
    ...(policy.listsInstances ? { listInstancesOf: withdrawn } : {}),
    changedBefore: decision.changedBefore,
    pending: pending.map(({ id }) => id),
    notices: [
      ...(decision.notices ?? []),
      ...resumeNotices(request.run, decision),
      ...policy.pendingNotices(request, pending),
      ...withdrawal.notices,
      ...record.notices,
      ...(target && target.family !== family ? quotaNotices(request, state.members) : []),
    ],
  }
}

/** The current image, if it stays in the family but is current no longer. */
const findReplaced = ({ target, withdraw }: Change, current: Image | undefined): Image | undefined =>
  current &&
  target &&
  current.id !== target.id &&
  !isNewer(current, target) &&
  !withdraw.some(({ id }) => id === current.id)
    ? current
    : undefined

/** ECS shares no deprecated image, so a deprecated target is shared after it was restored. */
function splitSharing<R>(
  { sharePhase }: ExpansionPolicy<R>,
  target: Image | undefined,
  { steps }: Sharing,
): readonly [early: readonly Step[], whenRestored: readonly Step[]] {
  if (sharePhase === 'commit') return [[], []]
  return target?.status === 'Deprecated' ? [[], steps] : [steps, []]
}

/**
 * Images that are still being created are withdrawn last, each as soon as it is available: the bad image would stay
 * current while they are awaited.
 */
const planPendingWithdrawal = (request: WithdrawalRequest, pending: readonly Image[]): Step[] =>
  pending.flatMap((image): Step[] => [
    { action: 'await', region: request.region, image: image.id, mayFail: true },
    ...withdrawalSteps(image, [], request),
  ])
