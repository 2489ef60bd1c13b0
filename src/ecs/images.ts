/** Images and families: requests that read and change them. */

import type { BeforeRequest } from '../engine/ports.ts'
import type { Image, ImageStatus } from '../family/model/image.ts'
import { imageStatuses } from '../family/model/image.ts'
import { clientTokenOf } from '../family/model/run.ts'
import type { CopySpec, CreateSpec } from '../family/plan/steps.ts'
import type { EcsClient } from './client.ts'
import { EcsError, isCode } from './errors.ts'
import { type DescribedTags, tagList, toTags } from './tags.ts'

/** What the two APIs that describe images have in common; the fields are as the SDK names them. */
interface Described {
  readonly imageId?: string
  readonly imageName?: string
  readonly imageFamily?: string
  readonly imageVersion?: string
  readonly description?: string
  readonly status?: string
  readonly creationTime?: string
  readonly progress?: string
  readonly usable?: boolean
  readonly imageOwnerAlias?: string
  readonly architecture?: string
  readonly OSName?: string
  readonly isCopied?: boolean
  readonly diskDeviceMappings?: {
    readonly diskDeviceMapping?: readonly { readonly snapshotId?: string }[]
  }
  readonly tags?: DescribedTags
}

/** `87%`, `87` or nothing usable, depending on the API. */
const percent = (progress: string | undefined): number | undefined => {
  const match = /^(\d+)%?$/.exec(progress ?? '')
  return match ? Number(match[1]) : undefined
}

/** A data disk that was created empty has none. */
function snapshotsOf({ diskDeviceMappings }: Described): readonly string[] {
  const ids = (diskDeviceMappings?.diskDeviceMapping ?? []).map(({ snapshotId = '' }) => snapshotId)
  return [...new Set(ids)].filter((id) => id !== '')
}

/** Undefined for an answer without an image, which ECS expresses in several ways. */
export function toImage(described: Described | undefined, region: string): Image | undefined {
  if (!described?.imageId) return undefined
  return {
    id: described.imageId,
    region,
    name: described.imageName ?? '',
    family: described.imageFamily ?? '',
    version: described.imageVersion ?? '',
    description: described.description ?? '',
    // A status that ECS may add one day is neither available nor failed.
    status: imageStatuses.find((status) => status === described.status) ?? ('Waiting' satisfies ImageStatus),
    creationTime: described.creationTime ?? '',
    progress: percent(described.progress),
    usable: described.usable,
    ownerAlias: described.imageOwnerAlias ?? '',
    architecture: described.architecture ?? '',
    osName: described.OSName ?? '',
    isCopied: described.isCopied ?? false,
    snapshots: snapshotsOf(described),
    tags: toTags(described.tags),
  }
}

/** Without it DescribeImages lists available images only. */
const everyStatus = imageStatuses.join(',')
const imagesPerPage = 100

export interface Filter {
  readonly imageId?: string
  readonly imageFamily?: string
  readonly imageName?: string
  readonly imageOwnerAlias?: string
  /** Community images. */
  readonly isPublic?: boolean
  readonly status?: string
  /** `instance`: only images that instances use. */
  readonly usage?: 'instance'
  readonly tag?: { key: string; value: string }[]
}

export async function describeImages(client: EcsClient, region: string, filter: Filter): Promise<readonly Image[]> {
  const images = new Map<string, Image>()
  for (let pageNumber = 1; ; pageNumber++) {
    const body = await client.call('DescribeImages', region, {
      status: everyStatus,
      ...filter,
      regionId: region,
      pageNumber,
      pageSize: imagesPerPage,
    })
    const page = body.images?.image ?? []
    // An image that moves from one page to the next would be listed twice.
    for (const image of page.map((described) => toImage(described, region))) if (image) images.set(image.id, image)
    if (page.length === 0 || pageNumber * imagesPerPage >= (body.totalCount ?? 0)) return [...images.values()]
  }
}

export async function describeCurrent(
  client: EcsClient,
  { region, family }: { region: string; family: string },
): Promise<Image | undefined> {
  const body = await client.call('DescribeImageFromFamily', region, { regionId: region, imageFamily: family })
  return toImage(body.image, region)
}

/** A function of inputs and run alone, so that a repeated request is the same request. */
function creationRequest(region: string, create: CreateSpec) {
  const { source } = create
  const optional = {
    imageFamily: create.family,
    imageVersion: create.imageVersion,
    platform: create.platform,
    architecture: create.architecture,
    bootMode: create.bootMode,
    detectionStrategy: create.detectionStrategy,
    resourceGroupId: create.resourceGroupId,
    features: create.imdsSupport === undefined ? undefined : { imdsSupport: create.imdsSupport },
    instanceId: source.kind === 'instance' ? source.instance : undefined,
    snapshotId: source.kind === 'snapshot' ? source.snapshot : undefined,
    diskDeviceMapping: source.kind === 'disks' ? source.disks.map((disk) => ({ ...disk })) : undefined,
  }
  return {
    regionId: region,
    imageName: create.name,
    description: create.description,
    tag: tagList(create.tags),
    ...defined(optional),
  }
}

export async function createImage(
  client: EcsClient,
  region: string,
  { create, renewal, beforeEach }: { create: CreateSpec; renewal: number; beforeEach: BeforeRequest | undefined },
): Promise<string> {
  const clientToken = clientTokenOf(create.run, create.generation, renewal)
  const request = { ...creationRequest(region, create), clientToken }
  const body = await client.call('CreateImage', region, request, { beforeEach })
  return createdImageId(body, { operation: 'CreateImage', region })
}

/**
 * Asks for the same image with ECS's DryRun. Without the ClientToken: ECS does not document whether a dry run uses it up.
 * @throws EcsError always, if ECS does as it documents: a dry run never succeeds
 */
export async function dryRunCreateImage(
  client: EcsClient,
  region: string,
  { create, once }: { create: CreateSpec; once: boolean },
): Promise<void> {
  await client.call('CreateImage', region, { ...creationRequest(region, create), dryRun: true }, { once })
}

/** The request goes to the region of the source. @param region of the copy */
export async function copyImage(
  client: EcsClient,
  region: string,
  { copy, renewal }: { copy: CopySpec; renewal: number },
): Promise<string> {
  const { from, kmsKeyId } = copy
  const optional = {
    destinationDescription: copy.description,
    resourceGroupId: copy.resourceGroupId,
    encrypted: kmsKeyId === undefined ? undefined : true,
    KMSKeyId: kmsKeyId,
  }
  const body = await client.call('CopyImage', from.region, {
    regionId: from.region,
    imageId: from.image,
    destinationRegionId: region,
    destinationImageName: copy.name,
    tag: tagList(copy.tags),
    clientToken: clientTokenOf(copy.run, copy.generation, renewal, region),
    ...defined(optional),
  })
  return createdImageId(body, { operation: 'CopyImage', region: from.region })
}

/** The ID of the image that ECS has begun to create. */
function createdImageId(
  { imageId, requestId }: { readonly imageId?: string; readonly requestId?: string },
  { operation, region }: { operation: string; region: string },
): string {
  if (imageId) return imageId
  throw new EcsError({
    operation,
    region,
    reason: 'the response has no image ID',
    requestId,
    remedy: 'Run this step again: it picks up an image that was created.',
  })
}

/** Without the fields that are undefined. */
const defined = <T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }

export interface ImageAttributes {
  readonly imageName?: string
  readonly imageFamily?: string
  readonly status?: 'Available' | 'Deprecated'
}

/** ECS calls it an error to deprecate a deprecated image, or to restore an available one. */
const alreadyChanged: Readonly<Record<string, ImageStatus>> = {
  'ImageStatus.NotAvailable': 'Deprecated',
  'ImageStatus.NotDeprecated': 'Available',
}

/** @param hasStatus whether reads show this status, given the time that they may lag */
export async function modifyImage(
  client: EcsClient,
  region: string,
  {
    image,
    change,
    hasStatus,
  }: { image: string; change: ImageAttributes; hasStatus: (status: ImageStatus) => Promise<boolean> },
): Promise<void> {
  try {
    await client.call('ModifyImageAttribute', region, { regionId: region, imageId: image, ...change })
  } catch (error) {
    const status = isCode(error, ...Object.keys(alreadyChanged)) ? alreadyChanged[error.ecsCode ?? ''] : undefined
    if (status === undefined || status !== change.status || !(await hasStatus(status))) throw error
  }
}
