/** Deletes images, and the snapshots that ECS created for them. */

import { consistencyIntervals } from '../engine/clock.ts'
import { tag } from '../family/model/tags.ts'
import type { Deletion } from '../family/plan/steps.ts'
import type { EcsClient } from './client.ts'
import { EcsError, isCode } from './errors.ts'
import { unshare } from './sharing.ts'

/** ECS calls it an error that the resource is gone, which is what was wanted. */
async function unlessGone(code: string, request: Promise<unknown>): Promise<void> {
  try {
    await request
  } catch (error) {
    if (!isCode(error, code)) throw error
  }
}

/** Without Force, which would take the image from instances that need it to reinitialize their disks. */
export async function deleteImage(
  client: EcsClient,
  region: string,
  { image, accounts, snapshots }: Pick<Deletion, 'image' | 'accounts' | 'snapshots'>,
): Promise<void> {
  const gone = 'InvalidImageId.NotFound'
  await unlessGone(gone, unshare(client, region, { image, accounts }))
  // These may last for hours: a step that is otherwise done does not wait for them.
  const busy = ['OperationDenied.ImageCopying', 'ImageIsImporting', 'ImageIsExporting']
  await unlessGone(gone, client.call('DeleteImage', region, { regionId: region, imageId: image }, { handled: busy }))
  await deleteSnapshots(client, region, { snapshots, imageIsGone: true })
}

/**
 * Deletes them side by side; an error is thrown only after all were tried.
 * @param imageIsGone that ECS still counts a snapshot as used is then a late read; otherwise it is why it stays
 */
export async function deleteSnapshots(
  client: EcsClient,
  region: string,
  { snapshots, imageIsGone }: { snapshots: readonly string[]; imageIsGone: boolean },
): Promise<void> {
  const attempts = snapshots.map((snapshot) => deleteSnapshot(client, region, { snapshot, imageIsGone }))
  const failed = (await Promise.allSettled(attempts)).find((attempt) => attempt.status === 'rejected')
  if (failed) throw failed.reason
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

async function describeUnused(
  client: EcsClient,
  region: string,
  { run, encrypted }: { run: string; encrypted: boolean },
): Promise<readonly string[]> {
  const ids: string[] = []
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
    ids.push(...(body.snapshots?.snapshot ?? []).map(({ snapshotId = '' }) => snapshotId))
    nextToken = body.nextToken
  } while (nextToken)
  return ids
}
