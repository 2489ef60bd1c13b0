/** Records a decision in tags: on which images, in which order, and what happens if an image has no room for a tag. */

import { type DecisionRecord, decisionOn, decisionTraits, recordTag } from '../model/decision-record.ts'
import { type Image, label, listLabels } from '../model/image.ts'
import { tagLimit } from '../model/limits.ts'
import type { RecordedRequest } from '../model/request.ts'
import { hasRoomForTags, reasonTag, type Tags, tag } from '../model/tags.ts'
import type { Change } from '../plan/decision.ts'
import { type Notice, type Refusal, refuse } from '../plan/plan.ts'
import type { Step } from '../plan/steps.ts'

type DecisionContent = Omit<DecisionRecord, 'replaces'>
type TagStep = Extract<Step, { action: 'tag' }>

export interface DecisionSubject {
  readonly region: string
  /** Images to be withdrawn; the current image is the last one. */
  readonly withdraw: readonly Image[]
  readonly target: Image | undefined
}

export interface RecordSteps {
  readonly planned: readonly Step[]
  readonly done: readonly Step[]
  readonly notices: readonly Notice[]
}

/**
 * ID of the image whose record is written last. If that record exists, all others do too, and families may have been
 * switched. If it does not, nothing visible has happened, and the run may decide again.
 */
export const commitMarkerOf = ({ mode, target, previous }: DecisionRecord): string | undefined =>
  decisionTraits[mode].commitMarker === 'target' ? target : previous

export const hasRoomForRecord = (image: Image, decision: DecisionContent): boolean =>
  hasRoomForTags(image.tags, recordTag(image, decision))

/**
 * Records a new decision. A rollback also records it on the image that it falls back to, if there is room: that image
 * stays in the family, so every later run finds the latest decision there.
 * @param isRecordOptional a re-run chooses the same image even without a record
 */
export function recordDecision(
  decision: DecisionContent,
  {
    region,
    withdraw,
    target,
    targetTags = {},
    reason,
    isRecordOptional,
  }: DecisionSubject & {
    readonly targetTags?: Tags
    readonly reason: string | undefined
    readonly isRecordOptional: boolean
  },
): RecordSteps | Refusal {
  const fits = (image: Image, tags: Tags = {}) => hasRoomForTags(image.tags, { ...recordTag(image, decision), ...tags })
  const targetFits = target !== undefined && fits(target, targetTags)
  const withoutRoom = [
    ...withdraw.filter((image) => !fits(image)),
    ...(target && !targetFits && commitsOnTarget(decision) ? [target] : []),
  ]
  if (withoutRoom[0] && !isRecordOptional) return refuseNoRoom(withoutRoom[0], decision)
  const withRoom = withdraw.filter((image) => !withoutRoom.includes(image))
  const reasonFits = reason === undefined || withRoom.every((image) => fits(image, reasonTag(reason)))
  const writtenReason = reasonFits ? reason : undefined
  const recorded = sortForRecording(decision, withRoom, targetFits ? target : undefined)
  return {
    planned: [
      // Before the records: an attempt that finds the records does not remove reasons any more.
      ...removeReasons(
        writtenReason === undefined ? recorded : recorded.filter(({ id }) => id === decision.target),
        region,
      ),
      ...planTags(recorded, region, (image) => ({
        ...recordTag(image, decision),
        ...(writtenReason !== undefined && image.id !== decision.target ? reasonTag(writtenReason) : {}),
      })),
    ],
    done: recordDone(decision, { region, images: recorded }),
    notices: recordWarnings({ withoutRoom, reasonFits }),
  }
}

/** Marks the decision as done after ECS has confirmed its result. Records that already say so are left alone. */
export const recordDone = (
  decision: DecisionContent,
  { region, images }: { readonly region: string; readonly images: readonly Image[] },
): Step[] => {
  const open = images.filter((image) => {
    const recorded = decisionOn(image)
    return recorded?.run !== decision.run || recorded.state !== 'done'
  })
  return planTags(open, region, (image) => recordTag(image, { ...decision, state: 'done' }))
}

/** The commit marker is the record on the target. */
const commitsOnTarget = ({ mode }: DecisionContent): boolean => decisionTraits[mode].commitMarker === 'target'

const sortForRecording = (
  decision: DecisionContent,
  withdraw: readonly Image[],
  target: Image | undefined,
): Image[] => {
  const targets = target ? [target] : []
  return commitsOnTarget(decision) ? [...withdraw, ...targets] : [...targets, ...withdraw]
}

/** One step for all images that get the same tags. The step of the last image comes last. */
function planTags(images: readonly Image[], region: string, tagsFor: (image: Image) => Tags): TagStep[] {
  const byTags = new Map<string, TagStep>()
  for (const image of images) {
    const tags = tagsFor(image)
    const key = JSON.stringify(tags)
    const ids = [...(byTags.get(key)?.ids ?? []), image.id]
    byTags.set(key, { action: 'tag', region, resource: 'image', ids, tags })
  }
  const last = images.at(-1)?.id ?? ''
  const steps = [...byTags.values()]
  return [...steps.filter(({ ids }) => !ids.includes(last)), ...steps.filter(({ ids }) => ids.includes(last))]
}

/** The reason of an earlier decision does not apply to this one. */
function removeReasons(images: readonly Image[], region: string): Step[] {
  const ids = images.filter((image) => tag.reason in image.tags).map(({ id }) => id)
  return ids.length === 0 ? [] : [{ action: 'untag', region, resource: 'image', ids, keys: [tag.reason] }]
}

function refuseNoRoom(image: Image, decision: DecisionContent): Refusal {
  const removable = Object.keys(image.tags).find((key) => !/^(image-family|github):/.test(key))
  return refuse(
    'no-room-for-mark',
    `${label(image)} has ${Object.keys(image.tags).length} of the ${tagLimit} tags that ECS allows, so this decision cannot be recorded on it. Without the record, a re-run could decide a second time.`,
    `Remove one of its tags${removable ? `, for example ${removable}` : ''}${commitsOnTarget(decision) ? ', or set fewer `tags`' : ', or name the image to fall back to in `to-image-id` (without `quarantine-family`)'}.`,
  )
}

function recordWarnings({ withoutRoom, reasonFits }: { withoutRoom: readonly Image[]; reasonFits: boolean }): Notice[] {
  const texts = [
    ...(withoutRoom.length > 0
      ? [`The decision is not recorded on ${listLabels(withoutRoom)}: all ${tagLimit} tags are in use.`]
      : []),
    ...(reasonFits ? [] : ['The reason is not recorded: one of the images has no room for another tag.']),
  ]
  return texts.map((text) => ({ level: 'warning', persistent: 'once-begun', text }))
}

/**
 * Steps that record a decision. A resumed decision is already recorded and is only marked as done.
 * @param now ECS's time, milliseconds
 * @param targetTags tags that the request puts on the target, besides the record
 * @param isRecordOptional a re-run chooses the same image even without a record
 */
export function planRecord(
  { mode, region, family, run, reason }: RecordedRequest,
  {
    change,
    now,
    targetTags = {},
    isRecordOptional,
  }: { change: Change; now: number; targetTags?: Tags; isRecordOptional: boolean },
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
  return recordDecision(decision, { ...subject, reason, isRecordOptional })
}
