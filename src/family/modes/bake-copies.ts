/** A bake in the replica regions: the image is copied, then joins the families of all regions at once, or of none. */

import { type DecisionOnImage, decisionOn, isSameWorkflowRun } from '../model/decision-record.ts'
import type { FamilyState } from '../model/family-state.ts'
import {
  availableNewestFirst,
  createdInSameSecond,
  distinctImages,
  type Image,
  label,
  listLabels,
} from '../model/image.ts'
import { type BakeRequest, regionsOf } from '../model/request.ts'
import { tag } from '../model/tags.ts'
import type { DecidedRegion, Keep, RegionDecision } from '../plan/decision.ts'
import { isRefusal, type Refusal, refuse } from '../plan/plan.ts'
import { type QueryGenerator, queryAll, withoutQuery } from '../plan/query.ts'
import { isPlaceholder } from '../plan/steps.ts'
import { refuseSuperseded } from '../recovery/supersession.ts'
import { type CopyPlan, copiesAmong, copyQueries, originTag, pickCopy } from '../rules/replication.ts'
import { classifyRivals, findNewer, refuseAmbiguous } from '../rules/rivals.ts'
import { withdrawalOrder } from '../rules/withdrawal.ts'
import { type BakeState, changeTo, decideMoved, keepAsIs, refuseTakenName } from './bake-image.ts'
import type { ModePolicy } from './policy.ts'

type CopyPolicy = Pick<
  ModePolicy<BakeRequest, BakeState>,
  'findCopies' | 'findSource' | 'specifyCopy' | 'decideReplica' | 'explainShared'
>

export const bakeCopies: CopyPolicy = {
  findCopies: findBakeCopies,
  // When a later step of the same workflow run has taken over the image at home, that step also copies it.
  findSource: (_, { home, target }) =>
    withoutQuery(
      home.decision.kind === 'change' ? { from: { region: target.region, image: target.id }, restore: [] } : undefined,
    ),
  specifyCopy: specifyBakeCopy,
  decideReplica: decideBakeReplica,
  explainShared: (refusal, homeTarget) => {
    const remedy = `Promote the image of this run: \`mode: promote\`, \`image-id: ${homeTarget?.id}\`, \`deprecate-newer: true\`, and \`unshare: true\` or \`quarantine-family\`.`
    return refusal.code === 'already-shared' ? { ...refusal, remedy } : refusal
  },
}

function* findBakeCopies({ region, run }: BakeRequest, state: BakeState, target: Image) {
  if (isPlaceholder(target.id)) return { state, copies: [], copy: undefined }
  const found = yield* queryAll({ copies: copyQueries(target, region).copies })
  const copies = copiesAmong(found.copies, target)
  const known = distinctImages([...state.known, ...copies])
  return { state: { ...state, known }, copies, copy: pickCopy(copies, [({ tags }) => tags[tag.run] === run.key]) }
}

function specifyBakeCopy(
  request: BakeRequest,
  { taken }: BakeState,
  { target }: { target: Image },
): CopyPlan | Refusal {
  if (taken) return refuseTakenName(taken)
  const { region, run, family, imageName, description, resourceGroupId, copyKmsKeyIds } = request
  const { [tag.source]: _, ...tags } = request.tags
  const from = { region: target.region, image: target.id }
  const attributes = {
    description,
    tags: { ...tags, ...originTag(target.region, target.id) },
    resourceGroupId,
    kmsKeyId: copyKmsKeyIds[region],
  }
  return { region, run, family, imageName, from, attributes }
}

/** What is known of a replica region when it is decided. */
interface ReplicaContext {
  readonly home: DecidedRegion
  readonly state: BakeState
  readonly copy: Image | undefined
}

/** The copy becomes current here if, and only if, the image becomes current at home. */
function* decideBakeReplica(
  request: BakeRequest,
  { home, state, copy }: ReplicaContext,
): QueryGenerator<RegionDecision> {
  if (home.decision.kind === 'nothing') return followHome(request, state, copy)
  if (!copy || !home.target) throw new Error('A replica region has no copy, and none is planned.')
  const [overtaking] = findNewer(home.state.members, home.target)
  if (overtaking) return leaveCopyOutside(request, state, { copy, overtaking })
  const isMoved = copy.status === 'Deprecated' || !['', request.family].includes(copy.family)
  if (isMoved) return decideMoved(request, state, copy)
  const rivals = yield* findRivals(request, { home: home.target, state, copy })
  if (isRefusal(rivals)) return rivals
  if (rivals.overtaking) return leaveCopyOutside(request, state, { copy, overtaking: rivals.overtaking })
  return { ...changeTo(request, state, copy), withdraw: withdrawalOrder(rivals.lateCopies, state.current?.id) }
}

/** Home stays as it is, so the replica does too. */
const followHome = (request: BakeRequest, state: FamilyState, copy: Image | undefined): Keep => {
  const reason = 'nothing is changed in the home region'
  if (copy) return keepAsIs(request, state, copy, reason)
  const nothing = { changedBefore: false, withdrawn: [], pending: [], notices: [] }
  return { ...nothing, kind: 'nothing', region: state.region, reason, image: undefined, previous: state.current?.id }
}

/** A newer image is current, so the copy does not join the family. */
function leaveCopyOutside(
  request: BakeRequest,
  state: FamilyState,
  { copy, overtaking }: { copy: Image; overtaking: Image },
): Keep {
  const reason = `${label(overtaking)} is newer than the image of this run, whose copy stays outside of the family`
  return {
    ...keepAsIs(request, state, copy, reason),
    makesCopy: true,
    notices: [{ level: 'warning', text: `${reason}.` }],
  }
}

/**
 * Classifies the images that are newer than the copy in its region by the images that they are copies of. A newer bake
 * may be joining its regions at this moment. An image that somebody else made here is not withdrawn by this run.
 */
function* findRivals(
  request: BakeRequest,
  { home, state, copy }: { home: Image; state: FamilyState; copy: Image },
): QueryGenerator<{ readonly lateCopies: readonly Image[]; readonly overtaking: Image | undefined } | Refusal> {
  const tied = availableNewestFirst(state.members).find((other) => createdInSameSecond(other, copy))
  if (tied) return refuseAmbiguous(request.family, [copy, tied])
  const newer = findNewer(state.members, copy)
  const promoted = newer.flatMap((other) => findPromotedByOthers(request, other))[0]
  if (promoted) return refuseSuperseded(promoted)
  const { lateCopies, newerCopies, unrelated } = yield* classifyRivals(newer, {
    image: home,
    regions: regionsOf({ ...request, region: home.region }),
  })
  // When the copy has already joined the family, the verification at the end names the image that overtook it.
  if (unrelated.length > 0 && copy.family !== request.family) {
    return refuse(
      'newer-images',
      `${listLabels(unrelated)} in family ${request.family} ${unrelated.length === 1 ? 'was' : 'were'} created there while this run copied ${label(home)}, and would still be served.`,
      `Nothing was switched in any region; the image and its copies are ready. Promote the one that you want: \`mode: promote\`, \`image-id: ${home.id}\`, \`deprecate-newer: true\`.`,
    )
  }
  return { lateCopies, overtaking: newerCopies[0] }
}

/** Another run has promoted the image here; it is not only a copy that was made late. */
function findPromotedByOthers({ run }: BakeRequest, image: Image): DecisionOnImage[] {
  const decision = decisionOn(image)
  const isTheirs = decision && decision.target === image.id && !isSameWorkflowRun(run, decision.run)
  return isTheirs ? [{ image, decision }] : []
}
