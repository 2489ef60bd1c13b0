/** Makes one image what its family serves, in every region: joins, restores, copies, then retires what would still win. */

import { distinct, isAvailable, isPending, oldestFirst } from '../model/image.ts'
import { originOf, sameImage } from '../model/origin.ts'
import type { PromoteRequest } from '../model/request.ts'
import { entrySteps, isRefusal, type Plan, type RegionDecision } from '../plan/plan.ts'
import { all, type QueryGenerator, query, queryAll } from '../plan/query.ts'
import { combineRefusals, combineRegions, inRegion, withSteps } from '../plan/regions.ts'
import { isPlaceholder } from '../plan/steps.ts'
import {
  type Change,
  observeConsistently,
  pendingAfter,
  recordSteps,
  recover,
  resumeNotice,
} from '../recovery/resume.ts'
import { confirming, planEntry, tagging } from '../rules/entry.ts'
import { refuseForbidden } from '../rules/permission.ts'
import { fallbackOf, planPruning } from '../rules/pruning.ts'
import { quotaNotices } from '../rules/quota.ts'
import { planSharing, type Sharing } from '../rules/sharing.ts'
import { planWithdrawal } from '../rules/withdrawal.ts'
import { choose, type HomeScene, isOlderSource, leftAlone, pendingNotices, targetOf } from './promote-choice.ts'
import { type Case, doneElsewhere, remainingMembers, spread } from './promote-replicas.ts'

function* look(request: PromoteRequest): QueryGenerator<HomeScene> {
  const { region, family, fromFamily, quarantineFamily, image } = request
  const seen = yield* queryAll({
    current: { ask: 'current', region, family },
    members: { ask: 'members', region, family },
    named: image === undefined ? undefined : { ask: 'image', region, image },
    source: fromFamily === undefined ? undefined : { ask: 'current', region, family: fromFamily },
    sourceMembers: fromFamily === undefined ? undefined : { ask: 'members', region, family: fromFamily },
    quarantined: quarantineFamily === undefined ? undefined : { ask: 'members', region, family: quarantineFamily },
  })
  const { current, members, named, source, sourceMembers = [], quarantined = [] } = seen
  const known = distinct([...members, ...sourceMembers, ...quarantined, ...(named ? [named] : [])])
  return { region, current, members, named, source, quarantined, known }
}

/** Waits for an image still being created before anything is decided: what the family serves may change meanwhile. */
function* lookWhenSettled(request: PromoteRequest): QueryGenerator<HomeScene> {
  const scene = yield* observeConsistently(request, () => look(request))
  const { named, current } = scene
  // What would be refused anyway is refused at once.
  const isWanted = named?.ownerAlias === 'self' && [undefined, current?.id].includes(request.expectedImage)
  if (!named || !isPending(named) || !isWanted) return scene
  yield* query({ ask: 'settled', region: request.region, image: named.id })
  return yield* look(request)
}

export function* planPromote(request: PromoteRequest): QueryGenerator<Plan> {
  const scene = yield* lookWhenSettled(request)
  const [now] = yield* query({ ask: 'time' })
  const remembered = recover(request, scene)
  const done = remembered ? undefined : yield* doneElsewhere(request)
  const decided = remembered ?? (done && leftAlone(request, scene)) ?? (yield* choose(request, scene, now))
  if (isRefusal(decided)) return decided
  const target = done ?? targetOf(decided, scene)
  const here = done ? scene.known.find((image) => sameImage(image, done)) : target
  const home: Case = { scene, decided, target: here, make: [], copy: [], notices: [] }
  const stays = !remembered && !done && isOlderSource(request, scene)
  const cases = request.replicas.length === 0 || !target ? [home] : yield* spread(request, { home, target, stays, now })
  if (isRefusal(cases)) return cases
  const refusal = combineRefusals(
    request,
    cases.map((each) => each.decided),
  )
  if (refusal) return refusal
  // What a re-run has settled on before may not be what is served by now.
  const serves = 'kind' in decided ? scene.current : target
  const kept = [serves, serves && fallbackOf(serves, remainingMembers(home))].flatMap((image) =>
    image ? [originOf(image)] : [],
  )
  return combineRegions(request, yield* all(cases.map((each) => planCase(request, each, { now, origins: kept }))))
}

/** What is decided for one region, with all that goes with it. */
function* planCase(
  whole: PromoteRequest,
  each: Case,
  { now, origins }: { now: number; origins: readonly string[] },
): QueryGenerator<RegionDecision> {
  const { scene, decided, target } = each
  if (isRefusal(decided)) return decided
  const request = inRegion(whole, scene.region)
  // What a later step has withdrawn since is not shared.
  const mayShare = target && (!('kind' in decided) || isAvailable(target)) ? target : undefined
  const sharing = yield* planSharing(request, mayShare && isPlaceholder(mayShare.id) ? mayShare.id : mayShare)
  if (isRefusal(sharing)) return sharing
  const branch =
    'kind' in decided
      ? withSteps(decided, { prepare: sharing.steps })
      : yield* planPromotion(request, each, { decided, sharing, now })
  if (isRefusal(branch)) return branch
  const notices = [...each.notices, ...branch.notices, ...sharing.notices]
  const told = { ...branch, notices }
  const serves = 'kind' in decided ? scene.current : target
  const tidied = yield* planPruning(request, { branch: told, members: scene.members, target: serves, origins })
  // Alone at home, the first visible step that fails has changed nothing.
  const forbidden =
    request.replicas.length > 0
      ? yield* refuseForbidden(entrySteps(tidied), { canMakeRoom: (tidied.room ?? []).length > 0 })
      : undefined
  return forbidden ?? tidied
}

function* planPromotion(
  request: PromoteRequest,
  { scene, target, make, copy }: Case,
  { decided, sharing, now }: { decided: Change; sharing: Sharing; now: number },
): QueryGenerator<RegionDecision> {
  const { region, family } = request
  const { withdraw, resumed } = decided
  // A promotion always has one; only a rollback may empty a family.
  if (!target) throw new Error('A promotion without its image.')
  const entry = yield* planEntry(request, target, { isQuiet: withdraw.length > 0, isAwaited: copy.length > 0 })
  if (isRefusal(entry)) return entry
  const { current } = scene
  const replaced =
    current && current.id !== target.id && !withdraw.some(({ id }) => id === current.id) ? current : undefined
  const withdrawal = yield* planWithdrawal(request, {
    images: withdraw,
    target,
    targetShares: sharing.shares,
    replaced,
    quarantined: scene.quarantined,
  })
  if (isRefusal(withdrawal)) return withdrawal
  const forbidden = yield* refuseForbidden(withdrawal.steps)
  if (forbidden) return forbidden
  const notes = recordSteps(request, { decided, now, targetTags: request.tags, mayGoWithout: false })
  if (isRefusal(notes)) return notes
  const withdrawn = [...oldestFirst(resumed?.withdrawn ?? []), ...withdraw].map(({ id }) => id)
  // ECS shares no deprecated image.
  const [sharedAtOnce, sharedWhenRestored] = target.status === 'Deprecated' ? [[], sharing.steps] : [sharing.steps, []]
  const comesIn = [...entry.steps, ...sharedWhenRestored]
  // With newer images before it, the image changes no answer by coming in.
  const isQuiet = withdraw.length > 0
  return {
    kind: 'change',
    region,
    steps: {
      create: make,
      copy,
      record: notes.planned,
      check: confirming(request, scene, target),
      prepare: [...sharedAtOnce, ...tagging(request, target), ...entry.first, ...(isQuiet ? comesIn : [])],
      activate: [...(isQuiet ? [] : comesIn), ...withdrawal.steps],
      commit: notes.done,
    },
    expect: { region, family, image: target.id, withdrawn },
    image: target.id,
    previous: decided.previous,
    changedBefore: resumed !== undefined,
    withdrawn,
    pending: pendingAfter(scene.members, target).map(({ id }) => id),
    notices: [
      ...resumeNotice(decided),
      ...pendingNotices(scene, target),
      ...withdrawal.notices,
      ...notes.notices,
      ...(target.family === family ? [] : quotaNotices(request, scene.members)),
    ],
  }
}
