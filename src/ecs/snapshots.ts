/**
 * Snapshots that are deleted with their image. They are claimed before the image is deleted, so that a later attempt can
 * find them. No snapshot is deleted unless its own tags, read directly before, say that this run deletes it.
 */

import { consistencyIntervals } from '../engine/clock.ts'
import { type Tags, tag } from '../family/model/tags.ts'
import type { EcsClient } from './client.ts'
import { EcsError, isCode, unlessGone } from './errors.ts'
import { confirmTags, type DescribedTags, listTags, tagList, toTags } from './tags.ts'

interface Claim {
  readonly snapshots: readonly string[]
  /** Key of the run that deletes them. */
  readonly run: string
}

/** They name the snapshot itself: backup tools copy tags to other snapshots, and people do. */
const claimTags = (snapshot: string, run: string): Tags => ({ [tag.run]: run, [tag.snapshot]: snapshot })

const isClaimed = (tags: Tags | undefined, snapshot: string, run: string): boolean =>
  Object.entries(claimTags(snapshot, run)).every(([key, value]) => tags?.[key] === value)

/** Sends requests side by side; an error is thrown only after all were tried. */
async function tryEach<T>(things: readonly T[], attempt: (thing: T) => Promise<unknown>): Promise<void> {
  const failed = (await Promise.allSettled(things.map(attempt))).find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
}

export async function claimSnapshots(client: EcsClient, region: string, { snapshots, run }: Claim): Promise<void> {
  const resource = 'snapshot'
  const tagsOf = (snapshot: string) => claimTags(snapshot, run)
  await tryEach(snapshots, (snapshot) =>
    client.call('TagResources', region, {
      regionId: region,
      resourceType: resource,
      resourceId: [snapshot],
      tag: tagList(tagsOf(snapshot)),
    }),
  )
  await confirmTags(client, region, { resource, ids: snapshots, tagsOf })
}

/** Those that the run has claimed, according to their tags. */
export async function findClaimed(
  client: EcsClient,
  region: string,
  { snapshots, run }: Claim,
): Promise<readonly string[]> {
  if (snapshots.length === 0) return []
  const tags = await listTags(client, region, { resource: 'snapshot', ids: snapshots })
  return snapshots.filter((id) => isClaimed(tags.get(id), id, run))
}

/**
 * Leaves snapshots that are gone or no longer claimed.
 * @param imageIsGone that ECS still counts a snapshot as used is then a late read; otherwise it is why it stays
 */
export async function deleteSnapshots(
  client: EcsClient,
  region: string,
  { snapshots, run, imageIsGone }: Claim & { readonly imageIsGone: boolean },
): Promise<void> {
  const claimed = await findClaimed(client, region, { snapshots, run })
  await tryEach(claimed, (snapshot) => deleteSnapshot(client, region, { snapshot, imageIsGone }))
}

/** Right after its image is deleted, ECS may still count the snapshot as used by it, for as long as reads lag. */
async function deleteSnapshot(
  client: EcsClient,
  region: string,
  { snapshot, imageIsGone }: { snapshot: string; imageIsGone: boolean },
): Promise<void> {
  const attempt = () => deleteUnused(client, region, snapshot)
  try {
    const isUsed = await client.clock.poll(attempt, (used) => !used, imageIsGone ? consistencyIntervals : 0)
    if (isUsed && imageIsGone) throw isUsed
  } catch (error) {
    // ECS's own message does not name the snapshot.
    throw error instanceof EcsError ? new EcsError({ ...error, reason: `${snapshot}: ${error.reason}` }) : error
  }
}

/** @returns ECS's error where an image uses it */
async function deleteUnused(client: EcsClient, region: string, snapshotId: string): Promise<EcsError | undefined> {
  const used = 'SnapshotCreatedImage'
  try {
    await unlessGone(
      'InvalidSnapshotId.NotFound',
      client.call('DeleteSnapshot', region, { snapshotId }, { handled: [used] }),
    )
    return undefined
  } catch (error) {
    if (isCode(error, used)) return error
    throw error
  }
}

/** Snapshots that this run meant to delete with their images, and that nothing uses now. */
export async function describeLeftovers(client: EcsClient, region: string, run: string): Promise<readonly string[]> {
  // Encrypted ones are listed only where the request asks for them.
  const kinds = await Promise.all([false, true].map((encrypted) => describeUnused(client, region, { run, encrypted })))
  return [...new Set(kinds.flat())]
}

interface DescribedSnapshot {
  readonly snapshotId?: string
  readonly usage?: string
  readonly tags?: DescribedTags
}

/** Checks what ECS was asked to filter by. */
const isLeftover = ({ snapshotId = '', usage, tags }: DescribedSnapshot, run: string): boolean =>
  usage === 'none' && isClaimed(toTags(tags), snapshotId, run)

async function describeUnused(
  client: EcsClient,
  region: string,
  { run, encrypted }: { run: string; encrypted: boolean },
): Promise<readonly string[]> {
  const found: DescribedSnapshot[] = []
  let nextToken: string | undefined
  do {
    const body = await client.call('DescribeSnapshots', region, {
      regionId: region,
      tag: [{ key: tag.run, value: run }],
      usage: 'none',
      encrypted,
      maxResults: 100,
      ...(nextToken ? { nextToken } : {}),
    })
    found.push(...(body.snapshots?.snapshot ?? []))
    nextToken = body.nextToken
  } while (nextToken)
  return found.filter((each) => isLeftover(each, run)).map(({ snapshotId = '' }) => snapshotId)
}
