/** What the user asks for: the inputs after all checks, in the words of the domain. One variant per mode. */

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

interface CommonOptions {
  /** The home region. */
  readonly region: string
  /** The other regions of the family. */
  readonly replicas: readonly string[]
  readonly run: Run
  readonly dryRun: boolean
}

export interface BakeRequest extends CommonOptions, ReleaseOptions {
  readonly mode: 'bake'
  readonly family: string
  readonly source: Source
  /** Undefined: the name is made of family and run. */
  readonly imageName: string | undefined
  readonly imageVersion: string | undefined
  readonly description: string
  /** Passed to CreateImage as they are. */
  readonly platform: string | undefined
  readonly architecture: string | undefined
  readonly bootMode: string | undefined
  readonly detectionStrategy: string | undefined
  readonly imdsSupport: string | undefined
  /** The action's own tags and the user's. */
  readonly tags: Tags
  readonly stopInstance: 'no' | 'orderly' | 'by-force'
  readonly wait: boolean
  /** Takes back the shares of images that `keep` deletes. */
  readonly unshare: boolean
}

/** How copies are made, who the images are shared with, and how many the family keeps. */
interface ReleaseOptions {
  /** Undefined: the default group. */
  readonly resourceGroupId: string | undefined
  /** ID of the key that encrypts a copy, by region. */
  readonly copyKmsKeyIds: Readonly<Record<string, string>>
  /** Account IDs. */
  readonly shareWith: readonly string[]
  /** How many images to keep in the family; undefined: nothing is deleted. */
  readonly keep: number | undefined
}

/** How images are withdrawn. */
interface WithdrawalOptions {
  readonly expectedImage: string | undefined
  readonly unshare: boolean
  readonly quarantineFamily: string | undefined
  readonly reason: string | undefined
}

interface Conditions {
  readonly requireTags: Tags
  readonly maxAgeDays: number | undefined
}

export interface PromoteRequest extends CommonOptions, WithdrawalOptions, Conditions, ReleaseOptions {
  readonly mode: 'promote'
  readonly family: string
  /** At least one of the two is set. */
  readonly image: string | undefined
  readonly fromFamily: string | undefined
  readonly deprecateNewer: boolean
  /** Put on the promoted image and its copies. */
  readonly tags: Tags
  /** The action's own tags on a copy, apart from its origin. */
  readonly copyTags: Tags
}

export interface RollbackRequest extends CommonOptions, WithdrawalOptions {
  readonly mode: 'rollback'
  readonly family: string
  readonly toImage: string | undefined
  readonly allowEmpty: boolean
  readonly withdrawPending: boolean
  /** Account IDs. */
  readonly shareWith: readonly string[]
}

export interface ResolveRequest extends CommonOptions, Conditions {
  readonly mode: 'resolve'
  readonly subject:
    | { readonly kind: 'family'; readonly family: string }
    | { readonly kind: 'image'; readonly image: string }
  readonly ifMissing: 'error' | 'ignore'
}

/** Requests whose decisions are recorded in tags. */
export type RecordedRequest = PromoteRequest | RollbackRequest

export type Request = BakeRequest | PromoteRequest | RollbackRequest | ResolveRequest

/** The family that the request is about; undefined if the request asks which family an image belongs to. */
export const familyOf = (request: Request): string | undefined => {
  if (request.mode !== 'resolve') return request.family
  return request.subject.kind === 'family' ? request.subject.family : undefined
}

/** Home first. */
export const regionsOf = ({
  region,
  replicas,
}: Pick<CommonOptions, 'region' | 'replicas'>): readonly [home: string, ...replicas: string[]] => [region, ...replicas]

export type Mode = Request['mode']
export const modes = ['bake', 'promote', 'rollback', 'resolve'] as const satisfies readonly Mode[]
