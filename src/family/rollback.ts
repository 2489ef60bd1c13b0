/**
 * Takes the current image, or everything newer than a named one, out of the contest: the family falls back, in every
 * region to the same image.
 */
import { type Image, isAvailable, isNewer, oldestFirst } from './image.ts'
import { type Decided, goesOnWith, isDoneSomewhere, lookTwice, notesFor, pendingAfter, remember } from './memory.ts'
import { type Branch, isRefusal, type Plan, type Step } from './plan.ts'
import { ask, askAll, type Planning, together } from './question.ts'
import { alsoDoing, at, refusalAmong, wholeOf } from './regions.ts'
import { type RollbackRequest, regionsOf } from './request.ts'
import { choose, type FamilyScene, homeRolledBack, leftAlone, pendingNotices, targetOf } from './rollback-choice.ts'
import { copyMissing, decideInReplica, withCopiesOutside } from './rollback-replicas.ts'
import { planSharing, type Sharing } from './sharing.ts'
import { forbiddenAmong, planWithdrawal, withdrawalOf } from './withdrawal.ts'

function* look({ region, family, quarantineFamily }: RollbackRequest): Planning<FamilyScene> {
  const seen = yield* askAll({
    current: { ask: 'current', region, family },
    members: { ask: 'members', region, family },
    quarantined: quarantineFamily === undefined ? undefined : { ask: 'members', region, family: quarantineFamily },
  })
  const quarantined = seen.quarantined ?? []
  return { ...seen, region, quarantined, known: [...seen.members, ...quarantined] }
}

export function* planRollback(request: RollbackRequest): Planning<Plan> {
  const scenes = yield* together(
    regionsOf(request).map((region) => lookTwice(at(request, region), () => look(at(request, region)))),
  )
  const [now] = yield* ask({ ask: 'time' })
  const [home, ...replicas] = scenes
  if (!home) throw new Error('A rollback without its home region.')
  const isDone = isDoneSomewhere(request.run, scenes)
  const chosen =
    remember(request, home) ??
    (isDone ? leftAlone(request, home) : undefined) ??
    homeRolledBack(request, home, replicas) ??
    choose(request, home, now)
  if (isRefusal(chosen)) return chosen
  const target = targetOf(chosen, home)
  const complete = target ? yield* together(replicas.map((scene) => withCopiesOutside(scene, target))) : replicas
  const inReplicas = complete.map((scene) => decideInReplica(request, scene, { home, target, isDone }))
  const missing = complete.filter((_, index) => inReplicas[index] === 'missing')
  if (target && missing.length > 0) return copyMissing(request, { target, missing, home, isThere: 'kind' in chosen })
  const decided = [chosen, ...inReplicas.filter((each) => each !== 'missing')]
  const refusal = refusalAmong(request, decided)
  if (refusal) return refusal
  const branches = yield* together(
    decided.map((each, index) => planBranch(request, [home, ...complete][index] ?? home, { decided: each, now })),
  )
  return wholeOf(request, branches)
}

/** What a later step has withdrawn since is not shared. */
const standsOrWill = (decided: Decided | Branch, target: Image | undefined): boolean =>
  target !== undefined && (!('kind' in decided) || isAvailable(target))

/** What is decided for one region, with all that goes with it. */
function* planBranch(
  whole: RollbackRequest,
  scene: FamilyScene,
  { decided, now }: { decided: Decided | Branch; now: number },
): Planning<Branch> {
  const request = at(whole, scene.region)
  const target = targetOf(decided, scene)
  const sharing = yield* planSharing(request, standsOrWill(decided, target) ? target : undefined)
  if (isRefusal(sharing)) return sharing
  if ('kind' in decided && decided.kind === 'refuse') return decided
  const branch =
    'kind' in decided
      ? alsoDoing(decided, { ready: sharing.steps })
      : yield* planFall(request, scene, { decided, sharing, now })
  return isRefusal(branch) ? branch : { ...branch, notices: [...branch.notices, ...sharing.notices] }
}

function* planFall(
  request: RollbackRequest,
  scene: FamilyScene,
  { decided, sharing, now }: { decided: Decided; sharing: Sharing; now: number },
): Planning<Branch> {
  const { region, family } = request
  const { target, withdraw, withdrawLater, begun } = decided
  const withdrawal = yield* planWithdrawal(request, {
    images: withdraw,
    target,
    targetShares: sharing.shares,
    quarantined: scene.quarantined,
  })
  if (isRefusal(withdrawal)) return withdrawal
  const entry = target ? comingIn(request, target) : []
  const forbidden = yield* forbiddenAmong([...entry, ...sharing.steps, ...withdrawal.steps])
  if (forbidden) return forbidden
  // In quarantine, what carries no mark would be taken for somebody's live image.
  const mayGoWithout = request.toImage !== undefined && request.quarantineFamily === undefined
  const notes = notesFor(request, { decided, now, mayGoWithout })
  if (isRefusal(notes)) return notes

  const gone = [...oldestFirst(begun?.withdrawn ?? []), ...withdraw, ...withdrawLater].map(({ id }) => id)
  const pending = pendingAfter(scene.members, target).filter((image) => !withdrawLater.includes(image))
  // ECS shares no deprecated image.
  const [sharedAtOnce, sharedWhenRestored] = target?.status === 'Deprecated' ? [[], sharing.steps] : [sharing.steps, []]
  const enters = [...entry, ...standing(request, decided), ...sharedWhenRestored]
  // Late copies may have made the target's copy the newest here: once it is in, it is served.
  const isSwitch = entry.length > 0 && target && !(scene.current && isNewer(scene.current, target))
  return {
    kind: 'change',
    region,
    does: {
      note: notes.planned,
      confirm: confirming(request, decided),
      ready: [...sharedAtOnce, ...(isSwitch ? [] : enters)],
      switch: [...(isSwitch ? enters : []), ...withdrawal.steps, ...withdrawWhenReady(request, withdrawLater)],
      settle: notes.done,
    },
    expect: { region, family, image: target?.id, withdrawn: gone },
    image: target?.id,
    previous: decided.previous,
    withdrawn: gone,
    affects: gone,
    changedBefore: begun !== undefined,
    pending: pending.map(({ id }) => id),
    notices: [...goesOnWith(decided), ...pendingNotices(family, pending), ...withdrawal.notices, ...notes.notices],
  }
}

/** Directly before the first visible step; where the image is withdrawn already, an earlier attempt has confirmed it. */
const confirming = ({ region, family, expectedImage }: RollbackRequest, { withdraw, previous }: Decided): Step[] =>
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
const standing = ({ region, family }: RollbackRequest, { target, withdraw }: Decided): Step[] =>
  target && (withdraw.length > 0 || target.status === 'Deprecated' || target.family !== family)
    ? [{ action: 'await', region, image: target.id, family }]
    : []

/**
 * The bad image goes first, then each one still being created as soon as it is available: waiting for those before
 * anything else would leave the bad image serving meanwhile.
 */
const withdrawWhenReady = (request: RollbackRequest, pending: readonly Image[]): Step[] =>
  pending.flatMap((image): Step[] => [
    { action: 'await', region: request.region, image: image.id, mayFail: true },
    ...withdrawalOf(image, [], request),
  ])
