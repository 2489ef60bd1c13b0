/** Takes the current image, or everything newer than a named one, out of the contest: the family falls back. */
import {
  availableOf,
  type Image,
  isAvailable,
  isNewer,
  isPending,
  label,
  list,
  newestFirst,
  oldestFirst,
  sameSecond,
} from './image.ts'
import { type Decision, decisionOn, describeDecision, isWithdrawnFrom, recall, recentRollbackTo } from './mark.ts'
import {
  continuedBy,
  givesWayTo,
  lookTwice,
  markSteps,
  roomForMarks,
  type Scene,
  standingBefore,
  undoneBySomebody,
} from './memory.ts'
import {
  describe,
  isRefusal,
  type Notice,
  type Plan,
  type Refusal,
  refuse,
  type Settlement,
  type Step,
} from './plan.ts'
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
  return { ...seen, quarantined, known: [...seen.members, ...knownElsewhere(seen.members, quarantined)] }
}

/** Images in quarantine whose decision was about this family: the one it fell back to, or from, is a member here. */
function knownElsewhere(members: readonly Image[], quarantined: readonly Image[]): Image[] {
  const ids = new Set(members.map(({ id }) => id))
  return quarantined.filter((image) => {
    const { target = '', previous = '' } = decisionOn(image) ?? {}
    return ids.has(target) || ids.has(previous)
  })
}

/** What is decided, whether now or in an earlier attempt. */
interface Fall {
  readonly target: Image | undefined
  readonly previous: Image
  /** In the order in which they go. */
  readonly withdraw: readonly Image[]
  /** Withdrawn by an earlier attempt. */
  readonly withdrawn: readonly Image[]
  readonly pending: readonly Image[]
}

export function* planRollback(request: RollbackRequest): Planning<Plan> {
  const scene = yield* lookTwice(request.run, () => look(request))
  const later = givesWayTo(request.run, scene)
  if (later) return later
  const continued = continuedBy(request.run, scene, scene.current?.id)
  if (continued) return continued
  const recalled = recall(request.run, scene.known)
  if (recalled?.decision.state === 'done') return repeat(request, scene, recalled)
  const [now] = yield* ask({ ask: 'time' })
  const fall = recalled ? resume(request, scene, recalled.decision) : choose(request, scene, now)
  if (isRefusal(fall)) return fall
  if ('kind' in fall) return fall
  return yield* planFall(request, scene, fall, {
    state: 'planned',
    mode: 'rollback',
    run: request.run.key,
    target: fall.target?.id,
    previous: fall.previous.id,
    at: recalled?.decision.at ?? now,
  })
}

/** The decision was carried out in an earlier attempt: nothing changes, unless somebody has undone it. */
function repeat(
  request: RollbackRequest,
  scene: FamilyScene,
  { decision, images }: { decision: Decision; images: readonly Image[] },
): Plan {
  const withdrawn = images.filter(({ id }) => id !== decision.target)
  const undone = withdrawn.find((image) => !isWithdrawnFrom(request.family, image))
  if (undone) return undoneBySomebody(undone, 'withdrawn')
  const target = scene.members.find(({ id }) => id === decision.target)
  if (target && decision.target && images.includes(target) && !isAvailable(target)) {
    return undoneBySomebody(target, 'restored')
  }
  const moved = scene.current?.id !== decision.target
  return {
    kind: 'nothing',
    because: `an earlier attempt of this run (${describeDecision(decision)}) has done it`,
    changedBefore: true,
    image: decision.target,
    previous: decision.previous,
    withdrawn: oldestFirst(withdrawn).map(({ id }) => id),
    affects: withdrawn.map(({ id }) => id),
    pending: pendingAfter(scene.members, target).map(({ id }) => id),
    notices: moved
      ? [
          {
            level: 'warning',
            text: `By now ${request.family} serves ${scene.current ? label(scene.current) : 'nothing'}.`,
          },
        ]
      : [],
  }
}

const pendingAfter = (members: readonly Image[], target: Image | undefined): Image[] =>
  oldestFirst(members.filter((image) => isPending(image) && (!target || isNewer(image, target))))

/** Completes what an earlier attempt had decided: what came into the family since is not part of it. */
function resume(request: RollbackRequest, scene: FamilyScene, decision: Decision): Fall | Refusal {
  const { members, known } = scene
  const target = members.find(({ id }) => id === decision.target)
  const previous = known.find(({ id }) => id === decision.previous)
  if (!previous || (decision.target !== undefined && !target)) {
    return refuse(
      'superseded',
      `An earlier attempt of this run was to fall back from ${decision.previous} to ${decision.target ?? 'nothing'}, and one of them has left family ${request.family} since.`,
      'Start a new workflow run to decide anew.',
    )
  }
  const decided = known.filter((image) => decisionOn(image)?.run === request.run.key)
  const withdrawn = decided.filter((image) => image.id !== decision.target && isWithdrawnFrom(request.family, image))
  const stands = standingBefore(target, scene, { previous, decided })
  const pending = pendingAfter(members, target)
  return { target, previous, withdraw: inWithdrawalOrder(stands, decision.previous), withdrawn, pending }
}

/** A new decision, by what the family looks like now. */
function choose(request: RollbackRequest, scene: FamilyScene, now: number): Fall | Plan {
  const { current, members } = scene
  if (!current) return nothingToRollBack(request, members)
  const target = chooseTarget(request, scene, current)
  if (target && isRefusal(target)) return target
  if (target?.id === current.id) {
    return {
      kind: 'nothing',
      because: `${request.family} already serves ${label(current)}`,
      changedBefore: false,
      image: current.id,
      previous: current.id,
      withdrawn: [],
      pending: pendingAfter(members, current).map(({ id }) => id),
      notices: pendingNotices(request, pendingAfter(members, current)),
    }
  }
  const guarded = guard(request, scene, { current, now })
  if (guarded) return guarded
  const stands = target ? availableOf(members).filter((image) => isNewer(image, target)) : [current]
  return {
    target,
    previous: current,
    withdraw: inWithdrawalOrder(stands, current.id),
    withdrawn: [],
    pending: pendingAfter(members, target),
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
      : 'Bake a good image first, or set `allow-empty: true` to empty the family.',
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

function guard(
  request: RollbackRequest,
  scene: FamilyScene,
  { current, now }: { current: Image; now: number },
): Refusal | undefined {
  if (request.expectedImage !== undefined && request.expectedImage !== current.id) {
    return refuse(
      'not-expected',
      `Family ${request.family} resolves to ${label(current)}, not to ${request.expectedImage} as \`expected-image-id\` says.`,
      'Nothing was changed. Look at what is current now, then decide anew.',
    )
  }
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
  fall: Fall,
  decision: Omit<Decision, 'replaces'>,
): Planning<Plan> {
  const { region, family } = request
  const { target, previous, withdrawn } = fall
  const pending = request.withdrawPending ? fall.pending : []
  const withdrawal = yield* planWithdrawal(request, { images: fall.withdraw, target, quarantined: scene.quarantined })
  if (isRefusal(withdrawal)) return withdrawal
  const restore: Step[] = target?.status === 'Deprecated' ? restoring(request, target) : []
  const forbidden = yield* forbiddenAmong([...restore, ...withdrawal.steps], describe)
  if (forbidden) return forbidden

  const marked = [...fall.withdraw, ...pending, ...withdrawn, ...(restore.length > 0 && target ? [target] : [])]
  const room = roomForMarks(marked, decision, { reason: request.reason, mayGoWithout: request.toImage !== undefined })
  if (isRefusal(room)) return room
  const mark = (state: Decision['state']) =>
    markSteps({ ...decision, state }, { region, images: room.images, reason: room.reason })
  const visible = [...restore, ...withdrawal.steps]
  const confirm: Step[] =
    request.expectedImage !== undefined && fall.withdraw.length > 0
      ? [{ action: 'confirm', region, family, image: request.expectedImage }]
      : []
  const gone = [...oldestFirst(withdrawn), ...fall.withdraw, ...pending].map(({ id }) => id)
  const settlement: Settlement = {
    image: target?.id,
    previous: previous.id,
    withdrawn: gone,
    affects: gone,
    pending: fall.pending.filter((image) => !pending.includes(image)).map(({ id }) => id),
    notices: [...pendingNotices(request, fall.pending), ...withdrawal.notices, ...room.notices],
  }
  return {
    kind: 'change',
    steps: [...mark('planned'), ...confirm, ...visible, ...withdrawWhenReady(request, pending)],
    expect: { region, family, image: target?.id, withdrawn: settlement.withdrawn },
    afterwards: mark('done'),
    ...settlement,
  }
}

/** An older image changes nothing by being restored; it must stand before the newer ones go. */
const restoring = ({ region, family }: RollbackRequest, target: Image): Step[] => [
  { action: 'restore', region, image: target.id },
  { action: 'await', region, image: target.id, family },
]

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

function pendingNotices({ family, withdrawPending }: RollbackRequest, pending: readonly Image[]): Notice[] {
  if (pending.length === 0 || withdrawPending) return []
  return [
    {
      level: 'error',
      text: `${list(pending)} ${pending.length === 1 ? 'is' : 'are'} still being created in ${family} and will become current when ready. Roll back again with \`withdraw-pending: true\`, or cancel what bakes it.`,
    },
  ]
}
