/** What the user asks for, one variant a mode: the inputs after every check, in the words of the domain. */

import type { Run } from './run.ts'
import type { Tags } from './tags.ts'

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
  /** The home region. */
  readonly region: string
  /** Other regions in which the family is kept. */
  readonly replicas: readonly string[]
  readonly run: Run
  readonly dryRun: boolean
}

export interface BakeRequest extends Common, Releasing {
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
  /** The action's own and the user's. */
  readonly tags: Tags
  readonly stopInstance: 'no' | 'orderly' | 'by-force'
  readonly wait: boolean
  /** Takes back the shares of images that `keep` deletes. */
  readonly unshare: boolean
}

/** How copies are made, and what is done with the image and its copies. */
interface Releasing {
  /** Undefined: the default group. */
  readonly resourceGroupId: string | undefined
  /** By region: the key that a copy there is encrypted with. */
  readonly copyKmsKeyIds: Readonly<Record<string, string>>
  /** Account IDs. */
  readonly shareWith: readonly string[]
  /** Images to keep in the family; undefined: nothing is deleted. */
  readonly keep: number | undefined
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

export interface PromoteRequest extends Common, Withdrawing, Conditions, Releasing {
  readonly mode: 'promote'
  readonly family: string
  /** At least one of the two is set. */
  readonly image: string | undefined
  readonly fromFamily: string | undefined
  readonly deprecateNewer: boolean
  /** Put on the promoted image and its copies. */
  readonly tags: Tags
  /** The action's own on a copy, apart from its origin. */
  readonly copyTags: Tags
}

export interface RollbackRequest extends Common, Withdrawing {
  readonly mode: 'rollback'
  readonly family: string
  readonly toImage: string | undefined
  readonly allowEmpty: boolean
  readonly withdrawPending: boolean
  /** Account IDs. */
  readonly shareWith: readonly string[]
}

export interface ResolveRequest extends Common, Conditions {
  readonly mode: 'resolve'
  readonly of: { readonly kind: 'family'; readonly family: string } | { readonly kind: 'image'; readonly image: string }
  readonly ifMissing: 'error' | 'ignore'
}

/** Requests whose decisions are recorded in tags. */
export type RecordedRequest = PromoteRequest | RollbackRequest

export type Request = BakeRequest | PromoteRequest | RollbackRequest | ResolveRequest

/** The family that the request is about; undefined where that is the question. */
export const familyOf = (request: Request): string | undefined => {
  if (request.mode !== 'resolve') return request.family
  return request.of.kind === 'family' ? request.of.family : undefined
}

/** Home first. */
export const regionsOf = ({
  region,
  replicas,
}: Pick<Common, 'region' | 'replicas'>): readonly [home: string, ...replicas: string[]] => [region, ...replicas]

export type Mode = Request['mode']
export const modes = ['bake', 'promote', 'rollback', 'resolve'] as const satisfies readonly Mode[]
