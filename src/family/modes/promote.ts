/** Makes one image what its family serves, in every region: joins, restores, copies, then withdraws newer images. */

import type { FamilyState } from '../model/family-state.ts'
import { distinct, type Image, isAvailable, isNewer, isPending, isReady, label, list } from '../model/image.ts'
import { originOf } from '../model/origin.ts'
import type { PromoteRequest } from '../model/request.ts'
import { type Tags, tag } from '../model/tags.ts'
import type { Change, RegionCase, RegionDecision } from '../plan/decision.ts'
import { isRefusal, type Notice, type Plan, type Refusal, refuse, refuseUnexpected } from '../plan/plan.ts'
import { type QueryGenerator, queryAll } from '../plan/query.ts'
import { isPlaceholder, type Step } from '../plan/steps.ts'
import { observeConsistently } from '../recovery/consistency.ts'
import { recordSteps } from '../recovery/record.ts'
import { recover } from '../recovery/resume.ts'
import { unmetCondition } from '../rules/conditions.ts'
import { wouldBeServed } from '../rules/entry.ts'
import { copyQueries, pickCopy } from '../rules/replication.ts'
import { classifyRivals, findNewer, refuseForeignRival } from '../rules/rivals.ts'
import { withdrawalOrder } from '../rules/withdrawal.ts'
import { keepCurrent, planRegions } from './pipeline.ts'
import type { CopySource, ModePolicy } from './policy.ts'
import { chooseTarget, refuseCurrentElsewhere, refuseNewer } from './promote-target.ts'

export const planPromote = (request: PromoteRequest): QueryGenerator<Plan> => planRegions(request, promote)

export interface PromoteState extends FamilyState {
  /** The image named by `image-id`; at home only. */
  readonly named: Image | undefined
  /** What `from-family` serves; at home only. */
  readonly source: Image | undefined
}

const promote: ModePolicy<PromoteRequest, PromoteState> = {
  look,
  // What would be refused anyway is refused at once.
  pendingImage: ({ expectedImage }, { named, current }) =>
    named?.ownerAlias === 'self' && isPending(named) && [undefined, current?.id].includes(expectedImage)
      ? named.id
      : undefined,
  recovery: {
    observe: observeConsistently,
    recover: (request, state, { isHome }) => recover(request, state, { named: isHome ? request.image : undefined }),
  },
  choose,
  findCopies,
  findSource,
  planCopy: planCopyOf,
  decideReplica,
  sharePhase: 'prepare',
  awaitsTarget: false,
  listsInstances: false,
  overtaken: 'fails',
  expectsTarget: () => true,
  withdrawing: (request) => request,
  record: (request, decided) => recordSteps(request, { ...decided, targetTags: request.tags, mayGoWithout: false }),
  confirmExpected: ({ region, family, expectedImage }, { target }, current) =>
    expectedImage !== undefined && current?.id !== target?.id
      ? [{ action: 'confirm', region, family, image: expectedImage }]
      : [],
  tagTarget,
  noticePending,
}

/** Home is asked for the image as well; a re-run looks in the others for copies that it has made, which may carry its record. */
function* look(request: PromoteRequest, { isHome }: { isHome: boolean }): QueryGenerator<PromoteState> {
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
  const known = distinct([...members, ...sourceMembers, ...quarantined, ...made, ...(named ? [named] : [])])
  return { region, current, members, named, source, quarantined, known }
}

function noticePending(_: PromoteRequest, pending: readonly Image[]): Notice[] {
  if (pending.length === 0) return []
  return [{ level: 'warning', text: `${list(pending)}: still being created, and will become current when ready.` }]
}

function tagTarget({ region, tags }: PromoteRequest, target: Image): Step[] {
  const isMissing = !isPlaceholder(target.id) && Object.entries(tags).some(([key, value]) => target.tags[key] !== value)
  return isMissing ? [{ action: 'tag', region, resource: 'image', ids: [target.id], tags }] : []
}

/** The image is what the family serves, with every tag that is wanted. */
const isServed = (request: PromoteRequest, current: Image | undefined, image: Image): boolean =>
  current?.id === image.id && isAvailable(image) && tagTarget(request, image).length === 0

// ── At home ──────────────────────────────────────────────────────────────────

function* choose(
  request: PromoteRequest,
  { home: state, now }: { home: PromoteState; now: number },
): QueryGenerator<RegionDecision> {
  const { requireTags, maxAgeDays, family, fromFamily, expectedImage } = request
  const { current, source } = state
  const target = chooseTarget(request, state)
  if (isRefusal(target)) return target
  const unmet = unmetCondition(target, { requireTags, maxAgeDays, now })
  if (unmet) return unmet
  if (expectedImage !== undefined && expectedImage !== current?.id)
    return refuseUnexpected(family, current, expectedImage)
  if (isServed(request, current, target)) {
    return keepCurrent(request, promote, state, `${family} already serves ${label(target)}`)
  }
  if (fromFamily !== undefined && source && current && isNewer(current, source)) {
    const reason = `${fromFamily} serves ${label(target)} of ${target.creationTime}, which is older than what ${family} serves, ${label(current)} of ${current.creationTime}`
    return { ...keepCurrent(request, promote, state, reason), everywhere: true }
  }
  return yield* decide(request, state, target)
}

function* decide(
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

function* findCopies({ region }: PromoteRequest, state: PromoteState, target: Image) {
  const found = yield* queryAll(copyQueries(target, region))
  const copies = distinct([...found.copies, ...(found.original ? [found.original] : [])])
  const known = distinct([...state.known, ...copies])
  return { state: { ...state, known }, copies, copy: pickCopy(copies, [({ id }) => id === state.current?.id]) }
}

/** A deprecated image cannot be copied: an available copy elsewhere can, or the image once it is restored. */
function* findSource(
  request: PromoteRequest,
  { target, copies }: { target: Image; copies: readonly Image[] },
): QueryGenerator<CopySource | Refusal> {
  const { region, family, replicas } = request
  const home = { region, image: target.id }
  if (target.status !== 'Deprecated') return { from: home, restore: [] }
  const elsewhere = copies.find(isReady)
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

function planCopyOf(
  request: PromoteRequest,
  _: PromoteState,
  { target, source }: { target: Image; source: CopySource },
) {
  const { region, run, family, resourceGroupId, copyKmsKeyIds } = request
  const copying = {
    description: `Copy of ${originOf(target)}`,
    tags: tagsOfCopy(request, target),
    resourceGroupId,
    kmsKeyId: copyKmsKeyIds[region],
  }
  return { region, run, family, imageName: undefined, from: source.from, copying }
}

/** What a copy of this run is tagged with: where the image comes from, and who copied it. */
function tagsOfCopy({ copyTags, tags }: PromoteRequest, target: Image): Tags {
  const isProvenance = ([key]: [string, string]) => key.startsWith('github:')
  const own = Object.entries(copyTags)
  const inherited = Object.entries(target.tags).filter(isProvenance)
  const provenance = inherited.length > 0 ? inherited : own.filter(isProvenance)
  const rest = own.filter((entry) => !isProvenance(entry))
  return { ...tags, ...Object.fromEntries([...rest, ...provenance]), [tag.origin]: originOf(target) }
}

function* decideReplica(
  request: PromoteRequest,
  { home, state, copy }: { home: RegionCase; state: PromoteState; copy: Image | undefined },
): QueryGenerator<RegionDecision> {
  const { target } = home
  if (!target || !copy) throw new Error('A promotion without its image.')
  const { current, members } = state
  if (isServed(request, current, copy)) {
    return keepCurrent(request, promote, state, `${request.family} already serves ${label(copy)}`)
  }
  const foreign = refuseForeignRival(request.family, { current, members, target: copy })
  if (foreign) return foreign
  const isLate = request.fromFamily !== undefined && (yield* areLateCopies(request, findNewer(members, copy), target))
  return yield* decide(isLate ? { ...request, deprecateNewer: true } : request, state, copy)
}

/** What is promoted from a family is the newest there; a late copy of an older image is no reason against it here. */
function* areLateCopies({ replicas }: PromoteRequest, newer: readonly Image[], target: Image): QueryGenerator<boolean> {
  if (newer.length === 0) return false
  const { late } = yield* classifyRivals(newer, { image: target, regions: [target.region, ...replicas] })
  return late.length === newer.length
}
