/** Makes one image current in every region: it is copied, restored and put into the family, then newer ones are withdrawn. */

import type { FamilyState } from '../model/family-state.ts'
import {
  distinctImages,
  type Image,
  isAvailable,
  isNewer,
  isPending,
  isReady,
  label,
  listLabels,
} from '../model/image.ts'
import { isTaggedCopy, originOf } from '../model/origin.ts'
import type { PromoteRequest } from '../model/request.ts'
import { type Tags, tag } from '../model/tags.ts'
import type { Change, DecidedRegion, RegionDecision } from '../plan/decision.ts'
import { isRefusal, type Notice, type Plan, type Refusal, refuse, refuseUnexpected } from '../plan/plan.ts'
import { type QueryGenerator, queryAll } from '../plan/query.ts'
import { isPlaceholder, type Step } from '../plan/steps.ts'
import { observeConsistently } from '../recovery/consistency.ts'
import { planRecord } from '../recovery/record.ts'
import { recover } from '../recovery/resume.ts'
import { unmetCondition } from '../rules/conditions.ts'
import { wouldBecomeCurrent } from '../rules/entry.ts'
import { copiesAmong, copyQueries, pickCopy } from '../rules/replication.ts'
import { classifyRivals, findNewer, refuseForeignRival } from '../rules/rivals.ts'
import { withdrawalOrder } from '../rules/withdrawal.ts'
import { keepCurrent, planRegions } from './pipeline.ts'
import type { CopySource, ModePolicy } from './policy.ts'
import { choosePromotionTarget, refuseCurrentElsewhere, refuseNewer } from './promote-target.ts'

export const planPromote = (request: PromoteRequest): QueryGenerator<Plan> => planRegions(request, promote)

export interface PromoteState extends FamilyState {
  /** The image named by `image-id`; at home only. */
  readonly named: Image | undefined
  /** What `from-family` serves; at home only. */
  readonly source: Image | undefined
}

const promote: ModePolicy<PromoteRequest, PromoteState> = {
  look: lookForPromotion,
  // Waits only for an image that would not be refused anyway.
  pendingImage: ({ expectedImage }, { named, current }) =>
    named?.ownerAlias === 'self' && isPending(named) && [undefined, current?.id].includes(expectedImage)
      ? named.id
      : undefined,
  recovery: {
    observe: observeConsistently,
    recover: (request, state, { isHome }) => recover(request, state, { named: isHome ? request.image : undefined }),
  },
  awaitsUsable: true,
  decideHome: decidePromotion,
  findCopies: findPromotionCopies,
  findSource: findCopySource,
  specifyCopy: specifyPromotionCopy,
  decideReplica: decidePromotionReplica,
  sharePhase: 'prepare',
  awaitsTarget: false,
  listsInstances: false,
  overtaken: 'fails',
  expectsTarget: () => true,
  withdrawalRequest: (request) => request,
  record: (request, decided) => planRecord(request, { ...decided, targetTags: request.tags, isRecordOptional: false }),
  confirmExpected: ({ region, family, expectedImage }, { target }, current) =>
    expectedImage !== undefined && current?.id !== target?.id
      ? [{ action: 'confirm', region, family, image: expectedImage }]
      : [],
  tagTarget,
  pendingNotices: pendingWarnings,
}

/** Also looks for the named image at home and, in a re-run, for copies in the replicas: those may carry the run's record. */
function* lookForPromotion(request: PromoteRequest, { isHome }: { isHome: boolean }): QueryGenerator<PromoteState> {
  const { region, family, fromFamily, quarantineFamily, image, run } = request
  const isNamed = isHome && image !== undefined
  const isFrom = isHome && fromFamily !== undefined
  const seen = yield* queryAll({
    current: { ask: 'current', region, family },
    members: { ask: 'members', region, family },
    named: isNamed ? { ask: 'image', region, image } : undefined,
    source: isFrom ? { ask: 'current', region, family: fromFamily } : undefined,
    sourceMembers: isFrom ? { ask: 'members', region, family: fromFamily } : undefined,
    quarantined: quarantineFamily === undefined ? undefined : { ask: 'members', region, family: quarantineFamily },
    made: !isHome && run.attempt > 1 ? { ask: 'made', region, run: run.key } : undefined,
  })
  const { current, members, named, source, sourceMembers = [], quarantined = [], made = [] } = seen
  const copies = made.filter(isTaggedCopy)
  const known = distinctImages([...members, ...sourceMembers, ...quarantined, ...copies, ...(named ? [named] : [])])
  // DescribeImageFromFamily does not say whether an image is usable.
  const listed = source && (sourceMembers.find(({ id }) => id === source.id) ?? source)
  return { region, current, members, named, source: listed, quarantined, known }
}

function pendingWarnings(_: PromoteRequest, pending: readonly Image[]): Notice[] {
  if (pending.length === 0) return []
  return [
    {
      level: 'warning',
      text: `${listLabels(pending)} ${pending.length === 1 ? 'is' : 'are'} still being created and will become current when ready.`,
    },
  ]
}

function tagTarget({ region, tags }: PromoteRequest, target: Image): Step[] {
  const isMissing = !isPlaceholder(target.id) && Object.entries(tags).some(([key, value]) => target.tags[key] !== value)
  return isMissing ? [{ action: 'tag', region, resource: 'image', ids: [target.id], tags }] : []
}

/** The family resolves to the image, and the image has every tag that the request sets. */
const isCurrent = (request: PromoteRequest, current: Image | undefined, image: Image): boolean =>
  current?.id === image.id && isAvailable(image) && tagTarget(request, image).length === 0

// ── At home ──────────────────────────────────────────────────────────────────

function* decidePromotion(
  request: PromoteRequest,
  { home: state, now }: { home: PromoteState; now: number },
): QueryGenerator<RegionDecision> {
  const { requireTags, maxAgeDays, family, fromFamily, expectedImage } = request
  const { current, source } = state
  const target = choosePromotionTarget(request, state)
  if (isRefusal(target)) return target
  const unmet = unmetCondition(target, { requireTags, maxAgeDays, now })
  if (unmet) return unmet
  if (expectedImage !== undefined && expectedImage !== current?.id)
    return refuseUnexpected(family, current, expectedImage)
  if (isCurrent(request, current, target)) {
    return keepCurrent(request, promote, state, `${family} already serves ${label(target)}`)
  }
  if (fromFamily !== undefined && source && current && isNewer(current, source)) {
    const reason = `${fromFamily} serves ${label(target)} of ${target.creationTime}, which is older than what ${family} serves, ${label(current)} of ${current.creationTime}`
    return { ...keepCurrent(request, promote, state, reason), everywhere: true }
  }
  return yield* decideChange(request, state, target)
}

function* decideChange(
  request: PromoteRequest,
  { current, members }: FamilyState,
  target: Image,
): QueryGenerator<Change | Refusal> {
  const elsewhere = yield* refuseCurrentElsewhere(request, target)
  if (elsewhere) return elsewhere
  const newer = findNewer(members, target)
  const refusal = refuseNewer(request, members, { target, newer })
  if (refusal) return refusal
  return {
    kind: 'change',
    target,
    previous: current?.id,
    withdraw: withdrawalOrder(newer, current?.id),
    withdrawWhenReady: [],
    resumed: undefined,
    changedBefore: false,
  }
}

// ── In a replica region ──────────────────────────────────────────────────────

function* findPromotionCopies({ region }: PromoteRequest, state: PromoteState, target: Image) {
  const found = yield* queryAll(copyQueries(target, region))
  const copies = copiesAmong(distinctImages([...found.copies, ...(found.original ? [found.original] : [])]), target)
  const known = distinctImages([...state.known, ...copies])
  return { state: { ...state, known }, copies, copy: pickCopy(copies, [({ id }) => id === state.current?.id]) }
}

/** ECS does not copy a deprecated image: the source is an available copy in another region, or the image once restored. */
function* findCopySource(
  request: PromoteRequest,
  { target, copies }: { target: Image; copies: readonly Image[] },
): QueryGenerator<CopySource | Refusal> {
  const { region, family, replicas } = request
  const home = { region, image: target.id }
  if (target.status !== 'Deprecated') return { from: home, restore: [] }
  const elsewhere = copies.find(isReady)
  if (elsewhere) return { from: { region: elsewhere.region, image: elsewhere.id }, restore: [] }
  if (!(yield* wouldBecomeCurrent(request, target))) {
    return { from: home, restore: [{ action: 'restore', region, image: target.id }] }
  }
  return refuse(
    'not-permitted',
    `${label(target)} is deprecated, and ECS copies no deprecated image. If it were restored first, family ${target.family} would serve it in ${region} long before its copies are ready.`,
    `Promote it in two runs: first into ${family} without \`replica-region-ids\`, then again with \`replica-region-ids: ${replicas.join(',')}\`.`,
  )
}

function specifyPromotionCopy(
  request: PromoteRequest,
  _: PromoteState,
  { target, source }: { target: Image; source: CopySource },
) {
  const { region, run, family, resourceGroupId, copyKmsKeyIds } = request
  const attributes = {
    description: `Copy of ${originOf(target)}`,
    tags: buildCopyTags(request, target),
    resourceGroupId,
    kmsKeyId: copyKmsKeyIds[region],
  }
  return { region, run, family, imageName: undefined, from: source.from, attributes }
}

/** The tags of a copy that this run makes: where the image comes from, and who copied it. */
function buildCopyTags({ copyTags, tags }: PromoteRequest, target: Image): Tags {
  const isProvenance = ([key]: [string, string]) => key.startsWith('github:')
  const runTags = Object.entries(copyTags)
  const inherited = Object.entries(target.tags).filter(isProvenance)
  const provenance = inherited.length > 0 ? inherited : runTags.filter(isProvenance)
  const rest = runTags.filter((entry) => !isProvenance(entry))
  return { ...tags, ...Object.fromEntries([...rest, ...provenance]), [tag.origin]: originOf(target) }
}

function* decidePromotionReplica(
  request: PromoteRequest,
  { home, state, copy }: { home: DecidedRegion; state: PromoteState; copy: Image | undefined },
): QueryGenerator<RegionDecision> {
  const { target } = home
  if (!target || !copy) throw new Error('A promotion has no image for this region.')
  const { current, members } = state
  if (isCurrent(request, current, copy)) {
    return keepCurrent(request, promote, state, `${request.family} already serves ${label(copy)}`)
  }
  const foreign = refuseForeignRival(request.family, { current, members, target: copy })
  if (foreign) return foreign
  const isLate = request.fromFamily !== undefined && (yield* areLateCopies(request, findNewer(members, copy), target))
  return yield* decideChange(isLate ? { ...request, deprecateNewer: true } : request, state, copy)
}

/** An image promoted from a family is the newest there, so copies of older images that were made later may be withdrawn. */
function* areLateCopies({ replicas }: PromoteRequest, newer: readonly Image[], target: Image): QueryGenerator<boolean> {
  if (newer.length === 0) return false
  const { lateCopies } = yield* classifyRivals(newer, { image: target, regions: [target.region, ...replicas] })
  return lateCopies.length === newer.length
}
