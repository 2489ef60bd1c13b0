/** Makes one image what its family serves: joins, restores, then retires what would still win. */
import { unmetCondition } from './conditions.ts'
import type { Scene } from './giving-way.ts'
import {
  availableOf,
  type Image,
  isAvailable,
  isFailed,
  isNewer,
  isPending,
  label,
  list,
  newestFirst,
  oldestFirst,
  sameSecond,
} from './image.ts'
import { type Decided, goesOnWith, lookTwice, notesFor, pendingAfter, remember } from './memory.ts'
import { isRefusal, type Notice, notExpected, type Plan, type Refusal, refuse, type Step } from './plan.ts'
import { ask, askAll, type Planning } from './question.ts'
import type { PromoteRequest } from './request.ts'
import { forbiddenAmong, inWithdrawalOrder, notPermitted, planWithdrawal } from './withdrawal.ts'

interface PromotionScene extends Scene {
  /** The image named by `image-id`. */
  readonly named: Image | undefined
  /** What `from-family` serves. */
  readonly source: Image | undefined
  readonly quarantined: readonly Image[]
}

function* look(request: PromoteRequest): Planning<PromotionScene> {
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
  const everything = [...members, ...sourceMembers, ...quarantined, ...(named ? [named] : [])]
  const known = [...new Map(everything.map((image) => [image.id, image])).values()]
  return { current, members, named, source, quarantined, known }
}

/** Waits for an image still being created before anything is decided: what the family serves may change meanwhile. */
function* lookWhenSettled(request: PromoteRequest): Planning<PromotionScene> {
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
  const decided = remember(request, scene) ?? (yield* choose(request, scene, now))
  if ('kind' in decided) return decided
  const { target } = decided
  // A promotion always has one; only a rollback may empty a family.
  if (!target) throw new Error('A promotion without its image.')
  return yield* planPromotion(request, scene, { decided, target, now })
}

function* choose(request: PromoteRequest, scene: PromotionScene, now: number): Planning<Decided | Plan> {
  const target = chooseTarget(request, scene)
  if (isRefusal(target)) return target
  const { requireTags, maxAgeDays, family, expectedImage } = request
  const unmet = unmetCondition(target, { requireTags, maxAgeDays, now })
  if (unmet) return unmet
  const { current, members } = scene
  if (expectedImage !== undefined && expectedImage !== current?.id) return notExpected(family, current, expectedImage)
  if (current?.id === target.id && isAvailable(target) && tagging(request, target).length === 0) {
    return already(scene, current, `${family} already serves ${label(current)}`)
  }
  if (request.fromFamily !== undefined && current && isNewer(current, target)) {
    const because = `${request.fromFamily} serves ${label(target)} of ${target.creationTime}, which is older than what ${family} serves, ${label(current)} of ${current.creationTime}`
    return already(scene, current, because)
  }
  const elsewhere = yield* currentElsewhere(request, target)
  if (elsewhere) return elsewhere
  const newer = availableOf(members).filter((image) => image.id !== target.id && isNewer(image, target))
  const guarded = guard(request, members, { target, newer })
  if (guarded) return guarded
  return {
    target,
    previous: current?.id,
    withdraw: inWithdrawalOrder(newer, current?.id),
    withdrawLater: [],
    begun: undefined,
  }
}

const already = (scene: PromotionScene, current: Image, because: string): Plan => ({
  kind: 'nothing',
  because,
  changedBefore: false,
  image: current.id,
  previous: current.id,
  withdrawn: [],
  pending: pendingAfter(scene.members, current).map(({ id }) => id),
  notices: pendingNotices(scene, current),
})

const pendingNotices = (scene: Scene, target: Image): Notice[] => {
  const pending = pendingAfter(scene.members, target)
  return pending.length === 0
    ? []
    : [{ level: 'warning', text: `${list(pending)}: still being created, and will become current when ready.` }]
}

function chooseTarget(
  { region, image, fromFamily }: PromoteRequest,
  { named, source }: PromotionScene,
): Image | Refusal {
  if (fromFamily !== undefined) {
    if (!source) {
      return refuse(
        'family-empty',
        `Family ${fromFamily} resolves to nothing in ${region}.`,
        'Bake an image into it first, or check `from-family` and `region-id`.',
      )
    }
    if (image === undefined || source.id === image) return source
    return refuse(
      'source-differs',
      `Family ${fromFamily} serves ${label(source)}, not ${image}: what was tested is not what would be promoted.`,
      'Test the image that the family serves now, or promote by `image-id` alone.',
    )
  }
  if (!named) {
    return refuse(
      'image-not-found',
      `Image ${image} does not exist in ${region}, or is not visible to this account.`,
      'Check `image-id` and `region-id`.',
    )
  }
  if (named.ownerAlias !== 'self') {
    return refuse(
      'image-not-own',
      `${label(named)} belongs to another account (${named.ownerAlias}): only its owner can put it into a family.`,
      'Copy it into this account first, then promote the copy.',
    )
  }
  if (isFailed(named)) {
    return refuse(
      'image-failed',
      `${label(named)} is ${named.status}: instances cannot be launched from it.`,
      'Bake a new image and promote that.',
    )
  }
  return named
}

/** An image is in one family only: taking what another family serves would change that family unasked. */
function* currentElsewhere(
  { region, family, fromFamily }: PromoteRequest,
  target: Image,
): Planning<Refusal | undefined> {
  const other = target.family
  if (other === '' || other === family || other === fromFamily || !isAvailable(target)) return undefined
  const [current] = yield* ask({ ask: 'current', region, family: other })
  if (current?.id !== target.id) return undefined
  const [members] = yield* ask({ ask: 'members', region, family: other })
  const next = availableOf(members).find(({ id }) => id !== target.id)
  return refuse(
    'current-elsewhere',
    `${label(target)} is what family ${other} serves; promoted into ${family} it leaves ${other}, which would then serve ${next ? label(next) : 'nothing'}.`,
    `Set \`from-family: ${other}\` if that is what you want.`,
  )
}

function guard(
  request: PromoteRequest,
  members: readonly Image[],
  { target, newer }: { target: Image; newer: readonly Image[] },
): Refusal | undefined {
  const { family } = request
  const tied = members.find((image) => isAvailable(image) && sameSecond(image, target))
  if (tied) {
    return refuse(
      'ambiguous-order',
      `${label(target)} and ${label(tied)} were created in the same second: which of them ${family} would serve is not defined.`,
      'Deprecate the one that is not wanted, then run again.',
    )
  }
  if (newer.length === 0 || request.deprecateNewer) return undefined
  return refuse(
    'newer-images',
    `${list(newestFirst(newer))} in family ${family} ${newer.length === 1 ? 'is' : 'are'} newer than ${label(target)} and would still be served: ECS goes by creation time alone.`,
    'Set `deprecate-newer: true` to retire them, or bake the wanted image anew.',
  )
}

function* planPromotion(
  request: PromoteRequest,
  scene: PromotionScene,
  { decided, target, now }: { decided: Decided; target: Image; now: number },
): Planning<Plan> {
  const { region, family } = request
  const { withdraw, begun } = decided
  const entry = yield* planEntry(request, target)
  if (isRefusal(entry)) return entry
  const withdrawal = yield* planWithdrawal(request, { images: withdraw, target, quarantined: scene.quarantined })
  if (isRefusal(withdrawal)) return withdrawal
  const forbidden = yield* forbiddenAmong(withdrawal.steps)
  if (forbidden) return forbidden
  const notes = notesFor(request, { decided, now, targetTags: request.tags, mayGoWithout: false })
  if (isRefusal(notes)) return notes
  const withdrawn = [...oldestFirst(begun?.withdrawn ?? []), ...withdraw].map(({ id }) => id)
  return {
    kind: 'change',
    steps: [
      ...notes.planned,
      ...confirming(request, scene, target),
      ...tagging(request, target),
      ...entry,
      ...withdrawal.steps,
    ],
    expect: { region, family, image: target.id, withdrawn },
    afterwards: notes.done,
    image: target.id,
    previous: decided.previous,
    changedBefore: begun !== undefined,
    withdrawn,
    pending: pendingAfter(scene.members, target).map(({ id }) => id),
    notices: [...goesOnWith(decided), ...pendingNotices(scene, target), ...withdrawal.notices, ...notes.notices],
  }
}

/** Directly before the first visible step. */
const confirming = (
  { region, family, expectedImage }: PromoteRequest,
  { current }: PromotionScene,
  target: Image,
): Step[] =>
  expectedImage !== undefined && current?.id !== target.id
    ? [{ action: 'confirm', region, family, image: expectedImage }]
    : []

function tagging({ region, tags }: PromoteRequest, target: Image): Step[] {
  const missing = Object.entries(tags).some(([key, value]) => target.tags[key] !== value)
  return missing ? [{ action: 'tag', region, resource: 'image', ids: [target.id], tags }] : []
}

/** Steps that bring the image into the contest of the family, and the proof that it is there. */
function* planEntry(request: PromoteRequest, target: Image): Planning<readonly Step[] | Refusal> {
  const { region, family } = request
  const here: Step = { action: 'await', region, image: target.id, family }
  const ready: Step[] = isPending(target) ? [{ action: 'await', region, image: target.id }] : []
  const join: Step[] = target.family === family ? [] : [{ action: 'join-family', region, image: target.id, family }]
  const restore: Step[] = target.status === 'Deprecated' ? [{ action: 'restore', region, image: target.id }] : []
  if (join[0] === undefined || restore.length === 0) {
    return join.length + restore.length === 0 ? ready : [...ready, ...join, ...restore, here]
  }
  // Deprecated images are in no contest, so that joining first changes no family's answer. Whether ECS lets a
  // deprecated image change its family is not documented; if not, it has to be restored where it is.
  const [permission] = yield* ask({ ask: 'permitted', step: join[0] })
  if (permission.granted) return [...join, ...restore, here]
  if (permission.about === 'identity') return notPermitted(join[0], permission.because)
  const blocked = yield* wouldServe(request, target)
  return blocked ?? [...restore, ...join, here]
}

/** The refusal to restore an image in the family where it is now, because that family would then serve it. */
function* wouldServe({ region }: PromoteRequest, target: Image): Planning<Refusal | undefined> {
  if (target.family === '') return undefined
  const [current] = yield* ask({ ask: 'current', region, family: target.family })
  if (current && isNewer(current, target)) return undefined
  return refuse(
    'not-permitted',
    `${label(target)} is deprecated and ECS does not move it in that state; restored first, it would become what family ${target.family} serves.`,
    `Restore it by promoting it into ${target.family}, then promote it from there with \`from-family: ${target.family}\`.`,
  )
}
