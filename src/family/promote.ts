/** Makes one image what its family serves, in every region: joins, restores, copies, then retires what would still win. */
import { crowdedNotices } from './crowded.ts'
import { distinct, isAvailable, isPending, oldestFirst } from './image.ts'
import { type Decided, goesOnWith, lookTwice, notesFor, pendingAfter, remember } from './memory.ts'
import { originOf, sameImage } from './origin.ts'
import { type Branch, entersIn, isMade, isRefusal, type Plan } from './plan.ts'
import { choose, type HomeScene, isOlderSource, leftAlone, pendingNotices, targetOf } from './promote-choice.ts'
import { confirming, planEntry, tagging } from './promote-entry.ts'
import { type Case, doneElsewhere, goingFrom, spread } from './promote-replicas.ts'
import { ask, askAll, type Planning, together } from './question.ts'
import { alsoDoing, at, refusalAmong, wholeOf } from './regions.ts'
import type { PromoteRequest } from './request.ts'
import { planSharing, type Sharing } from './sharing.ts'
import { fallbackOf, planTidying } from './tidying.ts'
import { forbiddenAmong, planWithdrawal } from './withdrawal.ts'

function* look(request: PromoteRequest): Planning<HomeScene> {
  const { region, family, fromFamily, quarantineFamily, image } = request
  const seen = yield* askAll({
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
function* lookWhenSettled(request: PromoteRequest): Planning<HomeScene> {
  const scene = yield* lookTwice(request, () => look(request))
  const { named, current } = scene
  // What would be refused anyway is refused at once.
  const isWanted = named?.ownerAlias === 'self' && [undefined, current?.id].includes(request.expectedImage)
  if (!named || !isPending(named) || !isWanted) return scene
  yield* ask({ ask: 'settled', region: request.region, image: named.id })
  return yield* look(request)
}

export function* planPromote(request: PromoteRequest): Planning<Plan> {
  const scene = yield* lookWhenSettled(request)
  const [now] = yield* ask({ ask: 'time' })
  const remembered = remember(request, scene)
  const done = remembered ? undefined : yield* doneElsewhere(request)
  const decided = remembered ?? (done && leftAlone(request, scene)) ?? (yield* choose(request, scene, now))
  if (isRefusal(decided)) return decided
  const target = done ?? targetOf(decided, scene)
  const here = done ? scene.known.find((image) => sameImage(image, done)) : target
  const home: Case = { scene, decided, target: here, make: [], copy: [], notices: [] }
  const stays = !remembered && !done && isOlderSource(request, scene)
  const cases = request.replicas.length === 0 || !target ? [home] : yield* spread(request, { home, target, stays, now })
  if (isRefusal(cases)) return cases
  const refusal = refusalAmong(
    request,
    cases.map((each) => each.decided),
  )
  if (refusal) return refusal
  // What a re-run has settled on before may not be what is served by now.
  const serves = 'kind' in decided ? scene.current : target
  const kept = [serves, serves && fallbackOf(serves, goingFrom(home))].flatMap((image) =>
    image ? [originOf(image)] : [],
  )
  return wholeOf(request, yield* together(cases.map((each) => planCase(request, each, { now, origins: kept }))))
}

/** What is decided for one region, with all that goes with it. */
function* planCase(
  whole: PromoteRequest,
  each: Case,
  { now, origins }: { now: number; origins: readonly string[] },
): Planning<Branch> {
  const { scene, decided, target } = each
  if (isRefusal(decided)) return decided
  const request = at(whole, scene.region)
  // What a later step has withdrawn since is not shared.
  const mayShare = target && (!('kind' in decided) || isAvailable(target)) ? target : undefined
  const sharing = yield* planSharing(request, mayShare && isMade(mayShare.id) ? mayShare.id : mayShare)
  if (isRefusal(sharing)) return sharing
  const branch =
    'kind' in decided
      ? alsoDoing(decided, { ready: sharing.steps })
      : yield* planPromotion(request, each, { decided, sharing, now })
  if (isRefusal(branch)) return branch
  const notices = [...each.notices, ...branch.notices, ...sharing.notices]
  const told = { ...branch, notices }
  const serves = 'kind' in decided ? scene.current : target
  const tidied = yield* planTidying(request, { branch: told, members: scene.members, target: serves, origins })
  // Alone at home, the first visible step that fails has changed nothing.
  const forbidden = request.replicas.length > 0 ? yield* forbiddenAmong(entersIn(tidied)) : undefined
  return forbidden ?? tidied
}

function* planPromotion(
  request: PromoteRequest,
  { scene, target, make, copy }: Case,
  { decided, sharing, now }: { decided: Decided; sharing: Sharing; now: number },
): Planning<Branch> {
  const { region, family } = request
  const { withdraw, begun } = decided
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
  const forbidden = yield* forbiddenAmong(withdrawal.steps)
  if (forbidden) return forbidden
  const notes = notesFor(request, { decided, now, targetTags: request.tags, mayGoWithout: false })
  if (isRefusal(notes)) return notes
  const withdrawn = [...oldestFirst(begun?.withdrawn ?? []), ...withdraw].map(({ id }) => id)
  // ECS shares no deprecated image.
  const [sharedAtOnce, sharedWhenRestored] = target.status === 'Deprecated' ? [[], sharing.steps] : [sharing.steps, []]
  const comesIn = [...entry.steps, ...sharedWhenRestored]
  // With newer images before it, the image changes no answer by coming in.
  const isQuiet = withdraw.length > 0
  return {
    kind: 'change',
    region,
    does: {
      make,
      copy,
      note: notes.planned,
      confirm: confirming(request, scene, target),
      ready: [...sharedAtOnce, ...tagging(request, target), ...entry.first, ...(isQuiet ? comesIn : [])],
      switch: [...(isQuiet ? [] : comesIn), ...withdrawal.steps],
      settle: notes.done,
    },
    expect: { region, family, image: target.id, withdrawn },
    image: target.id,
    previous: decided.previous,
    changedBefore: begun !== undefined,
    withdrawn,
    pending: pendingAfter(scene.members, target).map(({ id }) => id),
    notices: [
      ...goesOnWith(decided),
      ...pendingNotices(scene, target),
      ...withdrawal.notices,
      ...notes.notices,
      ...(target.family === family ? [] : crowdedNotices(request, scene.members)),
    ],
  }
}
