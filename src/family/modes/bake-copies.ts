/** A bake in the replica regions: copies, and all families joined at once, everywhere or nowhere. */

import { type DecisionOnImage, decisionOn, isSameWorkflowRun } from '../model/decision-record.ts'
import type { FamilyState } from '../model/family-state.ts'
import { availableOf, distinct, type Image, label, list, sameSecond } from '../model/image.ts'
import { type BakeRequest, regionsOf } from '../model/request.ts'
import { tag } from '../model/tags.ts'
import type { Keep, RegionCase, RegionDecision } from '../plan/decision.ts'
import { isRefusal, type Refusal, refuse } from '../plan/plan.ts'
import { type QueryGenerator, queryAll, withoutQuery } from '../plan/query.ts'
import { isPlaceholder } from '../plan/steps.ts'
import { supersededBy } from '../recovery/supersession.ts'
import { type CopyPlan, copyQueries, originTag, pickCopy } from '../rules/replication.ts'
import { classifyRivals, findNewer, refuseAmbiguous } from '../rules/rivals.ts'
import { withdrawalOrder } from '../rules/withdrawal.ts'
import { type BakeState, keepOut, leaveMoved, refuseTakenName, settleOn } from './bake-image.ts'
import type { ModePolicy } from './policy.ts'

type CopyPolicy = Pick<
  ModePolicy<BakeRequest, BakeState>,
  'findCopies' | 'findSource' | 'planCopy' | 'decideReplica' | 'explainShared'
>

export const bakeCopies: CopyPolicy = {
  findCopies,
  // What a later step of the same workflow run has taken on at home is its to copy.
  findSource: (_, { home, target }) =>
    withoutQuery(
      home.decision.kind === 'change' ? { from: { region: target.region, image: target.id }, restore: [] } : undefined,
    ),
  planCopy,
  decideReplica,
  explainShared: (refusal, homeTarget) => {
    const remedy = `Promote the image of this run: \`mode: promote\`, \`image-id: ${homeTarget?.id}\`, \`deprecate-newer: true\`, and \`unshare: true\` or \`quarantine-family\`.`
    return refusal.code === 'already-shared' ? { ...refusal, remedy } : refusal
  },
}

function* findCopies({ region, run }: BakeRequest, state: BakeState, target: Image) {
  if (isPlaceholder(target.id)) return { state, copies: [], copy: undefined }
  const { copies } = yield* queryAll({ copies: copyQueries(target, region).copies })
  const known = distinct([...state.known, ...copies])
  return { state: { ...state, known }, copies, copy: pickCopy(copies, [({ tags }) => tags[tag.run] === run.key]) }
}

function planCopy(request: BakeRequest, { taken }: BakeState, { target }: { target: Image }): CopyPlan | Refusal {
  if (taken) return refuseTakenName(taken)
  const { region, run, family, imageName, description, resourceGroupId, copyKmsKeyIds } = request
  const { [tag.source]: _, ...tags } = request.tags
  const from = { region: target.region, image: target.id }
  const copying = {
    description,
    tags: { ...tags, ...originTag(target.region, target.id) },
    resourceGroupId,
    kmsKeyId: copyKmsKeyIds[region],
  }
  return { region, run, family, imageName, from, copying }
}

interface Seen {
  readonly home: RegionCase
  readonly state: BakeState
  readonly copy: Image | undefined
}

/** The copy becomes current here exactly if the image is current at home. */
function* decideReplica(request: BakeRequest, { home, state, copy }: Seen): QueryGenerator<RegionDecision> {
  if (home.decision.kind === 'nothing') return leaveOut(request, state, copy)
  if (!copy || !home.target) throw new Error('A replica without a copy, and none to be made.')
  const [overtaking] = findNewer(home.state.members, home.target)
  if (overtaking) return stayOut(request, state, { copy, overtaking })
  const isMoved = copy.status === 'Deprecated' || !['', request.family].includes(copy.family)
  if (isMoved) return leaveMoved(request, state, copy)
  const rivals = yield* findRivals(request, { home: home.target, state, copy })
  if (isRefusal(rivals)) return rivals
  if (rivals.overtaking) return stayOut(request, state, { copy, overtaking: rivals.overtaking })
  return { ...settleOn(request, state, copy), withdraw: withdrawalOrder(rivals.late, state.current?.id) }
}

const leaveOut = (request: BakeRequest, state: FamilyState, copy: Image | undefined): Keep => {
  const reason = 'nothing is done at home'
  if (copy) return keepOut(request, state, copy, reason)
  const nothing = { changedBefore: false, withdrawn: [], pending: [], notices: [] }
  return { ...nothing, kind: 'nothing', region: state.region, reason, image: undefined, previous: state.current?.id }
}

function stayOut(
  request: BakeRequest,
  state: FamilyState,
  { copy, overtaking }: { copy: Image; overtaking: Image },
): Keep {
  const reason = `${label(overtaking)} is newer than the image of this run, whose copy stays outside of the family`
  return { ...keepOut(request, state, copy, reason), notices: [{ level: 'warning', text: `${reason}.` }] }
}

/**
 * What is newer than the copy in its own region, told apart by the images that those are copies of. A newer bake may be
 * joining its regions just now. What was made here by somebody is not this run's to withdraw.
 */
function* findRivals(
  request: BakeRequest,
  { home, state, copy }: { home: Image; state: FamilyState; copy: Image },
): QueryGenerator<{ readonly late: readonly Image[]; readonly overtaking: Image | undefined } | Refusal> {
  const tied = availableOf(state.members).find((other) => sameSecond(other, copy))
  if (tied) return refuseAmbiguous(request.family, [copy, tied])
  const newer = findNewer(state.members, copy)
  const promoted = newer.flatMap((other) => decidedByOthers(request, other))[0]
  if (promoted) return supersededBy(promoted)
  const { late, ahead, foreign } = yield* classifyRivals(newer, {
    image: home,
    regions: regionsOf({ ...request, region: home.region }),
  })
  // Where the copy has joined before, the verification at the end tells by what it was overtaken.
  if (foreign.length > 0 && copy.family !== request.family) {
    return refuse(
      'newer-images',
      `${list(foreign)} in family ${request.family} ${foreign.length === 1 ? 'was' : 'were'} made there while this run copied ${label(home)}, and would still be served.`,
      `Nothing was switched in any region; the image and its copies are ready. Promote the one that you want: \`mode: promote\`, \`image-id: ${home.id}\`, \`deprecate-newer: true\`.`,
    )
  }
  return { late, overtaking: ahead[0] }
}

/** Somebody has promoted it here, and did not only copy it late. */
function decidedByOthers({ run }: BakeRequest, image: Image): DecisionOnImage[] {
  const decision = decisionOn(image)
  const isTheirs = decision && decision.target === image.id && !isSameWorkflowRun(run, decision.run)
  return isTheirs ? [{ image, decision }] : []
}
