/**
 * Takes the current image, or everything newer than a named one, out of the contest: the family falls back, in every
 * region to the same image.
 */

import type { Scene } from './giving-way.ts'
import {
  availableOf,
  type Image,
  isAvailable,
  isNewer,
  isReady,
  label,
  list,
  newestFirst,
  oldestFirst,
  sameSecond,
} from './image.ts'
import { decisionOn, describeDecision, isWithdrawnFrom, recentRollbackTo } from './mark.ts'
import {
  type Decided,
  doneBefore,
  goesOnWith,
  isDoneSomewhere,
  lookTwice,
  notesFor,
  pendingAfter,
  remember,
} from './memory.ts'
import { originOf, sameImage } from './origin.ts'
import {
  type Branch,
  isRefusal,
  type Notice,
  notExpected,
  type Plan,
  type Refusal,
  type RegionPlan,
  refuse,
  type Step,
} from './plan.ts'
import { ask, askAll, type Planning, together } from './question.ts'
import { alsoDoing, at, differentTarget, refusalAmong, wholeOf } from './regions.ts'
import { type RollbackRequest, regionsOf } from './request.ts'
import { planSharing, type Sharing } from './sharing.ts'
import { ambiguous, foreignBefore } from './standing.ts'
import { forbiddenAmong, inWithdrawalOrder, planWithdrawal } from './withdrawal.ts'

interface FamilyScene extends Scene {
  readonly region: string
  readonly quarantined: readonly Image[]
}

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

/** What the region is to serve at the end, among what was seen there. */
const targetOf = (decided: Decided | Branch, { known }: FamilyScene): Image | undefined => {
  if (!('kind' in decided)) return decided.target
  return decided.kind === 'refuse' ? undefined : known.find(({ id }) => id === decided.image)
}

/** What can be used at once comes before what has to be restored, and that before what has yet to join the family. */
const copyIn = ({ members, known }: FamilyScene, target: Image): Image | undefined => {
  const inFamily = newestFirst(members).filter((image) => sameImage(image, target))
  const outside = known.filter((image) => image.family === '' && sameImage(image, target))
  const isDeprecated = ({ status }: Image) => status === 'Deprecated'
  return inFamily.find(isAvailable) ?? inFamily.find(isDeprecated) ?? outside.find(isReady)
}

/** A bake that was overtaken has left its copies outside of the family: they are as good to fall back to. */
function* withCopiesOutside(scene: FamilyScene, target: Image): Planning<FamilyScene> {
  if (copyIn(scene, target)) return scene
  const { region } = scene
  const origin = originOf(target)
  const [originRegion, original = ''] = origin.split('/')
  const { copies, first } = yield* askAll({
    copies: { ask: 'copies', region, origin },
    first: originRegion === region ? { ask: 'image', region, image: original } : undefined,
  })
  const outside = [...copies, ...(first ? [first] : [])].filter(({ family }) => family === '')
  return { ...scene, known: [...scene.known, ...outside] }
}

/** What was given about shares holds for the runs that help as well. */
const sharesGiven = ({ quarantineFamily, unshare, shareWith }: RollbackRequest): string[] => [
  ...(quarantineFamily === undefined ? [] : [`quarantine-family: ${quarantineFamily}`]),
  ...(unshare ? ['unshare: true'] : []),
  ...(shareWith.length === 0 ? [] : [`share-with: ${shareWith.join(',')}`]),
]

/** The two runs that help; where home serves the target already, it is only the second. */
function copyMissing(
  request: RollbackRequest,
  {
    target,
    missing,
    home,
    isThere,
  }: { target: Image; missing: readonly FamilyScene[]; home: FamilyScene; isThere: boolean },
): Refusal {
  const { region, replicas, family, withdrawPending } = request
  const without = missing.map((scene) => scene.region)
  const rest = replicas.filter((each) => !without.includes(each))
  const served = missing.map(
    (scene) => `${scene.region} (which serves ${scene.current ? label(scene.current) : 'nothing'})`,
  )
  const inputs = (given: readonly string[]) => given.map((each) => `\`${each}\``).join(', ')
  const back = inputs([
    'mode: rollback',
    `region-id: ${region}`,
    ...(rest.length > 0 ? [`replica-region-ids: ${rest.join(',')}`] : []),
    `to-image-id: ${target.id}`,
    ...sharesGiven(request),
    ...(withdrawPending ? ['withdraw-pending: true'] : []),
  ])
  const there = inputs([
    'mode: promote',
    `region-id: ${region}`,
    `replica-region-ids: ${without.join(',')}`,
    `image-id: ${target.id}`,
    'deprecate-newer: true',
    ...sharesGiven(request),
  ])
  const bad = home.current ? ` ${label(home.current)} or a copy of it` : ' what is bad'
  const now = `At once: ${back}${rest.length > 0 ? '' : ', without `replica-region-ids`'}; ${without.join(', ')} may serve${bad} until the next is done. Then: `
  return refuse(
    'copy-missing',
    `Family ${family} has no copy of ${label(target)} in ${served.join(', ')}: not every region can fall back to it.`,
    `${isThere ? '' : now}${there}, which copies it there.`,
  )
}

/** In a replica the copies' own creation times count: whatever stands before the target's copy there has to go. */
function decideInReplica(
  whole: RollbackRequest,
  scene: FamilyScene,
  { home, target, isDone }: { home: FamilyScene; target: Image | undefined; isDone: boolean },
): Decided | Branch | 'missing' {
  const copy = target && copyIn(scene, target)
  const request = { ...at(whole, scene.region), toImage: whole.toImage === undefined ? undefined : copy?.id }
  const remembered = remember(request, scene)
  if (remembered) return (isDone ? undefined : differentTarget(targetOf(remembered, scene), target)) ?? remembered
  if (isDone) return leftAlone(request, scene)
  if (!copy) return target ? 'missing' : emptyReplica(request, scene, home)
  const { current, members } = scene
  const rivals = [...availableOf(members), ...(current ? [current] : [])]
  const tied = rivals.find((image) => sameSecond(image, copy))
  if (tied) return ambiguous(request.family, [copy, tied])
  const newer = availableOf(members).filter((image) => isNewer(image, copy))
  const withdrawLater = request.withdrawPending ? pendingAfter(members, copy) : []
  const isServed = isAvailable(copy) && current?.id === copy.id
  if (isServed && newer.length + withdrawLater.length === 0) return already(request, members, copy)
  const decided: Decided = {
    target: copy,
    previous: current?.id,
    withdraw: inWithdrawalOrder(newer, current?.id),
    withdrawLater,
    begun: undefined,
  }
  return foreignBefore(request.family, { current, members, target: copy }) ?? decided
}

/** The family is emptied at home: here it may lose copies of the same image, and nothing else. */
function emptyReplica(request: RollbackRequest, scene: FamilyScene, home: FamilyScene): Decided | Branch {
  const { current, members } = scene
  const others = availableOf(members).filter((image) => !home.current || !sameImage(image, home.current))
  if (others.length > 0) {
    return refuse(
      'regions-differ',
      `Family ${request.family} has ${list(others)} there, which ${home.region} has not: emptied at home, it would still serve that.`,
      `Roll back without this region in \`replica-region-ids\`, or promote ${label(others[0] as Image)} everywhere from here.`,
    )
  }
  const withdraw = inWithdrawalOrder(availableOf(members), current?.id)
  const withdrawLater = request.withdrawPending ? pendingAfter(members, undefined) : []
  if (withdraw.length + withdrawLater.length === 0) return already(request, members, undefined)
  return { target: undefined, previous: current?.id, withdraw, withdrawLater, begun: undefined }
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

/** A new decision, by what the family looks like now. */
function choose(request: RollbackRequest, scene: FamilyScene, now: number): Decided | Branch {
  const { current, members } = scene
  if (!current) return nothingToRollBack(request, members)
  const unexpected = expectation(request, current)
  if (unexpected) return unexpected
  const target = chooseTarget(request, scene, current)
  if (target && isRefusal(target)) return target
  if (target?.id === current.id) return already(request, members, current)
  const guarded = justRolledBack(request, scene, { current, now })
  if (guarded) return guarded
  const others = availableOf(members).filter((image) => image.id !== current.id)
  const standing = others.filter((image) => (target ? isNewer(image, target) : sameImage(image, current)))
  return {
    target,
    previous: current.id,
    withdraw: inWithdrawalOrder([...standing, current], current.id),
    withdrawLater: request.withdrawPending ? pendingAfter(members, target) : [],
    begun: undefined,
  }
}

const leftAlone = (request: RollbackRequest, { members, current }: FamilyScene): RegionPlan => ({
  ...already(request, members, current),
  because: doneBefore,
  changedBefore: true,
})

function already(
  { region, family }: RollbackRequest,
  members: readonly Image[],
  current: Image | undefined,
): Extract<RegionPlan, { kind: 'nothing' }> {
  const pending = pendingAfter(members, current)
  return {
    kind: 'nothing',
    region,
    because: `${family} already serves ${current ? label(current) : 'nothing'}`,
    changedBefore: false,
    image: current?.id,
    previous: current?.id,
    withdrawn: [],
    pending: pending.map(({ id }) => id),
    notices: pendingNotices(family, pending),
  }
}

function nothingToRollBack({ family, region }: RollbackRequest, members: readonly Image[]): Refusal {
  const deprecated = newestFirst(members.filter(({ status }) => status === 'Deprecated'))[0]
  return refuse(
    'family-empty',
    `Family ${family} resolves to nothing in ${region}${members.length === 0 ? ' and has no images' : ''}: there is nothing to roll back.`,
    deprecated
      ? `Restore an image with \`mode: promote\`, for instance \`image-id: ${deprecated.id}\` (${deprecated.name}, ${deprecated.creationTime}).`
      : 'Check `family` and `region-id`, or bake an image into the family.',
  )
}

function chooseTarget(request: RollbackRequest, { members }: FamilyScene, current: Image): Image | undefined | Refusal {
  if (request.toImage !== undefined) return namedTarget(request, members, current)
  // Another copy of the bad image is as bad.
  const others = availableOf(members).filter((image) => image.id !== current.id && !sameImage(image, current))
  const tied = others.find((image) => sameSecond(image, current))
  if (tied) return ambiguous(request.family, [current, tied])
  const [target, second] = others.filter((image) => isNewer(current, image))
  if (target && second && sameSecond(target, second)) return ambiguous(request.family, [target, second])
  if (!target && !request.allowEmpty) return wouldEmpty(request, members, current)
  return target
}

function wouldEmpty({ family }: RollbackRequest, members: readonly Image[], current: Image): Refusal {
  const deprecated = newestFirst(members.filter((image) => image.status === 'Deprecated' && isNewer(current, image)))[0]
  return refuse(
    'would-empty',
    `${label(current)} is the only available image of family ${family}: withdrawing it would leave nothing to launch from.`,
    deprecated
      ? `Set \`to-image-id: ${deprecated.id}\` to restore ${deprecated.name} of ${deprecated.creationTime} and fall back to it, or \`allow-empty: true\` to empty the family.`
      : 'Bake a good image: the family then serves it, and no rollback is needed. Or set `allow-empty: true` to empty the family.',
  )
}

function namedTarget({ family, toImage }: RollbackRequest, members: readonly Image[], current: Image): Image | Refusal {
  const target = members.find(({ id }) => id === toImage)
  if (!target) {
    return refuse(
      'image-not-in-family',
      `${toImage} is not an image of family ${family} in this region.`,
      `Choose one of: ${newestFirst(members).slice(0, 5).map(label).join(', ')}.`,
    )
  }
  if (target.id === current.id) return target
  if (!isAvailable(target) && target.status !== 'Deprecated') {
    return refuse(
      'image-failed',
      `${label(target)} is ${target.status}: instances cannot be launched from it.`,
      'Choose another image for `to-image-id`.',
    )
  }
  if (isNewer(target, current)) {
    return refuse(
      'image-newer',
      `${label(target)} is newer than the current image ${label(current)}: that is not a way back.`,
      `Use \`mode: promote\` with \`image-id: ${target.id}\`.`,
    )
  }
  const tied = members.find((image) => isAvailable(image) && sameSecond(image, target))
  return tied ? ambiguous(family, [target, tied]) : target
}

const expectation = ({ family, expectedImage }: RollbackRequest, current: Image): Refusal | undefined =>
  expectedImage === undefined || expectedImage === current.id ? undefined : notExpected(family, current, expectedImage)

function justRolledBack(
  request: RollbackRequest,
  scene: FamilyScene,
  { current, now }: { current: Image; now: number },
): Refusal | undefined {
  if (request.toImage !== undefined || request.expectedImage !== undefined) return undefined
  const recent = recentRollbackTo(current, { run: request.run, images: scene.known, now })
  return (
    recent &&
    refuse(
      'just-rolled-back',
      `${label(current)} is what ${describeDecision(recent)} fell back to, less than half an hour ago: somebody has pressed the button already.`,
      howToGoOn(request, current),
    )
  )
}

const howToGoOn = ({ replicas }: RollbackRequest, current: Image): string => {
  const others = replicas.length > 0 ? `To take the other regions to it, say \`to-image-id: ${current.id}\`. ` : ''
  return `${others}To withdraw it as well, say so: \`expected-image-id: ${current.id}\`.`
}

/** A region that was left out of a rollback, down perhaps, still serves what home has withdrawn: one press must not go back twice. */
function homeRolledBack(
  request: RollbackRequest,
  { current, known }: FamilyScene,
  replicas: readonly FamilyScene[],
): Refusal | undefined {
  if (request.toImage !== undefined || request.expectedImage !== undefined || !current) return undefined
  const withdrawn = known.filter((image) => {
    const decision = decisionOn(image)
    return decision?.mode === 'rollback' && decision.target === current.id && isWithdrawnFrom(request.family, image)
  })
  const behind = replicas.filter((scene) => withdrawn.some((image) => scene.current && sameImage(scene.current, image)))
  if (behind.length === 0) return undefined
  const serving = behind.map((scene) => `${scene.region} serves ${scene.current ? label(scene.current) : 'nothing'}`)
  return refuse(
    'just-rolled-back',
    `${request.region} has been rolled back to ${label(current)}, and ${serving.join(', ')} still, which it withdrew.`,
    howToGoOn(request, current),
  )
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
const withdrawWhenReady = ({ region, quarantineFamily }: RollbackRequest, pending: readonly Image[]): Step[] =>
  pending.flatMap((image): Step[] => [
    { action: 'await', region, image: image.id, mayFail: true },
    quarantineFamily === undefined
      ? { action: 'deprecate', region, image: image.id }
      : { action: 'quarantine', region, image: image.id, family: quarantineFamily },
  ])

const pendingNotices = (family: string, pending: readonly Image[]): Notice[] =>
  pending.length === 0
    ? []
    : [
        {
          level: 'error',
          text: `${list(pending)} ${pending.length === 1 ? 'is' : 'are'} still being created in ${family} and will become current when ready. Roll back again with \`withdraw-pending: true\`, or cancel what bakes it.`,
        },
      ]
