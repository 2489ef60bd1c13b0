/** Tags on images, instances and snapshots: written, then read back before anything relies on them. */

import { consistencyIntervals } from '../engine/clock.ts'
import { splitIntoParts } from '../family/model/parts.ts'
import type { Tags } from '../family/model/tags.ts'
import type { EcsClient } from './client.ts'
import { EcsError } from './errors.ts'

const idsPerRequest = 50

/** The tags in ECS's answers. */
export interface DescribedTags {
  readonly tag?: readonly { readonly tagKey?: string; readonly tagValue?: string }[]
}

export const toTags = (tags: DescribedTags | undefined): Tags =>
  Object.fromEntries((tags?.tag ?? []).map(({ tagKey = '', tagValue = '' }) => [tagKey, tagValue]))

/** The tags in requests. */
export const tagList = (tags: Tags): { key: string; value: string }[] =>
  Object.entries(tags).map(([key, value]) => ({ key, value }))

export interface Tagged {
  readonly resource: 'image' | 'instance' | 'snapshot'
  readonly ids: readonly string[]
}

export async function tagResources(
  client: EcsClient,
  region: string,
  { resource, ids, tags }: Tagged & { tags: Tags },
): Promise<void> {
  const tag = tagList(tags)
  for (const resourceId of splitIntoParts(ids, idsPerRequest)) {
    await client.call('TagResources', region, { regionId: region, resourceType: resource, resourceId, tag })
    await confirmTags(client, region, { resource, ids: resourceId, tagsOf: () => tags })
  }
}

/** Waits until ECS shows the tags that were written. */
export async function confirmTags(
  client: EcsClient,
  region: string,
  { resource, ids, tagsOf }: Tagged & { readonly tagsOf: (id: string) => Tags },
): Promise<void> {
  const look = () => listTags(client, region, { resource, ids })
  const isSeen = (seen: ReadonlyMap<string, Tags>) =>
    ids.every((id) => Object.entries(tagsOf(id)).every(([key, value]) => seen.get(id)?.[key] === value))
  if (!isSeen(await client.clock.poll(look, isSeen, consistencyIntervals))) throw notReadBack(region, ids)
}

const notReadBack = (region: string, ids: readonly string[]): EcsError =>
  new EcsError({
    operation: 'TagResources',
    region,
    reason: `ECS does not show the tags written on ${ids.join(', ')}: somebody may have overwritten them or deleted the resource`,
    remedy: 'Check what else changes these resources, then run this step again.',
  })

export async function untagResources(
  client: EcsClient,
  region: string,
  { resource, ids, keys }: Tagged & { keys: readonly string[] },
): Promise<void> {
  for (const resourceId of splitIntoParts(ids, idsPerRequest)) {
    await client.call('UntagResources', region, {
      regionId: region,
      resourceType: resource,
      resourceId,
      tagKey: [...keys],
    })
  }
}

export async function listTags(
  client: EcsClient,
  region: string,
  { resource, ids }: Tagged,
): Promise<ReadonlyMap<string, Tags>> {
  const tags = new Map<string, Tags>()
  for (const resourceId of splitIntoParts(ids, idsPerRequest)) {
    let nextToken: string | undefined
    do {
      const body = await client.call('ListTagResources', region, {
        regionId: region,
        resourceType: resource,
        resourceId,
        ...(nextToken ? { nextToken } : {}),
      })
      for (const { resourceId: id = '', tagKey = '', tagValue = '' } of body.tagResources?.tagResource ?? []) {
        tags.set(id, { ...tags.get(id), [tagKey]: tagValue })
      }
      nextToken = body.nextToken
    } while (nextToken)
  }
  return tags
}
