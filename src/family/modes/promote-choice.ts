/** Which image a promotion makes current, and whether it may. */
import type { FamilyState } from '../model/family-state.ts'
import {
  availableOf,
  type Image,
  isAvailable,
  isFailed,
  isNewer,
  label,
  list,
  newestFirst,
  sameSecond,
} from '../model/image.ts'
import type { PromoteRequest } from '../model/request.ts'
import { isRefusal, type Notice, type Refusal, type RegionDecision, refuse, refuseUnexpected } from '../plan/plan.ts'
import { type QueryGenerator, query } from '../plan/query.ts'
import { isPlaceholder } from '../plan/steps.ts'
import { type Change, doneByEarlierAttempt, pendingAfter } from '../recovery/resume.ts'
import { unmetCondition } from '../rules/conditions.ts'
import { tagging } from '../rules/entry.ts'
import { withdrawalOrder } from '../rules/withdrawal.ts'

export interface RegionScene extends FamilyState {
  readonly region: string
  readonly quarantined: readonly Image[]
}

export interface HomeScene extends RegionScene {
  /** The image named by `image-id`. */
  readonly named: Image | undefined
  /** What `from-family` serves. */
  readonly source: Image | undefined
}

/** What the region is to serve at the end, among what was seen there. */
export const targetOf = (decided: Change | RegionDecision, { known, current }: RegionScene): Image | undefined => {
  if (!('kind' in decided)) return decided.target
  if (decided.kind === 'refuse') return undefined
  return known.find(({ id }) => id === decided.image) ?? (current?.id === decided.image ? current : undefined)
}

export function* choose(
  request: PromoteRequest,
  scene: HomeScene,
  now: number,
): QueryGenerator<Change | RegionDecision> {
  const target = chooseTarget(request, scene)
  if (isRefusal(target)) return target
  const { requireTags, maxAgeDays, family, expectedImage } = request
  const unmet = unmetCondition(target, { requireTags, maxAgeDays, now })
  if (unmet) return unmet
  const { current } = scene
  if (expectedImage !== undefined && expectedImage !== current?.id)
    return refuseUnexpected(family, current, expectedImage)
  if (current?.id === target.id && isAvailable(target) && tagging(request, target).length === 0) {
    return already(request, scene, current, `${family} already serves ${label(current)}`)
  }
  if (current && isOlderSource(request, scene)) {
    const reason = `${request.fromFamily} serves ${label(target)} of ${target.creationTime}, which is older than what ${family} serves, ${label(current)} of ${current.creationTime}`
    return already(request, scene, current, reason)
  }
  return yield* decideOn(request, scene, target)
}

export const isOlderSource = ({ fromFamily }: PromoteRequest, { source, current }: HomeScene): boolean =>
  fromFamily !== undefined && source !== undefined && current !== undefined && isNewer(current, source)

export function* decideOn(
  request: PromoteRequest,
  scene: RegionScene,
  target: Image,
): QueryGenerator<Change | Refusal> {
  const { current, members } = scene
  const elsewhere = yield* currentElsewhere(request, target)
  if (elsewhere) return elsewhere
  const newer = availableOf(members).filter((image) => image.id !== target.id && isNewer(image, target))
  const guarded = guard(request, members, { target, newer })
  if (guarded) return guarded
  return {
    target,
    previous: current?.id,
    withdraw: withdrawalOrder(newer, current?.id),
    withdrawWhenReady: [],
    resumed: undefined,
  }
}

export const already = (
  { region }: PromoteRequest,
  scene: RegionScene,
  current: Image | undefined,
  reason: string,
): Extract<RegionDecision, { kind: 'nothing' }> => ({
  kind: 'nothing',
  region,
  reason,
  changedBefore: false,
  image: current?.id,
  previous: current?.id,
  withdrawn: [],
  pending: pendingAfter(scene.members, current).map(({ id }) => id),
  notices: pendingNotices(scene, current),
})

export const pendingNotices = (scene: FamilyState, target: Image | undefined): Notice[] => {
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
  { region, family, fromFamily, deprecateNewer }: PromoteRequest,
  target: Image,
): QueryGenerator<Refusal | undefined> {
  const other = target.family
  const isFree = other === '' || other === family || other === fromFamily
  if (isFree || !isAvailable(target) || isPlaceholder(target.id)) return undefined
  const [current] = yield* query({ ask: 'current', region, family: other })
  if (current?.id !== target.id) return undefined
  const [members] = yield* query({ ask: 'members', region, family: other })
  const next = availableOf(members).find(({ id }) => id !== target.id)
  return refuse(
    'current-elsewhere',
    `${label(target)} is what family ${other} serves; promoted into ${family} it leaves ${other}, which would then serve ${next ? label(next) : 'nothing'}.`,
    `Set \`from-family: ${other}\`${deprecateNewer ? ' (and leave `deprecate-newer` out: the two do not go together)' : ''} if that is what you want.`,
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
    request.fromFamily === undefined
      ? 'Set `deprecate-newer: true` to retire them, or bake the wanted image anew.'
      : 'An image that is not the newest is not promoted from a family: bake the wanted one anew.',
  )
}

/** This run is done in every region; what has come here since is not its to decide about. */
export const leftAlone = (
  request: PromoteRequest,
  scene: RegionScene,
): Extract<RegionDecision, { kind: 'nothing' }> => ({
  ...already(request, scene, scene.current, doneByEarlierAttempt),
  changedBefore: true,
})
