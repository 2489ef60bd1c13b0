/** What a run did and saw, as plain data: it can be printed, compared, and stored as JSON. */

import type { Request } from '../family/model/request.ts'
import type { Notice, Plan, RegionPlan, StepId } from '../family/plan/plan.ts'
import { type Deletion, type ImageRef, isPlaceholder, type Placeholder, type Step } from '../family/plan/steps.ts'
import type { Verification } from '../family/plan/verify.ts'
import type { ErrorData } from './action-error.ts'
import type { Observations } from './observations.ts'

/** One step as it was carried out. */
export interface Entry {
  /** From 1: the line is walked again after copies were made, or room was made. */
  readonly round: number
  /** Joins the entry to the plan of its round. */
  readonly id: StepId
  /** With the IDs of images that had none yet when the step was planned. */
  readonly step: Step
  readonly state: 'done' | 'failed' | 'skipped'
  /** Why it was skipped, for people. */
  readonly reason?: string
  readonly error?: ErrorData
  /** It failed, and nothing rested on it. */
  readonly tolerated?: boolean
  /** ID of the image that the step has made, also where the step failed after that. */
  readonly image?: string
}

/**
 * How far the run came, and what it saw; complete whether it failed or not. A step that ECS had no room for stands in
 * the journal only if that is the failure: otherwise it is planned, and carried out, in a later round.
 */
export interface Outcome {
  readonly request: Request
  /** Of the last round; undefined when already the first look failed. */
  readonly plan: Plan | undefined
  /** The round that `plan` belongs to. */
  readonly round: number
  /** Round by round and phase by phase; within a phase, region by region. */
  readonly journal: readonly Entry[]
  readonly observations: Observations
  /** The images that the run settled on, by region; none where there is none. */
  readonly images: Readonly<Record<string, string>>
  /** Of the regions in which something was to be verified. */
  readonly verifications: readonly Verification[]
  /** Instances that still run a withdrawn image, by region; null where they could not be listed. */
  readonly affected: Readonly<Record<string, readonly string[] | null>>
  /** Notices of earlier rounds that still hold, by region. */
  readonly persistent: readonly { readonly region: string; readonly notice: Notice }[]
  readonly failure: Failure | undefined
}

export interface Failure {
  /** What the run was doing: `looking at the family`. */
  readonly doing: string
  /** Of several regions, that of the first; a cancellation goes before others. */
  readonly error: ErrorData
  /** The steps that failed in the same phase, by region. */
  readonly steps: readonly { readonly round: number; readonly id: StepId }[]
}

/** What is planned for each region, home first; none without a plan, or where it is a refusal. */
export const regionsIn = ({ plan }: Pick<Outcome, 'plan'>): readonly RegionPlan[] =>
  plan === undefined || plan.kind === 'refuse' ? [] : plan.regions

/** Images that were deleted, by the steps that did it. */
export const deletedIn = (journal: readonly Entry[]): Deletion[] =>
  journal.flatMap(({ step, state }) => (step.action === 'delete' && state === 'done' ? [step] : []))

/** `m-… in cn-hangzhou`: images that were made, for people. */
export const madeIn = (journal: readonly Entry[]): string[] =>
  journal.flatMap(({ step, image }) => (image === undefined ? [] : [`${image} in ${step.region}`]))

/** IDs of the images that steps of the last round have made, by what stood for them in the plan. */
export type CreatedImages = Readonly<Partial<Record<Placeholder, string>>>

export const createdIn = ({ round, journal }: Pick<Outcome, 'round' | 'journal'>): CreatedImages =>
  Object.fromEntries(
    journal.flatMap((entry) => {
      const { step, image } = entry
      return entry.round === round && image !== undefined && 'image' in step ? [[step.image, image]] : []
    }),
  )

/** The ID of an image in the plan of the last round; undefined when it has not been made. */
export const imageId = (
  outcome: Pick<Outcome, 'round' | 'journal'>,
  image: ImageRef | undefined,
): string | undefined => (image !== undefined && isPlaceholder(image) ? createdIn(outcome)[image] : image)
