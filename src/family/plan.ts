/** A plan is data: what is to be done, in order, and what every family must resolve to afterwards. */
import { type FamilyRef, type Image, label, type Tags } from './image.ts'
import { tag } from './mark.ts'
import { type BakeRequest, describeSource } from './request.ts'

/** An image that a step of the plan makes; it has no ID yet. */
export type Made = `<${string}>`
export const newImage: Made = '<new image>'
export const copyIn = (region: string): Made => `<copy in ${region}>`
export type ImageRef = string | Made
export const isMade = (image: ImageRef): image is Made => image.startsWith('<')

export type Step =
  | {
      readonly action: 'create'
      readonly region: string
      readonly image: Made
      readonly create: Creation
      readonly room?: Room
    }
  | {
      readonly action: 'copy'
      readonly region: string
      readonly image: Made
      readonly copy: Copying
      readonly room?: Room
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
  | {
      readonly action: 'join-family'
      readonly region: string
      readonly image: ImageRef
      readonly family: string
      readonly room?: Room
    }
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

/** What is done first where ECS answers that there is no room for another image: deletions. */
export type Room = readonly Step[]

/** What CreateImage is sent: a function of inputs and run alone. */
export interface Creation
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
export interface Copying extends Pick<BakeRequest, 'run' | 'tags' | 'resourceGroupId'> {
  readonly from: { readonly region: string; readonly image: ImageRef }
  readonly name: string
  readonly description: string | undefined
  readonly kmsKeyId: string | undefined
  /** How many copies of this run ECS has failed to make there. */
  readonly generation: number
}

export interface Expectation extends FamilyRef {
  /** Undefined: the family is to resolve to nothing. */
  readonly image: ImageRef | undefined
  /** Images that must be out of the contest. */
  readonly withdrawn: readonly string[]
}

export interface Notice {
  readonly level: 'notice' | 'warning' | 'error'
  readonly text: string
  /** It is about what is made first: the plan made anew after that knows nothing of it. */
  readonly lasting?: true
}

/**
 * What a plan does one after the other, each in all regions side by side: images are made, then copied; the decision is
 * noted; what is expected is confirmed at the last moment; what changes no answer yet is done; the families are switched; and, after ECS has confirmed what was expected,
 * the decision is settled and what is too many deleted.
 */
export const phases = ['make', 'copy', 'note', 'confirm', 'ready', 'switch', 'settle', 'prune'] as const
export type Phase = (typeof phases)[number]

/** Why an image of the family is deleted or stays, for people. */
export interface Fate {
  readonly image: Image
  readonly goes: boolean
  readonly because: string
}

/** What a run settles in one region, apart from how: the outputs are made of it. */
export interface Settlement {
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
  readonly serves?: Image | undefined
  /** Images whose instances are listed at the end. */
  readonly affects?: readonly string[]
  /** What becomes of the images of the family under `keep`. */
  readonly fates?: readonly Fate[]
}

export type RegionPlan = Settlement & { readonly region: string } & (
    | {
        readonly kind: 'change'
        readonly does: Partial<Readonly<Record<Phase, readonly Step[]>>>
        /** Undefined when nothing can be expected yet (an image that is not waited for). */
        readonly expect: Expectation | undefined
        /** Why nothing is done apart from sharing and deleting. */
        readonly because?: string
      }
    | {
        readonly kind: 'nothing'
        /** Why there is nothing to do. */
        readonly because: string
      }
  )

/** What is planned for one region. */
export type Branch = RegionPlan | Refusal

export type Plan =
  /** Of every region, home first. */
  { readonly kind: 'change' | 'nothing'; readonly regions: readonly [RegionPlan, ...RegionPlan[]] } | Refusal

/** One lane of steps a region that has any, for one phase. */
export const lanesOf = (plan: Plan | undefined, phase: Phase): readonly (readonly Step[])[] =>
  plan === undefined || plan.kind === 'refuse'
    ? []
    : plan.regions
        .map((region) => (region.kind === 'change' ? (region.does[phase] ?? []) : []))
        .filter(({ length }) => length > 0)

/** Steps by which an image comes in, or is shared before it does. */
export const entersIn = (branch: RegionPlan): readonly Step[] =>
  branch.kind === 'nothing'
    ? []
    : [...(branch.does.ready ?? []), ...(branch.does.switch ?? [])].filter(({ action }) =>
        ['join-family', 'restore', 'share'].includes(action),
      )

/** All steps, phase by phase; none where nothing is to be done. */
export const stepsOf = (plan: Plan | undefined): readonly Step[] =>
  phases.flatMap((phase) => lanesOf(plan, phase).flat())

export interface Refusal {
  readonly kind: 'refuse'
  readonly code: RefusalCode
  /** What is so. */
  readonly because: string
  /** What to do about it. */
  readonly todo: string
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

export const refuse = (code: RefusalCode, because: string, todo: string): Refusal => ({
  kind: 'refuse',
  code,
  because,
  todo,
})

export const notExpected = (family: string, current: Image | undefined, expected: string): Refusal =>
  refuse(
    'not-expected',
    `Family ${family} resolves to ${current ? label(current) : 'nothing'}, not to ${expected} as \`expected-image-id\` says.`,
    'Nothing was changed. Look at what is current now, then decide anew.',
  )

export const isRefusal = (value: object): value is Refusal => 'kind' in value && value.kind === 'refuse'

/** What the step works on: an ID, or the label of an image still to be made. */
export function targetOf(step: Step): string {
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
export function describe(step: Step): string {
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
      return `delete ${step.image}${withIt(step)}`
  }
}

const countAccounts = (accounts: readonly string[]): string =>
  `${accounts.length} account${accounts.length === 1 ? '' : 's'} (${accounts.join(', ')})`

function withIt({ snapshots, accounts }: Deletion): string {
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

/** Steps that change something which is not the action's own record. */
export const isVisible = (step: Step): boolean =>
  step.action === 'tag'
    ? !Object.keys(step.tags).some((key) => key.startsWith('image-family:'))
    : !['await', 'confirm', 'untag'].includes(step.action)

/** Steps that may change what a family resolves to, as soon as they are done. */
export const isSwitch = ({ action }: Step): boolean =>
  ['join-family', 'restore', 'deprecate', 'quarantine'].includes(action)
