/** Takes the current image, or everything newer than a named one, out of the contest: the family falls back. */

import type { Scene } from './giving-way.ts'
import {
  availableOf,
  type Image,
  isAvailable,
  isNewer,
  label,
  list,
  newestFirst,
  oldestFirst,
  sameSecond,
} from './image.ts'
import { describeDecision, recentRollbackTo } from './mark.ts'
import { type Decided, goesOnWith, lookTwice, notesFor, pendingAfter, remember } from './memory.ts'
import { isRefusal, type Notice, notExpected, type Plan, type Refusal, refuse, type Step } from './plan.ts'
import { ask, askAll, type Planning } from './question.ts'
import type { RollbackRequest } from './request.ts'
import { forbiddenAmong, inWithdrawalOrder, planWithdrawal } from './withdrawal.ts'

interface FamilyScene extends Scene {
  readonly quarantined: readonly Image[]
}

function* look({ region, family, quarantineFamily }: RollbackRequest): Planning<FamilyScene> {
  const seen = yield* askAll({
    current: { ask: 'current', region, family },
    members: { ask: 'members', region, family },
    quarantined: quarantineFamily === undefined ? undefined : { ask: 'members', region, family: quarantineFamily },
  })
  const quarantined = seen.quarantined ?? []
  return { ...seen, quarantined, known: [...seen.members, ...quarantined] }
}

export function* planRollback(request: RollbackRequest): Planning<Plan> {
  const scene = yield* lookTwice(request, () => look(request))
  const [now] = yield* ask({ ask: 'time' })
  const decided = remember(request, scene) ?? choose(request, scene, now)
  return 'kind' in decided ? decided : yield* planFall(request, scene, { decided, now })
}

/** A new decision, by what the family looks like now. */
function choose(request: RollbackRequest, scene: FamilyScene, now: number): Decided | Plan {
  const { current, members } = scene
  if (!current) return nothingToRollBack(request, members)
  const unexpected = expectation(request, current)
  if (unexpected) return unexpected
  const target = chooseTarget(request, scene, current)
  if (target && isRefusal(target)) return target
  if (target?.id === current.id) return already(request, members, current)
  const guarded = justRolledBack(request, scene, { current, now })
  if (guarded) return guarded
  const standing =
    target && request.toImage !== undefined
      ? availableOf(members).filter((image) => isNewer(image, target) && image.id !== current.id)
      : []
  return {
    target,
    previous: current.id,
    withdraw: inWithdrawalOrder([...standing, current], current.id),
    withdrawLater: request.withdrawPending ? pendingAfter(members, target) : [],
    begun: undefined,
  }
}

function already(request: RollbackRequest, members: readonly Image[], current: Image): Plan {
  const pending = pendingAfter(members, current)
  return {
    kind: 'nothing',
    because: `${request.family} already serves ${label(current)}`,
    changedBefore: false,
    image: current.id,
    previous: current.id,
    withdrawn: [],
    pending: pending.map(({ id }) => id),
    notices: pendingNotices(request.family, pending),
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
  const others = availableOf(members).filter(({ id }) => id !== current.id)
  const tied = others.find((image) => sameSecond(image, current))
  if (tied) return ambiguous(request.family, [current, tied])
  const [target, second] = others.filter((image) => isNewer(current, image))
  if (target && second && sameSecond(target, second)) return ambiguous(request.family, [target, second])
  if (!target && !request.allowEmpty) return wouldEmpty(request, members, current)
  return target
}

const ambiguous = (family: string, images: readonly Image[]): Refusal =>
  refuse(
    'ambiguous-order',
    `${list(images)} in family ${family} were created in the same second: which of them ECS would serve is not defined.`,
    'Deprecate one of them by hand in the ECS console, then run again.',
  )

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
      `To withdraw it as well, say so: \`expected-image-id: ${current.id}\`.`,
    )
  )
}

function* planFall(
  request: RollbackRequest,
  scene: FamilyScene,
  { decided, now }: { decided: Decided; now: number },
): Planning<Plan> {
  const { region, family } = request
  const { target, withdraw, withdrawLater, begun } = decided
  const withdrawal = yield* planWithdrawal(request, { images: withdraw, target, quarantined: scene.quarantined })
  if (isRefusal(withdrawal)) return withdrawal
  const restore: Step[] = target?.status === 'Deprecated' ? restoring(request, target) : []
  const forbidden = yield* forbiddenAmong([...restore, ...withdrawal.steps])
  if (forbidden) return forbidden
  // In quarantine, what carries no mark would be taken for somebody's live image.
  const mayGoWithout = request.toImage !== undefined && request.quarantineFamily === undefined
  const notes = notesFor(request, { decided, now, mayGoWithout })
  if (isRefusal(notes)) return notes

  const gone = [...oldestFirst(begun?.withdrawn ?? []), ...withdraw, ...withdrawLater].map(({ id }) => id)
  const pending = pendingAfter(scene.members, target).filter((image) => !withdrawLater.includes(image))
  return {
    kind: 'change',
    steps: [
      ...notes.planned,
      ...confirming(request, decided),
      ...restore,
      ...standing(request, decided),
      ...withdrawal.steps,
      ...withdrawWhenReady(request, withdrawLater),
    ],
    expect: { region, family, image: target?.id, withdrawn: gone },
    afterwards: notes.done,
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

/** An older image changes nothing by being restored. */
const restoring = ({ region }: RollbackRequest, target: Image): Step[] => [
  { action: 'restore', region, image: target.id },
]

/** The last look before anything goes: an image that somebody has taken away meanwhile is none to fall back to. */
const standing = ({ region, family }: RollbackRequest, { target, withdraw }: Decided): Step[] =>
  target && (withdraw.length > 0 || target.status === 'Deprecated')
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
