/** What a run did and saw, as plain data: it can be printed, compared, and stored as JSON. */

import type { Request } from '../family/model/request.ts'
import type { Notice, Plan, RegionPlan, StepId } from '../family/plan/plan.ts'
import { type Deletion, type ImageRef, isPlaceholder, type Placeholder, type Step } from '../family/plan/steps.ts'
import type { Verification } from '../family/plan/verify.ts'
import type { ErrorData } from './action-error.ts'
import type { Observations } from './observations.ts'

/**
 * Why a step was skipped. `kept`: there is a reason not to delete the image. `already-deleted`: the image no longer
 * exists. `lost`: the image can no longer become current. `nothing-to-do`: all images of the step are gone.
 */
export type SkipCode = 'kept' | 'already-deleted' | 'lost' | 'nothing-to-do'

/** One step as it was carried out. */
export interface Entry {
  /** From 1: a further round begins after copies were made, or room was made. */
  readonly round: number
  /** Joins the entry to the plan of its round. */
  readonly id: StepId
  /** With IDs instead of placeholders. */
  readonly step: Step
  readonly state: 'done' | 'failed' | 'skipped'
  readonly skipped?: SkipCode
  /** Why it was skipped, for people. */
  readonly reason?: string
  readonly error?: ErrorData
  /** It failed, and nothing depended on it. */
  readonly tolerated?: boolean
  /** ID of the image that the step created, even if the step failed after that. */
  readonly image?: string
}

/**
 * How far the run got and what it saw, complete whether it failed or not. A step that ECS had no room for is in the
 * journal only if that is the failure: otherwise a later round plans it again and carries it out.
 */
export interface Outcome {
  readonly request: Request
  /** Of the last round; undefined when the first look failed. */
  readonly plan: Plan | undefined
  /** The round that `plan` belongs to. */
  readonly round: number
  /** Round by round and phase by phase; within a phase, region by region. */
  readonly journal: readonly Entry[]
  readonly observations: Observations
  /** IDs of the images that the run chose, by region; a region without one is missing. */
  readonly images: Readonly<Record<string, string>>
  /** One for each region in which something was verified. */
  readonly verifications: readonly Verification[]
  /** IDs of instances that still run a withdrawn image, by region; null if they could not be listed. */
  readonly affected: Readonly<Record<string, readonly string[] | null>>
  /** Notices of earlier rounds that still hold, by region. */
  readonly persistent: readonly { readonly region: string; readonly notice: Notice }[]
  readonly failure: Failure | undefined
}

export interface Failure {
  /** What the run was doing: `looking at the family`. */
  readonly doing: string
  /** If several regions failed, the error of the first; a cancellation takes precedence. */
  readonly error: ErrorData
  /** The steps that failed in the same phase, by region. */
  readonly steps: readonly { readonly round: number; readonly id: StepId }[]
}

/** What is planned for each region, home first; empty without a plan, and for a refusal. */
export const regionsIn = ({ plan }: Pick<Outcome, 'plan'>): readonly RegionPlan[] =>
  plan === undefined || plan.kind === 'refuse' ? [] : plan.regions

/** The steps that deleted an image. */
export const deletedIn = (journal: readonly Entry[]): Deletion[] =>
  journal.flatMap(({ step, state }) => (step.action === 'delete' && state === 'done' ? [step] : []))

/** IDs of the images that steps of the last round created, by placeholder. */
export type CreatedImages = Readonly<Partial<Record<Placeholder, string>>>

export const createdIn = ({ round, journal }: Pick<Outcome, 'round' | 'journal'>): CreatedImages =>
  Object.fromEntries(
    journal.flatMap((entry) => {
      const { step, image } = entry
      return entry.round === round && image !== undefined && 'image' in step ? [[step.image, image]] : []
    }),
  )

/** The ID of an image in the plan of the last round; undefined when it has not been created. */
export const imageId = (
  outcome: Pick<Outcome, 'round' | 'journal'>,
  image: ImageRef | undefined,
): string | undefined => (image !== undefined && isPlaceholder(image) ? createdIn(outcome)[image] : image)
