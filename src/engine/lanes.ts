/** Carries out lanes of steps side by side, one per region, and keeps a journal of what was done. */

import type { Image } from '../family/model/image.ts'
import { tag } from '../family/model/tags.ts'
import { describeStep } from '../family/plan/describe-step.ts'
import type { PlannedStep } from '../family/plan/plan.ts'
import { type ImageRef, isPlaceholder, type Step, stepTarget } from '../family/plan/steps.ts'
import { type ErrorData, errorData } from './action-error.ts'
import { carryOut } from './carry-out.ts'
import { type CreatedImages, createdIn, type Entry, type Failure, type Outcome, regionsIn } from './outcome.ts'
import type { Ports } from './ports.ts'
import { logIn, type Recorder, recordLooks } from './stage.ts'

export interface Applied {
  readonly outcome: Outcome
  /** Steps that ECS had no room for, in regions where room can be made. They are not in the journal. */
  readonly full: readonly Entry[]
}

interface LaneOptions {
  readonly lanes: readonly (readonly PlannedStep[])[]
  /** A step that fails is reported, and the lane continues: nothing depends on it. */
  readonly bestEffort?: boolean
}

/** Carries out several lanes side by side, each to its end: one that fails does not leave another half done. */
export async function applyLanes(
  outcome: Outcome,
  ports: Ports,
  { lanes, bestEffort = false }: LaneOptions,
): Promise<Applied> {
  const recorder = recordLooks(ports.ecs, outcome.observations)
  const context = { outcome, ports, recorder, roundEnd: new AbortController(), bestEffort }
  const ends = await Promise.all(lanes.map((lane) => applyLane(lane, context)))
  const journal = [...outcome.journal, ...ends.flatMap(({ entries }) => entries)]
  const failure = ends.map(failureOf).reduce(joinFailures, outcome.failure)
  const applied = { ...outcome, journal, observations: recorder.observations(), failure }
  return { outcome: applied, full: ends.flatMap(({ full }) => full ?? []) }
}

const failureOf = ({ error, entries }: LaneEnd): Failure | undefined => error && failureIn(entries, error)

const failureIn = (entries: readonly Entry[], error: ErrorData): Failure => ({
  doing: 'applying the plan',
  error,
  steps: entries
    .filter(({ state, tolerated }) => state === 'failed' && !tolerated)
    .map(({ round, id }) => ({ round, id })),
})

/** A cancellation takes precedence over an earlier failure. */
function joinFailures(first: Failure | undefined, second: Failure | undefined): Failure | undefined {
  if (!first || !second) return first ?? second
  const { doing, error } = second.error.code === 'cancelled' ? second : first
  return { doing, error, steps: [...first.steps, ...second.steps] }
}

/** Adds steps that failed and are not in the journal yet. */
export const withFailed = (outcome: Outcome, failed: readonly Entry[]): Outcome => ({
  ...outcome,
  journal: [...outcome.journal, ...failed],
  failure: failed.map((entry) => entry.error && failureIn([entry], entry.error)).reduce(joinFailures, outcome.failure),
})

/** How far a lane got. */
interface LaneEnd {
  readonly entries: readonly Entry[]
  /** Why it got no further. */
  readonly error?: ErrorData
  /** The step that ECS had no room for, if room can be made. */
  readonly full?: Entry
}

interface LaneContext {
  readonly outcome: Outcome
  readonly ports: Ports
  readonly recorder: Recorder
  /** Aborted when room is to be made: no further step begins, and images are waited for in the next round. */
  readonly roundEnd: AbortController
  readonly bestEffort: boolean
}

async function applyLane(lane: readonly PlannedStep[], context: LaneContext): Promise<LaneEnd> {
  const { outcome, ports, roundEnd, bestEffort } = context
  const entries: Entry[] = []
  const lost = new Set<string>()
  const createdBefore = createdIn(outcome)
  let justCreated: Image | undefined
  for (const { id, step: planned } of lane) {
    if (roundEnd.signal.aborted) break
    const { cancellation } = ports.clock
    if (cancellation) return { entries, error: errorData(cancellation) }
    const step = withIds(planned, { ...createdBefore, ...createdIn({ round: outcome.round, journal: entries }) })
    const about = { round: outcome.round, id, step }
    if (lost.has(stepTarget(step))) {
      entries.push({ ...about, state: 'skipped', skipped: 'lost' })
      continue
    }
    const end = await applyStep(about, { ...context, justCreated })
    if (end === 'interrupted') break
    const { entry } = end
    if (entry.error && !bestEffort && canMakeRoom(entry, outcome)) {
      roundEnd.abort()
      return { entries, full: entry }
    }
    entries.push(entry)
    if (entry.error && !entry.tolerated) return { entries, error: entry.error }
    if (end.isLost) lost.add(stepTarget(step))
    justCreated = end.seen
  }
  return { entries }
}

type StepEnd = 'interrupted' | { readonly entry: Entry; readonly isLost?: boolean; readonly seen?: Image | undefined }

async function applyStep(
  about: Pick<Entry, 'round' | 'id' | 'step'>,
  { outcome, ports, recorder, roundEnd, bestEffort, justCreated }: LaneContext & { justCreated: Image | undefined },
): Promise<StepEnd> {
  const { step } = about
  const log = logIn(step.region, outcome.request, ports.log)
  let created: { readonly image?: string } = {}
  const onCreated = (image: string): void => {
    created = { image }
    if (step.action === 'create') ports.onImage(image)
  }
  log.info(`→ ${describeStep(step)}`)
  try {
    const context = { ...ports, ecs: recorder.ecs, log, roundEnd: roundEnd.signal, justCreated, onCreated }
    const result = await carryOut(step, { ...context, record: recorder.record })
    if (result.kind === 'interrupted') return 'interrupted'
    if (result.kind !== 'skipped') {
      return { entry: { ...about, state: 'done', ...created }, isLost: result.kind === 'lost', seen: result.seen }
    }
    const { code, reason } = result
    if (reason !== undefined) log.info(`Left as it is: ${reason}.`)
    return { entry: { ...about, state: 'skipped', skipped: code, ...(reason === undefined ? {} : { reason }) } }
  } catch (thrown) {
    const error = errorData(thrown)
    const tolerated = bestEffort && error.code !== 'cancelled' ? { tolerated: true } : {}
    return { entry: { ...about, state: 'failed', error, ...tolerated, ...created } }
  }
}

/** ECS takes no further image, and that region has images that can be deleted. */
const canMakeRoom = ({ step, error }: Entry, outcome: Outcome): boolean =>
  error?.code === 'family-full' &&
  ['create', 'copy', 'join-family'].includes(step.action) &&
  regionsIn(outcome).some(({ region, room = [] }) => region === step.region && room.length > 0)

/** Replaces placeholders by the IDs of images that have been created. */
function withIds(step: Step, created: CreatedImages): Step {
  const refTo = (image: ImageRef): ImageRef => (isPlaceholder(image) ? (created[image] ?? image) : image)
  if (step.action === 'create') return step
  if (step.action === 'copy') {
    const { from, tags } = step.copy
    const image = refTo(from.image)
    const origin = tags[tag.origin]?.replace(from.image, image)
    const withOrigin = origin === undefined ? tags : { ...tags, [tag.origin]: origin }
    return { ...step, copy: { ...step.copy, from: { ...from, image }, tags: withOrigin } }
  }
  return 'image' in step ? { ...step, image: refTo(step.image) } : step
}
