/** What a plan can do, one step at a time, and what holds for each kind of step. */

import { type BakeRequest, describeSource } from '../model/request.ts'
import { type Tags, tag } from '../model/tags.ts'

/** An image that a step of the plan makes; it has no ID yet. */
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
    }
  | {
      readonly action: 'copy'
      readonly region: string
      readonly image: Placeholder
      readonly copy: CopySpec
    }
  /** Waits until the image is available, and (with `family`) seen in its family. */
  | {
      readonly action: 'await'
      readonly region: string
      readonly image: ImageRef
      readonly family?: string
      /** An image that fails to be created is no fault: it can no longer become current. */
      readonly mayFail?: true
    }
  | { readonly action: 'stop' | 'start'; readonly region: string; readonly instance: string; readonly force?: boolean }
  | { readonly action: 'rename'; readonly region: string; readonly image: string; readonly name: string }
  /** Puts tags on and reads them back. */
  | {
      readonly action: 'tag'
      readonly region: string
      readonly resource: 'image' | 'instance' | 'snapshot'
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
  /** Compares what the family resolves to at the last moment before the first visible change. */
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
  | { readonly action: 'delete-snapshots'; readonly region: string; readonly snapshots: readonly string[] }

export type Action = Step['action']

interface Traits {
  /** Who carries it out: `write` is a request that changes something, `create` one that makes an image, `look` only reads. */
  readonly kind: 'look' | 'write' | 'create'
  /** Changes more than the action's own records. */
  readonly visible: boolean
  /** May change what a family resolves to, as soon as it is done. */
  readonly switches: boolean
  /** Takes an image out of its family's order: it can no longer be current. */
  readonly withdraws: boolean
  /** ECS can be asked beforehand, with its own DryRun, whether it would carry the step out. */
  readonly dryRun: boolean
}

const look = { kind: 'look', visible: false, switches: false, withdraws: false, dryRun: false } as const
const write = { kind: 'write', visible: true, switches: false, withdraws: false, dryRun: false } as const
const create = { ...write, kind: 'create' } as const

/** What holds for each kind of step. A new kind does not compile without its row. */
export const traits = {
  create: create,
  copy: create,
  await: look,
  confirm: look,
  stop: write,
  start: write,
  rename: write,
  tag: write,
  untag: { ...write, visible: false },
  'join-family': { ...write, switches: true, dryRun: true },
  restore: { ...write, switches: true, dryRun: true },
  share: { ...write, dryRun: true },
  unshare: { ...write, dryRun: true },
  deprecate: { ...write, switches: true, withdraws: true, dryRun: true },
  quarantine: { ...write, switches: true, withdraws: true, dryRun: true },
  delete: write,
  'delete-snapshots': write,
} as const satisfies Readonly<Record<Action, Traits>>

type ActionOfKind<K extends Traits['kind']> = {
  [A in Action]: (typeof traits)[A]['kind'] extends K ? A : never
}[Action]

/** Steps of one kind: `StepOfKind<'write'>`. */
export type StepOfKind<K extends Traits['kind']> = Extract<Step, { action: ActionOfKind<K> }>

/** Deletes an image that is too many, after a last look at it, with the snapshots that ECS made for it. */
export interface Deletion {
  readonly action: 'delete'
  readonly region: string
  readonly image: string
  readonly family: string
  /** Accounts whose shares are taken back first. */
  readonly accounts: readonly string[]
  /** Snapshots that go with the image. */
  readonly snapshots: readonly string[]
  /** The decision noted on it; another one by then, and it stays, unless it is of this run. */
  readonly decision: string | undefined
  /** Key of the run that deletes. */
  readonly run: string
}

/** What CreateImage is sent: a function of inputs and run alone. */
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

/** What CopyImage is sent, apart from the target region. */
export interface CopySpec extends Pick<BakeRequest, 'run' | 'tags' | 'resourceGroupId'> {
  readonly from: { readonly region: string; readonly image: ImageRef }
  readonly name: string
  readonly description: string | undefined
  readonly kmsKeyId: string | undefined
  /** How many copies of this run ECS has failed to make there. */
  readonly generation: number
}

/** What the step works on: an ID, or the label of an image still to be made. */
export function stepTarget(step: Step): string {
  switch (step.action) {
    case 'stop':
    case 'start':
      return step.instance
    case 'tag':
    case 'untag':
      return step.ids.join(',')
    case 'delete-snapshots':
      return step.snapshots.join(',')
    case 'confirm':
      return step.family
    default:
      return step.image
  }
}

/** One sentence without its full stop, for people. */
export function describeStep(step: Step): string {
  switch (step.action) {
    case 'create': {
      const { name, family, source } = step.create
      return `create image ${name} ${family === undefined ? 'outside of its family' : `in family ${family}`} from ${describeSource(source)}`
    }
    case 'copy':
      return `copy ${step.copy.from.image} from ${step.copy.from.region} to ${step.region} as ${step.copy.name}`
    case 'await':
      return `wait until ${step.image} is available${step.family === undefined ? '' : ` in family ${step.family}`}`
    case 'stop':
      return `stop instance ${step.instance}${step.force ? ' by force' : ''}`
    case 'start':
      return `start instance ${step.instance}`
    case 'rename':
      return `rename failed image ${step.image} to ${step.name}`
    case 'tag':
      return describeTags(step)
    case 'untag':
      return `remove ${step.keys.join(', ')} from ${step.ids.join(', ')}`
    case 'confirm':
      return `make sure that ${step.family} still resolves to ${step.image}`
    case 'join-family':
      return `put ${step.image} into family ${step.family}`
    case 'restore':
      return `restore ${step.image}`
    case 'share':
      return `share ${step.image} with ${countAccounts(step.accounts)}`
    case 'unshare':
      return `stop sharing ${step.image} with ${countAccounts(step.accounts)}`
    case 'deprecate':
      return `deprecate ${step.image}`
    case 'quarantine':
      return `move ${step.image} into family ${step.family}`
    case 'delete-snapshots':
      return `delete ${step.snapshots.join(', ')}, left behind by an earlier attempt`
    case 'delete':
      return `delete ${step.image}${describeDeletionExtras(step)}`
  }
}

const countAccounts = (accounts: readonly string[]): string =>
  `${accounts.length} account${accounts.length === 1 ? '' : 's'} (${accounts.join(', ')})`

function describeDeletionExtras({ snapshots, accounts }: Deletion): string {
  const count = snapshots.length
  const things = [
    ...(count > 0 ? [`the ${count === 1 ? 'snapshot' : `${count} snapshots`} made for it`] : []),
    ...(accounts.length > 0 ? [`its shares with ${countAccounts(accounts)}`] : []),
  ]
  return things.length === 0 ? '' : ` with ${things.join(' and ')}`
}

/** The action's own notes are called what they are. */
function describeTags({ resource, ids, tags }: Extract<Step, { action: 'tag' }>): string {
  const on = ids.join(', ')
  const decision = tags[tag.decision]
  if (decision?.startsWith('done')) return `settle the decision on ${on}`
  if (decision !== undefined) return `note the decision${tag.reason in tags ? ' and its reason' : ''} on ${on}`
  if (resource === 'snapshot') return `note on ${on} that this run deletes ${ids.length === 1 ? 'it' : 'them'}`
  if (tag.stopped in tags) return `note on ${on} that this run stops it`
  return `tag ${on} with ${Object.keys(tags).join(', ')}`
}

/** Changes something that is not the action's own record. */
export const isVisible = (step: Step): boolean =>
  step.action === 'tag'
    ? !Object.keys(step.tags).some((key) => key.startsWith('image-family:'))
    : traits[step.action].visible

export const switchesFamily = ({ action }: Step): boolean => traits[action].switches
