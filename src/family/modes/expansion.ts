/** From what is decided for one region to its steps: how the image comes in, what leaves, what is shared and deleted. */

import { type Image, isAvailable, isNewer, oldestFirst } from '../model/image.ts'
import type { BakeRequest, PromoteRequest, RollbackRequest } from '../model/request.ts'
import { type Change, type Keep, type RegionCase, servedAfter } from '../plan/decision.ts'
import { isRefusal, phases, type Refusal, type RegionPlan } from '../plan/plan.ts'
import type { QueryGenerator } from '../plan/query.ts'
import { withSteps } from '../plan/regions.ts'
import { isPlaceholder, type Step } from '../plan/steps.ts'
import { resumeNotice } from '../recovery/resume.ts'
import { type Entry, planEntry } from '../rules/entry.ts'
import { refuseForbidden } from '../rules/permission.ts'
import { planPruning } from '../rules/pruning.ts'
import { quotaNotices } from '../rules/quota.ts'
import { pendingAfter } from '../rules/rivals.ts'
import { planSharing, type Sharing } from '../rules/sharing.ts'
import { planWithdrawal, type Withdrawing, withdrawalSteps } from '../rules/withdrawal.ts'
import type { ExpansionPolicy } from './policy.ts'

interface Context {
  /** ECS's time, milliseconds. */
  readonly now: number
  /** Origins of what the home region serves and would fall back to. */
  readonly keptOrigins: readonly string[]
  readonly homeTarget: Image | undefined
}

/** What is decided for one region, with all that goes with it. */
export function* expandRegion<R extends BakeRequest | PromoteRequest | RollbackRequest>(
  request: R,
  policy: ExpansionPolicy<R>,
  each: RegionCase,
  context: Context,
): QueryGenerator<RegionPlan | Refusal> {
  const { state, decision, target } = each
  if (isRefusal(decision)) return decision
  // What a later step has withdrawn since is not shared.
  const shared = target && (decision.kind === 'change' || isAvailable(target)) ? target : undefined
  const sharing = yield* planSharing(request, shared && isPlaceholder(shared.id) ? shared.id : shared)
  if (isRefusal(sharing)) return sharing
  const plan =
    decision.kind === 'change'
      ? yield* planChange(request, policy, each, { ...context, decision, sharing })
      : keepAsItIs(policy, each, decision, sharing)
  if (isRefusal(plan)) return plan
  const told = { ...plan, notices: [...each.notices, ...plan.notices, ...sharing.notices] }
  const pruned =
    'keep' in request
      ? yield* planPruning(request, {
          plan: told,
          members: state.members,
          target: servedAfter(each),
          origins: context.keptOrigins,
          leavesFamily: policy.withdrawing(request).quarantineFamily !== undefined,
        })
      : told
  return (yield* refuseForbidden(stepsIn(pruned), { canMakeRoom: (pruned.room ?? []).length > 0 })) ?? pruned
}

/** Nothing is done about the family itself: only what is left besides. */
function keepAsItIs<R>(
  { sharePhase }: ExpansionPolicy<R>,
  { copy }: RegionCase,
  { everywhere: _, create = [], ...plan }: Keep,
  sharing: Sharing,
): RegionPlan {
  return withSteps(plan, { create, copy, [sharePhase]: sharing.steps })
}

const stepsIn = (plan: RegionPlan): readonly Step[] =>
  plan.kind === 'nothing' ? [] : phases.flatMap((phase) => plan.steps[phase] ?? [])

const noEntry: Entry = { first: [], steps: [] }

function* planChange<R extends BakeRequest | PromoteRequest | RollbackRequest>(
  request: R,
  policy: ExpansionPolicy<R>,
  { state, copy }: RegionCase,
  { decision, sharing, now, homeTarget }: Context & { readonly decision: Change; readonly sharing: Sharing },
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
  const withdrawal = yield* planWithdrawal(policy.withdrawing(request), {
    images: withdraw,
    target,
    targetShares: sharing.shares,
    replaced: policy.expectsTarget(request) ? imageReplaced(decision, state.current) : undefined,
    quarantined: state.quarantined,
  })
  if (isRefusal(withdrawal)) return policy.explainShared?.(withdrawal, homeTarget) ?? withdrawal
  const record = policy.record(request, { change: decision, now })
  if (isRefusal(record)) return record

  const withdrawn = [...oldestFirst(resumed?.withdrawn ?? []), ...withdraw, ...withdrawWhenReady].map(({ id }) => id)
  const pending = pendingAfter(state.members, target).filter((image) => !withdrawWhenReady.includes(image))
  const [sharedEarly, sharedWhenRestored] = whenToShare(policy, target, sharing)
  const enters = [...entry.steps, ...sharedWhenRestored]
  return {
    kind: 'change',
    region,
    steps: {
      create,
      copy,
      record: record.planned,
      check: policy.confirmExpected(request, decision, state.current),
      // While newer images are there, the target changes no answer by coming in.
      prepare: [
        ...sharedEarly,
        ...(target ? policy.tagTarget(request, target) : []),
        ...entry.first,
        ...(hasRivals ? enters : []),
      ],
      activate: [
        ...(hasRivals ? [] : enters),
        ...withdrawal.steps,
        ...withdrawPending(policy.withdrawing(request), withdrawWhenReady),
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
      ...resumeNotice(decision),
      ...policy.noticePending(request, pending),
      ...withdrawal.notices,
      ...record.notices,
      ...(target && target.family !== family ? quotaNotices(request, state.members) : []),
    ],
  }
}

/** What the family serves now, where it stays in the family and is served no longer. */
const imageReplaced = ({ target, withdraw }: Change, current: Image | undefined): Image | undefined =>
  current &&
  target &&
  current.id !== target.id &&
  !isNewer(current, target) &&
  !withdraw.some(({ id }) => id === current.id)
    ? current
    : undefined

/** ECS shares no deprecated image: one that has to be restored is shared after that. */
function whenToShare<R>(
  { sharePhase }: ExpansionPolicy<R>,
  target: Image | undefined,
  { steps }: Sharing,
): readonly [early: readonly Step[], whenRestored: readonly Step[]] {
  if (sharePhase === 'commit') return [[], []]
  return target?.status === 'Deprecated' ? [[], steps] : [steps, []]
}

/**
 * The bad image goes first, then each one still being created as soon as it is available: waiting for those before
 * anything else would leave the bad image current meanwhile.
 */
const withdrawPending = (withdrawing: Withdrawing, pending: readonly Image[]): Step[] =>
  pending.flatMap((image): Step[] => [
    { action: 'await', region: withdrawing.region, image: image.id, mayFail: true },
    ...withdrawalSteps(image, [], withdrawing),
  ])
