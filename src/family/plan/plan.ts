/** A plan is data: what is to be done, in order, and what every family must resolve to afterwards. */

import { type FamilyRef, type Image, label } from '../model/image.ts'
import type { ImageRef, Step } from './steps.ts'

export interface Expectation extends FamilyRef {
  /** Undefined: the family is to resolve to nothing. */
  readonly image: ImageRef | undefined
  /** Images that must not be available in the family. */
  readonly withdrawn: readonly string[]
  /** What a newer image of somebody else means: nobody can be kept from releasing one. */
  readonly overtaken: 'fails' | 'warns' | 'fails-if-withdrawn-is-back'
}

export interface Notice {
  readonly level: 'notice' | 'warning' | 'error'
  readonly text: string
  /** It is about what is made first: the plan made anew after that knows nothing of it. */
  readonly persistent?: true
}

/**
 * What a plan does one after the other, each in all regions side by side: images are made, then copied; the decision is
 * noted; what is expected is confirmed at the last moment; what changes no answer yet is done; the families are switched; and, after ECS has confirmed what was expected,
 * the decision is settled and what is too many deleted.
 */
export const phases = ['create', 'copy', 'record', 'check', 'prepare', 'activate', 'commit', 'prune'] as const
export type Phase = (typeof phases)[number]

/** Why an image of the family is deleted or stays, for people. */
export interface RetentionDecision {
  readonly image: Image
  readonly delete: boolean
  readonly reason: string
}

/** What a run settles in one region, apart from how: the outputs are made of it. */
export interface RegionOutcome {
  /** The image that the run settles on; undefined when there is none. */
  readonly image: ImageRef | undefined
  /** What the family resolved to before the run's first attempt. */
  readonly previous: string | undefined
  /** Images withdrawn by this run, in an earlier attempt or in this one. */
  readonly withdrawn: readonly string[]
  /** Newer images being created, which will become current when they are ready. */
  readonly pending: readonly string[]
  readonly notices: readonly Notice[]
  /** An earlier attempt of this run has changed something. */
  readonly changedBefore: boolean
  /** What the family serves, where that was all there was to find out. */
  readonly servedImage?: Image | undefined
  /** Images whose instances are listed at the end. */
  readonly listInstancesOf?: readonly string[]
  /** What becomes of the images of the family under `keep`. */
  readonly retention?: readonly RetentionDecision[]
  /** Deletions that make room where ECS answers that the family is full: a round of its own, then all is planned anew. */
  readonly room?: readonly Step[]
}

export type RegionPlan = RegionOutcome & { readonly region: string } & (
    | {
        readonly kind: 'change'
        readonly steps: Partial<Readonly<Record<Phase, readonly Step[]>>>
        /** Undefined when nothing can be expected yet (an image that is not waited for). */
        readonly expect: Expectation | undefined
        /** Why nothing is done apart from sharing and deleting. */
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

/** Where a step stands in its plan: `cn-shanghai/activate/2`, or `cn-shanghai/room/1` for one that makes room. */
export type StepId = `${string}/${Phase | 'room'}/${number}`

export interface PlannedStep {
  readonly id: StepId
  readonly step: Step
}

/** One lane of steps a region that has any, for one phase, or of those that make room where the family is full. */
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

/** All steps, phase by phase; none where nothing is to be done. Those that make room are not among them. */
export const plannedSteps = (plan: Plan | undefined): readonly PlannedStep[] =>
  phases.flatMap((phase) => lanesOf(plan, phase).flat())

export interface Refusal {
  readonly kind: 'refuse'
  readonly code: RefusalCode
  /** What is so. */
  readonly reason: string
  /** What to do about it. */
  readonly remedy: string
  /** The reason says itself which region it is about. */
  readonly namesRegion?: true
  /** An instance that a lost attempt has left stopped: the post step starts it. */
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
    `Family ${family} resolves to ${current ? label(current) : 'nothing'}, not to ${expected} as \`expected-image-id\` says.`,
    'Check which image is current now, then start a new workflow run.',
  )

export const isRefusal = (value: object): value is Refusal => 'kind' in value && value.kind === 'refuse'
