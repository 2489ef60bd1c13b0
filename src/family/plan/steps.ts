/** The steps of a plan, and the traits of each kind of step. */

import type { BakeRequest } from '../model/request.ts'
import type { Tags } from '../model/tags.ts'

/** Stands for an image that a step of the plan creates: it has no ID yet. */
export type Placeholder = `<${string}>`
export const newImagePlaceholder: Placeholder = '<new image>'
export const copyPlaceholder = (region: string): Placeholder => `<copy in ${region}>`
export type ImageRef = string | Placeholder
export const isPlaceholder = (image: ImageRef): image is Placeholder => image.startsWith('<')

export type Step =
  | {
      readonly action: 'create'
      readonly region: string
      readonly image: Placeholder
      readonly create: CreateSpec
      /** ID of the instance that must be stopped directly before ECS is asked for the image. */
      readonly stoppedInstance?: string
    }
  | {
      readonly action: 'copy'
      readonly region: string
      readonly image: Placeholder
      readonly copy: CopySpec
    }
  /** Waits until the image is available and, with `family`, seen in that family. */
  | {
      readonly action: 'await'
      readonly region: string
      readonly image: ImageRef
      readonly family?: string
      /** It is no error if the image fails to be created: then it cannot become current. */
      readonly mayFail?: true
    }
  | { readonly action: 'stop' | 'start'; readonly region: string; readonly instance: string; readonly force?: boolean }
  | { readonly action: 'rename'; readonly region: string; readonly image: string; readonly name: string }
  /** Writes tags and reads them back. */
  | {
      readonly action: 'tag'
      readonly region: string
      readonly resource: 'image' | 'instance'
      readonly ids: readonly ImageRef[]
      readonly tags: Tags
    }
  | {
      readonly action: 'untag'
      readonly region: string
      readonly resource: 'image' | 'instance'
      readonly ids: readonly string[]
      readonly keys: readonly string[]
    }
  /** Checks the current image at the last moment before the first visible change. */
  | { readonly action: 'confirm'; readonly region: string; readonly family: string; readonly image: string }
  | { readonly action: 'join-family'; readonly region: string; readonly image: ImageRef; readonly family: string }
  | { readonly action: 'restore'; readonly region: string; readonly image: string }
  | {
      readonly action: 'share' | 'unshare'
      readonly region: string
      readonly image: ImageRef
      readonly accounts: readonly string[]
    }
  | { readonly action: 'deprecate'; readonly region: string; readonly image: string }
  | { readonly action: 'quarantine'; readonly region: string; readonly image: string; readonly family: string }
  | Deletion
  /** `claim-snapshots` records on each snapshot that this run deletes it, and reads that back. */
  | {
      readonly action: 'claim-snapshots' | 'delete-snapshots'
      readonly region: string
      readonly snapshots: readonly string[]
      /** Key of the run that deletes. */
      readonly run: string
    }

export type Action = Step['action']

interface Traits {
  /** `write` is a request that changes something, `create` is one that creates an image, `look` only reads. */
  readonly kind: 'look' | 'write' | 'create'
  /** Changes something other than the action's own tags. */
  readonly visible: boolean
  /** May change what a family resolves to. */
  readonly switches: boolean
  /** Withdraws an image: it can no longer be current. */
  readonly withdraws: boolean
  /** ECS's own DryRun can be asked in advance whether it would carry out the step. */
  readonly dryRun: boolean
}

const lookTraits = { kind: 'look', visible: false, switches: false, withdraws: false, dryRun: false } as const
const writeTraits = { kind: 'write', visible: true, switches: false, withdraws: false, dryRun: false } as const
const createTraits = { ...writeTraits, kind: 'create' } as const

/** The traits of each kind of step. A new kind does not compile without its row. */
export const traits = {
  create: { ...createTraits, dryRun: true },
  copy: createTraits,
  await: lookTraits,
  confirm: lookTraits,
  stop: writeTraits,
  start: writeTraits,
  rename: writeTraits,
  tag: writeTraits,
  untag: { ...writeTraits, visible: false },
  'join-family': { ...writeTraits, switches: true, dryRun: true },
  restore: { ...writeTraits, switches: true, dryRun: true },
  share: { ...writeTraits, dryRun: true },
  unshare: { ...writeTraits, dryRun: true },
  deprecate: { ...writeTraits, switches: true, withdraws: true, dryRun: true },
  quarantine: { ...writeTraits, switches: true, withdraws: true, dryRun: true },
  delete: writeTraits,
  'claim-snapshots': { ...writeTraits, visible: false },
  'delete-snapshots': writeTraits,
} as const satisfies Readonly<Record<Action, Traits>>

type ActionOfKind<K extends Traits['kind']> = {
  [A in Action]: (typeof traits)[A]['kind'] extends K ? A : never
}[Action]

/** Steps that ECS's own DryRun can be asked about in advance. */
export type DryRunStep = Extract<
  Step,
  { action: { [A in Action]: (typeof traits)[A]['dryRun'] extends true ? A : never }[Action] }
>

export const hasDryRun = (step: Step): step is DryRunStep => traits[step.action].dryRun

/** Steps of one kind: `StepOfKind<'write'>`. */
export type StepOfKind<K extends Traits['kind']> = Extract<Step, { action: ActionOfKind<K> }>

/** Deletes an image beyond `keep` after a last look at it, and the snapshots that ECS created for it. */
export interface Deletion {
  readonly action: 'delete'
  readonly region: string
  readonly image: string
  readonly family: string
  /** Accounts whose shares are taken back first. */
  readonly accounts: readonly string[]
  /** Snapshots that are deleted with the image. */
  readonly snapshots: readonly string[]
  /** The decision tag on the image when the step was planned. If it has changed, the image is kept, unless this run changed it. */
  readonly decision: string | undefined
  /** Key of the run that deletes. */
  readonly run: string
}

/** What is sent to CreateImage: a function of inputs and run alone. */
export interface CreateSpec
  extends Pick<
    BakeRequest,
    | 'source'
    | 'imageVersion'
    | 'description'
    | 'platform'
    | 'architecture'
    | 'bootMode'
    | 'detectionStrategy'
    | 'imdsSupport'
    | 'resourceGroupId'
    | 'tags'
    | 'run'
  > {
  /** Undefined: the image joins its family later, together with its copies. */
  readonly family: string | undefined
  readonly name: string
  /** How many images of this run ECS has failed to create. */
  readonly generation: number
}

/** What is sent to CopyImage, apart from the target region. */
export interface CopySpec extends Pick<BakeRequest, 'run' | 'tags' | 'resourceGroupId'> {
  readonly from: { readonly region: string; readonly image: ImageRef }
  readonly name: string
  readonly description: string | undefined
  readonly kmsKeyId: string | undefined
  /** How many copies of this run ECS has failed to create there. */
  readonly generation: number
}

/** What the step works on: an ID, or the placeholder of an image that is still to be created. */
export function stepTarget(step: Step): string {
  switch (step.action) {
    case 'stop':
    case 'start':
      return step.instance
    case 'tag':
    case 'untag':
      return step.ids.join(',')
    case 'claim-snapshots':
    case 'delete-snapshots':
      return step.snapshots.join(',')
    case 'confirm':
      return step.family
    default:
      return step.image
  }
}

/** Whether the step changes something other than the action's own tags. */
export const isVisible = (step: Step): boolean =>
  step.action === 'tag'
    ? !Object.keys(step.tags).some((key) => key.startsWith('image-family:'))
    : traits[step.action].visible

export const switchesFamily = ({ action }: Step): boolean => traits[action].switches
