/** A plan is data: the steps in their order, and what every family must resolve to afterwards. */

import { type FamilyRef, type Image, label } from '../model/image.ts'
import type { ImageRef, Step } from './steps.ts'

export interface Expectation extends FamilyRef {
  /** Undefined: the family is to resolve to nothing. */
  readonly image: ImageRef | undefined
  /** Images that must not be available in the family. */
  readonly withdrawn: readonly string[]
  /** What it means if somebody else's newer image is current. Nobody can be prevented from releasing one. */
  readonly overtaken: 'fails' | 'warns' | 'fails-if-withdrawn-is-back'
}

export interface Notice {
  readonly level: 'notice' | 'warning' | 'error'
  readonly text: string
  /**
   * The notice is shown even if later rounds, which no longer know of it, plan again. `once-begun`: if the change that it
   * is about has begun in its region; otherwise the next plan says again what it changes.
   */
  readonly persistent?: true | 'once-begun'
}

export const warning = (text: string): Notice => ({ level: 'warning', text })

/**
 * The phases of a plan, each in all regions side by side: images are created and copied; the decision is recorded; the
 * expected image is checked at the last moment; steps that change no family's answer are done; the families are
 * switched. After ECS has confirmed the result, the decision is marked as done and old images are deleted.
 */
export const phases = ['create', 'copy', 'record', 'check', 'prepare', 'activate', 'commit', 'prune'] as const
export type Phase = (typeof phases)[number]

/** Whether an image of the family is deleted or kept. */
export interface RetentionDecision {
  readonly image: Image
  readonly delete: boolean
  /** For people. */
  readonly reason: string
}

/** The result that is planned for one region, without the steps: outputs are made of it. */
export interface RegionOutcome {
  /** The image that the run chose; undefined when there is none. */
  readonly image: ImageRef | undefined
  /** ID of the image that the family resolved to before the run's first attempt. */
  readonly previous: string | undefined
  /** IDs of images withdrawn by this run, in an earlier attempt or in this one. */
  readonly withdrawn: readonly string[]
  /** IDs of newer images that are still being created and will become current when they are ready. */
  readonly pending: readonly string[]
  readonly notices: readonly Notice[]
  /** An earlier attempt of this run has changed something. */
  readonly changedBefore: boolean
  /** The image that the family resolves to; only of mode resolve. */
  readonly resolvedImage?: Image | undefined
  /** IDs of images whose instances are listed at the end. */
  readonly listInstancesOf?: readonly string[]
  /** What `keep` does with each image of the family. */
  readonly retention?: readonly RetentionDecision[]
  /** Deletions that make room if ECS answers that the family is full. They end the round, and everything is planned again. */
  readonly room?: readonly Step[]
}

export type RegionPlan = RegionOutcome & { readonly region: string } & (
    | {
        readonly kind: 'change'
        readonly steps: Partial<Readonly<Record<Phase, readonly Step[]>>>
        /** Undefined when nothing is verified: the image is not awaited, or the family stays as it is. */
        readonly expect: Expectation | undefined
        /** Why the family itself stays as it is: only other steps are done, such as sharing and deleting. */
        readonly reason?: string
      }
    | {
        readonly kind: 'nothing'
        /** Why there is nothing to do. */
        readonly reason: string
      }
  )

export type Plan =
  /** Of every region, home first. */
  { readonly kind: 'change' | 'nothing'; readonly regions: readonly [RegionPlan, ...RegionPlan[]] } | Refusal

/** The place of a step in its plan: `cn-shanghai/activate/2`, or `cn-shanghai/room/1` for one that makes room. */
export type StepId = `${string}/${Phase | 'room'}/${number}`

export const phaseOf = (id: StepId): string | undefined => id.split('/')[1]

export interface PlannedStep {
  readonly id: StepId
  readonly step: Step
}

/** The steps of one phase, or those that make room: one lane for each region that has any. */
export function lanesOf(plan: Plan | undefined, phase: Phase | 'room'): readonly (readonly PlannedStep[])[] {
  if (plan === undefined || plan.kind === 'refuse') return []
  const stepsIn = (region: RegionPlan): readonly Step[] => {
    if (phase === 'room') return region.room ?? []
    return region.kind === 'change' ? (region.steps[phase] ?? []) : []
  }
  return plan.regions
    .map((region) =>
      stepsIn(region).map((step, index): PlannedStep => ({ id: `${region.region}/${phase}/${index + 1}`, step })),
    )
    .filter(({ length }) => length > 0)
}

/** All steps, phase by phase, without those that make room. */
export const plannedSteps = (plan: Plan | undefined): readonly PlannedStep[] =>
  phases.flatMap((phase) => lanesOf(plan, phase).flat())

export interface Refusal {
  readonly kind: 'refuse'
  readonly code: RefusalCode
  /** Why the run is refused: one or more sentences. */
  readonly reason: string
  /** What to do about it: one or more sentences. */
  readonly remedy: string
  /** The reason already names the region that it is about. */
  readonly namesRegion?: true
  /** An instance that a lost attempt left stopped. The post step starts it. */
  readonly leavesStopped?: { readonly region: string; readonly instance: string }
}

export type RefusalCode =
  | 'already-decided'
  | 'already-shared'
  | 'ambiguous-order'
  | 'copy-missing'
  | 'bad-quarantine'
  | 'condition-unmet'
  | 'current-elsewhere'
  | 'family-empty'
  | 'image-failed'
  | 'image-not-found'
  | 'image-not-in-family'
  | 'image-not-own'
  | 'image-newer'
  | 'instance-unusable'
  | 'just-rolled-back'
  | 'name-taken'
  | 'newer-images'
  | 'no-room-for-mark'
  | 'not-expected'
  | 'not-found'
  | 'not-permitted'
  | 'regions-differ'
  | 'source-differs'
  | 'superseded'
  | 'too-many-shares'
  | 'would-empty'

export const refuse = (code: RefusalCode, reason: string, remedy: string): Refusal => ({
  kind: 'refuse',
  code,
  reason,
  remedy,
})

export const refuseUnexpected = (family: string, current: Image | undefined, expected: string): Refusal =>
  refuse(
    'not-expected',
    `${family} serves ${current ? label(current) : 'nothing'}, but \`expected-image-id\` says ${expected}.`,
    'Check which image is current now, then start a new workflow run.',
  )

export const isRefusal = (value: object): value is Refusal => 'kind' in value && value.kind === 'refuse'
