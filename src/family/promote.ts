/**
 * Makes one image what its family serves: copies it to the replica regions, joins, restores, then retires what would
 * still win; in every region side by side.
 */
import { unmetCondition } from './conditions.ts'
import { copyAmong, copyToBe, originTag, planCopy, waitFor } from './copying.ts'
import { crowdedNotices } from './crowded.ts'
import type { Scene } from './giving-way.ts'
import {
  availableOf,
  type Image,
  isAvailable,
  isFailed,
  isNewer,
  isPending,
  isReady,
  label,
  list,
  newestFirst,
  oldestFirst,
  sameSecond,
  type Tags,
} from './image.ts'
import { decisionOn } from './mark.ts'
import { type Decided, goesOnWith, lookTwice, notesFor, pendingAfter, remember } from './memory.ts'
import { originOf } from './origin.ts'
import {
  type Branch,
  type Copying,
  isMade,
  isRefusal,
  type Notice,
  notExpected,
  type Plan,
  type Refusal,
  refuse,
  type Step,
} from './plan.ts'
import { ask, askAll, type Planning, together } from './question.ts'
import { alsoDoing, at, differentTarget, refusalAmong, wholeOf } from './regions.ts'
import type { PromoteRequest } from './request.ts'
import { planSharing } from './sharing.ts'
import { foreignBefore } from './standing.ts'
import { fallbackOf, planTidying } from './tidying.ts'
import { forbiddenAmong, inWithdrawalOrder, notPermitted, planWithdrawal } from './withdrawal.ts'

interface RegionScene extends Scene {
  readonly region: string
  readonly quarantined: readonly Image[]
}

interface HomeScene extends RegionScene {
  /** The image named by `image-id`. */
  readonly named: Image | undefined
  /** What `from-family` serves. */
  readonly source: Image | undefined
}

interface ReplicaScene extends RegionScene {
  /** Copies of the target, whatever their family. */
  readonly copies: readonly Image[]
}

const distinct = (images: readonly Image[]): Image[] => [...new Map(images.map((image) => [image.id, image])).values()]

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

function* lookInReplica(request: PromoteRequest, target: Image): Planning<ReplicaScene> {
  const { region, family, quarantineFamily } = request
  const origin = originOf(target)
  const [originRegion, original = ''] = origin.split('/')
  const seen = yield* askAll({
    current: { ask: 'current', region, family },
    members: { ask: 'members', region, family },
    quarantined: quarantineFamily === undefined ? undefined : { ask: 'members', region, family: quarantineFamily },
    copies: { ask: 'copies', region, origin },
    // What is at home may itself be a copy, of an image in this region.
    original: originRegion === region ? { ask: 'image', region, image: original } : undefined,
  })
  const { current, members, quarantined = [], original: first } = seen
  const copies = distinct([...seen.copies, ...(first ? [first] : [])])
  return { region, current, members, quarantined, copies, known: distinct([...members, ...quarantined, ...copies]) }
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

/** What is decided for one region, and what there is to go by. */
interface Case {
  readonly scene: RegionScene
  readonly decided: Decided | Branch
  /** What the region is to serve. */
  readonly target: Image | undefined
  /** Steps that make the image, or the copy, ready for use. */
  readonly make: readonly Step[]
  readonly copy: readonly Step[]
  readonly notices: readonly Notice[]
}

export function* planPromote(request: PromoteRequest): Planning<Plan> {
  const scene = yield* lookWhenSettled(request)
  const [now] = yield* ask({ ask: 'time' })
  const remembered = remember(request, scene)
  const decided = remembered ?? (yield* choose(request, scene, now))
  if (isRefusal(decided)) return decided
  const target = targetOf(decided, scene)
  const home: Case = { scene, decided, target, make: [], copy: [], notices: [] }
  const stays = !remembered && isOlderSource(request, scene)
  const cases = request.replicas.length === 0 || !target ? [home] : yield* spread(request, { home, target, stays, now })
  if (isRefusal(cases)) return cases
  const refusal = refusalAmong(
    request,
    cases.map((each) => each.decided),
  )
  if (refusal) return refusal
  const kept = [target, target && fallbackOf(target, goingFrom(home))].flatMap((image) =>
    image ? [originOf(image)] : [],
  )
  return wholeOf(request, yield* together(cases.map((each) => planCase(request, each, { now, origins: kept }))))
}

/** What the region is to serve at the end, among what was seen there. */
const targetOf = (decided: Decided | Branch, { known, current }: RegionScene): Image | undefined => {
  if (!('kind' in decided)) return decided.target
  if (decided.kind === 'refuse') return undefined
  return known.find(({ id }) => id === decided.image) ?? (current?.id === decided.image ? current : undefined)
}

/** The members that stay after the plan. */
const goingFrom = ({ scene, decided }: Case): readonly Image[] => {
  const gone = 'kind' in decided ? [] : decided.withdraw
  return scene.members.filter((image) => !gone.includes(image))
}

/** The cases of all regions: everywhere the same image, by a copy that is there or one to be made. */
function* spread(
  request: PromoteRequest,
  { home, target, stays, now }: { home: Case; target: Image; stays: boolean; now: number },
): Planning<readonly Case[] | Refusal> {
  const scenes = yield* together(
    request.replicas.map((region) => lookTwice(at(request, region), () => lookInReplica(at(request, region), target))),
  )
  if (stays) return [home, ...scenes.map((scene) => staying(request, scene, home))]
  const isMissing = ({ copies }: ReplicaScene) => copyAmong(copies) === undefined
  const source = scenes.some(isMissing) ? yield* planSource(request, { target, scenes }) : undefined
  if (source && isRefusal(source)) return source
  const replicas = yield* together(scenes.map((scene) => decideInReplica(request, scene, { target, source, now })))
  return [source ? restored(home, source.restore) : home, ...replicas]
}

const staying = (request: PromoteRequest, scene: ReplicaScene, { decided }: Case): Case => {
  const because = 'kind' in decided && decided.kind === 'nothing' ? decided.because : ''
  const branch: Branch = { ...already(request, scene, scene.current, because), region: scene.region }
  return { scene, decided: branch, target: scene.current, make: [], copy: [], notices: [] }
}

/** Where copies come from, and what makes that possible. */
interface Source {
  readonly from: { readonly region: string; readonly image: string }
  readonly restore: readonly Step[]
}

/** With the target restored before anything is decided on, so that it can be copied. */
const restored = (home: Case, restore: readonly Step[]): Case => {
  const { decided, target } = home
  if (restore.length === 0 || !target) return home
  const now: Image = { ...target, status: 'Available' }
  return { ...home, make: restore, target: now, decided: 'kind' in decided ? decided : { ...decided, target: now } }
}

/** A deprecated image cannot be copied: an available copy elsewhere can, or the image once it is restored. */
function* planSource(
  request: PromoteRequest,
  { target, scenes }: { target: Image; scenes: readonly ReplicaScene[] },
): Planning<Source | Refusal> {
  const { region, family, replicas } = request
  const home = { region, image: target.id }
  if (target.status !== 'Deprecated') return { from: home, restore: [] }
  const elsewhere = scenes.flatMap(({ copies }) => copies).find(isReady)
  if (elsewhere) return { from: { region: elsewhere.region, image: elsewhere.id }, restore: [] }
  if (!(yield* wouldBeServed(request, target))) {
    return { from: home, restore: [{ action: 'restore', region, image: target.id }] }
  }
  return refuse(
    'not-permitted',
    `${label(target)} is deprecated, and ECS copies no deprecated image; restored first, it would be what family ${target.family} serves in ${region} long before its copies are ready.`,
    `Two runs do it: promote it into ${family} without \`replica-region-ids\`, then once more with \`replica-region-ids: ${replicas.join(',')}\`.`,
  )
}

/** In a replica the copies' own creation times count: what stands before the target's copy there has to go. */
function* decideInReplica(
  whole: PromoteRequest,
  scene: ReplicaScene,
  { target, source, now }: { target: Image; source: Source | undefined; now: number },
): Planning<Case> {
  const { region, copies } = scene
  const isDecided = (image: Image) => decisionOn(image)?.run === whole.run.key
  const found = copyAmong(copies, [isDecided, ({ id }) => id === scene.current?.id])
  const request = { ...at(whole, region), image: found?.id }
  const making = found ? { steps: waitFor(found), notices: [] } : planCopyOf(request, { target, source, copies })
  const made = making.steps.find((step): step is Extract<Step, { action: 'copy' }> => step.action === 'copy')
  const copy = made ? copyToBe(target, { region, copy: made.copy, now }) : found
  const decided = yield* decideOnCopy(request, scene, { target, copy: copy ?? target })
  const steps = { make: [], copy: making.steps, notices: making.notices }
  return { scene, decided, target: isRefusal(decided) ? undefined : (targetOf(decided, scene) ?? copy), ...steps }
}

function* decideOnCopy(
  request: PromoteRequest,
  scene: ReplicaScene,
  { target, copy }: { target: Image; copy: Image },
): Planning<Decided | Branch> {
  const remembered = remember(request, scene)
  if (remembered) return differentTarget(targetOf(remembered, scene), target) ?? remembered
  const { current, members } = scene
  if (current?.id === copy.id && isAvailable(copy) && tagging(request, copy).length === 0) {
    return already(request, scene, current, `${request.family} already serves ${label(current)}`)
  }
  const foreign = foreignBefore(request.family, { current, members, target: copy })
  return foreign ?? (yield* decideOn(request, scene, copy))
}

/** What a copy of this run is tagged with: where the image comes from, and who copied it. */
function tagsOfCopy({ copyTags, tags }: PromoteRequest, target: Image): Tags {
  const isProvenance = ([key]: [string, string]) => key.startsWith('github:')
  const own = Object.entries(copyTags)
  const inherited = Object.entries(target.tags).filter(isProvenance)
  const provenance = inherited.length > 0 ? inherited : own.filter(isProvenance)
  const rest = own.filter((entry) => !isProvenance(entry))
  const [region = '', id = ''] = originOf(target).split('/')
  return { ...tags, ...Object.fromEntries([...rest, ...provenance]), ...originTag(region, id) }
}

function planCopyOf(
  request: PromoteRequest,
  { target, source, copies }: { target: Image; source: Source | undefined; copies: readonly Image[] },
) {
  const { region, run, family, resourceGroupId, copyKmsKeyIds } = request
  const copying: Omit<Copying, 'from' | 'name' | 'generation' | 'run'> = {
    description: `Copy of ${originOf(target)}`,
    tags: tagsOfCopy(request, target),
    resourceGroupId,
    kmsKeyId: copyKmsKeyIds[region],
  }
  const from = source?.from ?? { region: target.region, image: target.id }
  return planCopy({ region, run, family, imageName: undefined, from, copying }, copies)
}

function* choose(request: PromoteRequest, scene: HomeScene, now: number): Planning<Decided | Branch> {
  const target = chooseTarget(request, scene)
  if (isRefusal(target)) return target
  const { requireTags, maxAgeDays, family, expectedImage } = request
  const unmet = unmetCondition(target, { requireTags, maxAgeDays, now })
  if (unmet) return unmet
  const { current } = scene
  if (expectedImage !== undefined && expectedImage !== current?.id) return notExpected(family, current, expectedImage)
  if (current?.id === target.id && isAvailable(target) && tagging(request, target).length === 0) {
    return already(request, scene, current, `${family} already serves ${label(current)}`)
  }
  if (current && isOlderSource(request, scene)) {
    const because = `${request.fromFamily} serves ${label(target)} of ${target.creationTime}, which is older than what ${family} serves, ${label(current)} of ${current.creationTime}`
    return already(request, scene, current, because)
  }
  return yield* decideOn(request, scene, target)
}

const isOlderSource = ({ fromFamily }: PromoteRequest, { source, current }: HomeScene): boolean =>
  fromFamily !== undefined && source !== undefined && current !== undefined && isNewer(current, source)

function* decideOn(request: PromoteRequest, scene: RegionScene, target: Image): Planning<Decided | Refusal> {
  const { current, members } = scene
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

const already = (
  { region }: PromoteRequest,
  scene: RegionScene,
  current: Image | undefined,
  because: string,
): Extract<Branch, { kind: 'nothing' }> => ({
  kind: 'nothing',
  region,
  because,
  changedBefore: false,
  image: current?.id,
  previous: current?.id,
  withdrawn: [],
  pending: pendingAfter(scene.members, current).map(({ id }) => id),
  notices: pendingNotices(scene, current),
})

const pendingNotices = (scene: Scene, target: Image | undefined): Notice[] => {
  const pending = pendingAfter(scene.members, target)
  return pending.length === 0
    ? []
    : [{ level: 'warning', text: `${list(pending)}: still being created, and will become current when ready.` }]
}

function chooseTarget({ region, image, fromFamily }: PromoteRequest, { named, source }: HomeScene): Image | Refusal {
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
  const isFree = other === '' || other === family || other === fromFamily
  if (isFree || !isAvailable(target) || isMade(target.id)) return undefined
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

/** What is decided for one region, with all that goes with it. */
function* planCase(
  whole: PromoteRequest,
  each: Case,
  { now, origins }: { now: number; origins: readonly string[] },
): Planning<Branch> {
  const { scene, decided, target } = each
  if (isRefusal(decided)) return decided
  const request = at(whole, scene.region)
  const sharing = yield* planSharing(request, target && isMade(target.id) ? target.id : target)
  if (isRefusal(sharing)) return sharing
  const branch =
    'kind' in decided
      ? alsoDoing(decided, { note: sharing.steps })
      : yield* planPromotion(request, each, { decided, sharing: sharing.steps, now })
  if (isRefusal(branch)) return branch
  const notices = [...each.notices, ...branch.notices, ...sharing.notices]
  return yield* planTidying(request, { branch: { ...branch, notices }, members: scene.members, target, origins })
}

function* planPromotion(
  request: PromoteRequest,
  { scene, target, make, copy }: Case,
  { decided, sharing, now }: { decided: Decided; sharing: readonly Step[]; now: number },
): Planning<Branch> {
  const { region, family } = request
  const { withdraw, begun } = decided
  // A promotion always has one; only a rollback may empty a family.
  if (!target) throw new Error('A promotion without its image.')
  const entry = yield* planEntry(request, target)
  if (isRefusal(entry)) return entry
  const { current } = scene
  const replaced =
    current && current.id !== target.id && !withdraw.some(({ id }) => id === current.id) ? current : undefined
  const withdrawal = yield* planWithdrawal(request, {
    images: withdraw,
    target,
    replaced,
    quarantined: scene.quarantined,
  })
  if (isRefusal(withdrawal)) return withdrawal
  // Alone at home, the first visible step that fails has changed nothing.
  const enters = request.replicas.length > 0 ? [...entry, ...sharing] : []
  const forbidden = yield* forbiddenAmong([...enters, ...withdrawal.steps])
  if (forbidden) return forbidden
  const notes = notesFor(request, { decided, now, targetTags: request.tags, mayGoWithout: false })
  if (isRefusal(notes)) return notes
  const withdrawn = [...oldestFirst(begun?.withdrawn ?? []), ...withdraw].map(({ id }) => id)
  // ECS shares no deprecated image.
  const [sharedAtOnce, sharedWhenRestored] = target.status === 'Deprecated' ? [[], sharing] : [sharing, []]
  const comesIn = [...entry, ...sharedWhenRestored]
  // With newer images before it, the image changes no answer by coming in.
  const isQuiet = withdraw.length > 0
  return {
    kind: 'change',
    region,
    does: {
      make,
      copy,
      note: [...sharedAtOnce, ...notes.planned],
      ready: [...confirming(request, scene, target), ...tagging(request, target), ...(isQuiet ? comesIn : [])],
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

/** Directly before the first visible step. */
const confirming = (
  { region, family, expectedImage }: PromoteRequest,
  { current }: RegionScene,
  target: Image,
): Step[] =>
  expectedImage !== undefined && current?.id !== target.id
    ? [{ action: 'confirm', region, family, image: expectedImage }]
    : []

function tagging({ region, tags }: PromoteRequest, target: Image): Step[] {
  const missing = !isMade(target.id) && Object.entries(tags).some(([key, value]) => target.tags[key] !== value)
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
  if (!(yield* wouldBeServed(request, target))) return [...restore, ...join, here]
  return refuse(
    'not-permitted',
    `${label(target)} is deprecated and ECS does not move it in that state; restored first, it would become what family ${target.family} serves.`,
    `Restore it by promoting it into ${target.family}, then promote it from there with \`from-family: ${target.family}\`.`,
  )
}

/** Whether a deprecated image, restored in the family where it is now, would become what that family serves. */
function* wouldBeServed({ region }: PromoteRequest, target: Image): Planning<boolean> {
  if (target.family === '') return false
  const [current] = yield* ask({ ask: 'current', region, family: target.family })
  return !(current && isNewer(current, target))
}
