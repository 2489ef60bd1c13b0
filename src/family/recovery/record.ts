/** Writing a decision down: which tags go on which images, in which order, and what if there is no room. */

import { type DecisionRecord, decisionOn, decisionTraits, recordTag } from '../model/decision-record.ts'
import { type Image, label, list } from '../model/image.ts'
import { tagLimit } from '../model/limits.ts'
import type { RecordedRequest } from '../model/request.ts'
import { hasRoomForTags, reasonTag, type Tags, tag } from '../model/tags.ts'
import type { Change } from '../plan/decision.ts'
import { type Notice, type Refusal, refuse } from '../plan/plan.ts'
import type { Step } from '../plan/steps.ts'

type DecisionContent = Omit<DecisionRecord, 'replaces'>
type TagStep = Extract<Step, { action: 'tag' }>

export interface Subject {
  readonly region: string
  /** Images to be withdrawn; the last one is what the family serves now. */
  readonly withdraw: readonly Image[]
  readonly target: Image | undefined
}

export interface RecordSteps {
  readonly planned: readonly Step[]
  readonly done: readonly Step[]
  readonly notices: readonly Notice[]
}

/**
 * The image whose mark is written last: where it stands, the decision is on all the others, and something visible may
 * have happened; where it does not, nothing has, and the run may decide anew.
 */
export const commitMarkerOf = ({ mode, target, previous }: DecisionRecord): string | undefined =>
  decisionTraits[mode].commitMarker === 'target' ? target : previous

export const hasRoomForRecord = (image: Image, decision: DecisionContent): boolean =>
  hasRoomForTags(image.tags, recordTag(image, decision))

/**
 * Notes a new decision. A rollback also marks the image that it falls back to, where there is room: that one stays in
 * the family, and every later run sees the latest decision there.
 * @param mayGoWithout a re-run ends at the same image even without a mark
 */
export function recordDecision(
  decision: DecisionContent,
  {
    region,
    withdraw,
    target,
    targetTags = {},
    reason,
    mayGoWithout,
  }: Subject & { readonly targetTags?: Tags; readonly reason: string | undefined; readonly mayGoWithout: boolean },
): RecordSteps | Refusal {
  const fits = (image: Image, tags: Tags = {}) => hasRoomForTags(image.tags, { ...recordTag(image, decision), ...tags })
  const targetFits = target !== undefined && fits(target, targetTags)
  const full = [
    ...withdraw.filter((image) => !fits(image)),
    ...(target && !targetFits && marksTarget(decision) ? [target] : []),
  ]
  if (full[0] && !mayGoWithout) return refuseWithoutRoom(full[0], decision)
  const roomy = withdraw.filter((image) => !full.includes(image))
  const reasonFits = reason === undefined || roomy.every((image) => fits(image, reasonTag(reason)))
  const kept = reasonFits ? reason : undefined
  const marked = recordOrder(decision, roomy, targetFits ? target : undefined)
  return {
    planned: [
      // Before the marks: an attempt that finds those writes nothing more of this kind.
      ...removeReasons(kept === undefined ? marked : marked.filter(({ id }) => id === decision.target), region),
      ...tagSteps(marked, region, (image) => ({
        ...recordTag(image, decision),
        ...(kept !== undefined && image.id !== decision.target ? reasonTag(kept) : {}),
      })),
    ],
    done: recordDone(decision, { region, images: marked }),
    notices: recordWarnings({ full, reasonFits }),
  }
}

/** Settles the marks after ECS has confirmed what was decided; those that say so already are left alone. */
export const recordDone = (
  decision: DecisionContent,
  { region, images }: { readonly region: string; readonly images: readonly Image[] },
): Step[] => {
  const open = images.filter((image) => {
    const noted = decisionOn(image)
    return noted?.run !== decision.run || noted.state !== 'done'
  })
  return tagSteps(open, region, (image) => recordTag(image, { ...decision, state: 'done' }))
}

const marksTarget = ({ mode }: DecisionContent): boolean => decisionTraits[mode].commitMarker === 'target'

const recordOrder = (decision: DecisionContent, withdraw: readonly Image[], target: Image | undefined): Image[] => {
  const stays = target ? [target] : []
  return marksTarget(decision) ? [...withdraw, ...stays] : [...stays, ...withdraw]
}

/** One step for all images whose tags come out the same; the step of the last image comes last. */
function tagSteps(images: readonly Image[], region: string, tagsOf: (image: Image) => Tags): TagStep[] {
  const byTags = new Map<string, TagStep>()
  for (const image of images) {
    const tags = tagsOf(image)
    const key = JSON.stringify(tags)
    const ids = [...(byTags.get(key)?.ids ?? []), image.id]
    byTags.set(key, { action: 'tag', region, resource: 'image', ids, tags })
  }
  const last = images.at(-1)?.id ?? ''
  const steps = [...byTags.values()]
  return [...steps.filter(({ ids }) => !ids.includes(last)), ...steps.filter(({ ids }) => ids.includes(last))]
}

/** The reason of an earlier decision does not speak for this one. */
function removeReasons(images: readonly Image[], region: string): Step[] {
  const ids = images.filter((image) => tag.reason in image.tags).map(({ id }) => id)
  return ids.length === 0 ? [] : [{ action: 'untag', region, resource: 'image', ids, keys: [tag.reason] }]
}

function refuseWithoutRoom(image: Image, decision: DecisionContent): Refusal {
  const spare = Object.keys(image.tags).find((key) => !/^(image-family|github):/.test(key))
  return refuse(
    'no-room-for-mark',
    `${label(image)} has ${Object.keys(image.tags).length} of the ${tagLimit} tags that ECS allows: there is no room to note this decision, and without the note a re-run could decide a second time.`,
    `Drop one of its tags${spare ? `, for instance ${spare}` : ''}${marksTarget(decision) ? ', or give fewer `tags`' : ', or name the image to fall back to in `to-image-id` (without `quarantine-family`)'}.`,
  )
}

function recordWarnings({ full, reasonFits }: { full: readonly Image[]; reasonFits: boolean }): Notice[] {
  const texts = [
    ...(full.length > 0 ? [`${list(full)}: not marked, all ${tagLimit} tags are in use.`] : []),
    ...(reasonFits ? [] : ['The reason was not kept on the images: one of them has no room for another tag.']),
  ]
  return texts.map((text) => ({ level: 'warning', text }))
}

/**
 * The marks of a decision made now; of one that was noted before, only what settles them.
 * @param targetTags what the request itself puts on the target, besides the mark
 * @param mayGoWithout a re-run ends at the same image even without a mark
 */
export function recordSteps(
  { mode, region, family, run, reason }: RecordedRequest,
  {
    change,
    now,
    targetTags = {},
    mayGoWithout,
  }: { change: Change; now: number; targetTags?: Tags; mayGoWithout: boolean },
): RecordSteps | Refusal {
  const { target, previous, withdraw, withdrawWhenReady, resumed } = change
  if (resumed) {
    const { decision, images } = resumed.own
    return { planned: [], done: recordDone(decision, { region, images }), notices: [] }
  }
  const joins = decisionTraits[mode].fallsBack && target !== undefined && target.family !== family
  const restores = joins || target?.status === 'Deprecated' ? { restores: true } : {}
  const decision = { state: 'planned', mode, run: run.key, target: target?.id, ...restores, previous, at: now } as const
  const subject = { region, withdraw: [...withdrawWhenReady, ...withdraw], target, targetTags }
  return recordDecision(decision, { ...subject, reason, mayGoWithout })
}
