/** What the user asks for, one variant a mode: the inputs after every check, in the words of the domain. */
import type { Tags } from './image.ts'
import type { Run } from './run-key.ts'

export interface DiskDeviceMapping {
  readonly snapshotId?: string
  readonly diskType?: 'system' | 'data'
  readonly device?: string
  /** GiB */
  readonly size?: number
}

export type Source =
  | { readonly kind: 'instance'; readonly instance: string }
  | { readonly kind: 'snapshot'; readonly snapshot: string }
  | { readonly kind: 'disks'; readonly disks: readonly DiskDeviceMapping[] }

export function describeSource(source: Source): string {
  switch (source.kind) {
    case 'instance':
      return `instance ${source.instance}`
    case 'snapshot':
      return `snapshot ${source.snapshot}`
    case 'disks':
      return `${source.disks.length} disk${source.disks.length === 1 ? '' : 's'}`
  }
}

interface Common {
  readonly region: string
  readonly run: Run
  readonly dryRun: boolean
}

export interface BakeRequest extends Common {
  readonly mode: 'bake'
  readonly family: string
  readonly source: Source
  /** Undefined: a name is made from family and run. */
  readonly imageName: string | undefined
  readonly imageVersion: string | undefined
  readonly description: string
  /** Passed to CreateImage as they are. */
  readonly platform: string | undefined
  readonly architecture: string | undefined
  readonly bootMode: string | undefined
  readonly detectionStrategy: string | undefined
  readonly imdsSupport: string | undefined
  readonly resourceGroupId: string | undefined
  /** The action's own and the user's. */
  readonly tags: Tags
  readonly stopInstance: 'no' | 'orderly' | 'by-force'
  readonly wait: boolean
}

/** How an image is taken out of the contest. */
interface Withdrawing {
  readonly expectedImage: string | undefined
  readonly unshare: boolean
  readonly quarantineFamily: string | undefined
  readonly reason: string | undefined
}

interface Conditions {
  readonly requireTags: Tags
  readonly maxAgeDays: number | undefined
}

export interface PromoteRequest extends Common, Withdrawing, Conditions {
  readonly mode: 'promote'
  readonly family: string
  /** At least one of the two is set. */
  readonly image: string | undefined
  readonly fromFamily: string | undefined
  readonly deprecateNewer: boolean
  /** Put on the promoted image. */
  readonly tags: Tags
}

export interface RollbackRequest extends Common, Withdrawing {
  readonly mode: 'rollback'
  readonly family: string
  readonly toImage: string | undefined
  readonly allowEmpty: boolean
  readonly withdrawPending: boolean
}

export interface ResolveRequest extends Common, Conditions {
  readonly mode: 'resolve'
  readonly of: { readonly kind: 'family'; readonly family: string } | { readonly kind: 'image'; readonly image: string }
  readonly ifMissing: 'error' | 'ignore'
}

export type Request = BakeRequest | PromoteRequest | RollbackRequest | ResolveRequest
/** The family that the request is about; undefined where that is the question. */
export const familyOf = (request: Request): string | undefined => {
  if (request.mode !== 'resolve') return request.family
  return request.of.kind === 'family' ? request.of.family : undefined
}

export type Mode = Request['mode']
export const modes: readonly Mode[] = ['bake', 'promote', 'rollback', 'resolve']
