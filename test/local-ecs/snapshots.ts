import { type Answer, type Call, endDryRun } from './call.ts'
import { toSecond } from './clock.ts'
import { EcsError, invalidParameter, snapshotNotFound } from './errors.ts'
import type { Image } from './image.ts'
import { jsonList, maxResults } from './instances.ts'
import { tokenPage } from './next-token.ts'
import { flag, page } from './parameters.ts'
import { type Snapshot, snapshotStatus } from './snapshot.ts'
import { tagFilter, tagList, tagsAt } from './tags.ts'

/** Deleting an image frees its snapshots only as soon as the deletion is seen everywhere. */
function imageOf(snapshot: Snapshot, call: Call): Image | undefined {
  const lag = call.world.switches.staleDeleteSeconds * 1000
  return [...call.region.images.values()].find(
    (image) =>
      image.disks.some((disk) => disk.snapshotId === snapshot.id) &&
      (image.deletedAt === undefined || image.deletedAt + lag > call.now),
  )
}

function usageOf(snapshot: Snapshot, call: Call): string {
  const uses = [imageOf(snapshot, call) && 'image', snapshot.hasDisks && 'disk'].filter(Boolean)
  return uses.join('_') || 'none'
}

function describe(snapshot: Snapshot, call: Call): Answer {
  const status = snapshotStatus(snapshot, call.now)
  return {
    SnapshotId: snapshot.id,
    SnapshotName: snapshot.name,
    Description: snapshot.description,
    Status: status,
    Available: status === 'accomplished',
    Progress: status === 'accomplished' ? '100%' : '0%',
    RemainTime: 0,
    SourceDiskType: snapshot.sourceDiskType,
    SourceDiskSize: String(snapshot.size),
    SourceDiskId: snapshot.sourceDiskId,
    Usage: usageOf(snapshot, call),
    Encrypted: snapshot.encrypted,
    KMSKeyId: snapshot.kmsKeyId,
    Category: snapshot.category,
    SnapshotType: 'user',
    CreationTime: toSecond(snapshot.creationTime),
    LastModifiedTime: toSecond(snapshot.creationTime),
    InstantAccess: false,
    ProductCode: '',
    ResourceGroupId: '',
    Tags: tagList(tagsAt(snapshot, call.now - call.world.switches.staleTagSeconds * 1000)),
  }
}

const VALUES: Record<string, readonly string[]> = {
  Status: ['progressing', 'accomplished', 'failed', 'all'],
  SnapshotType: ['auto', 'user', 'all'],
  Usage: ['image', 'disk', 'image_disk', 'none'],
}

/** What a filter by tag or usage lets through. */
const filters = {
  exact: (value: string, wanted: string) => value === wanted,
  prefix: (value: string, wanted: string) => value.startsWith(wanted),
  ignored: () => true,
}

/** Encrypted snapshots show only to those who ask for them. */
function matching(call: Call): Snapshot[] {
  const { Status, Usage, DiskId, InstanceId, SnapshotName, SourceDiskType, SnapshotType } = call.parameters
  for (const [name, values] of Object.entries(VALUES)) {
    const value = call.parameters[name]
    if (value && !values.includes(value)) throw invalidParameter(name)
  }
  const malformed = new EcsError(
    403,
    'InvalidSnapshotIds.Malformed',
    'The amount or format of snapshot ids is invalid.',
  )
  const ids = jsonList(call, 'SnapshotIds', malformed)
  const { snapshotFilters, staleTagSeconds } = call.world.switches
  const matches = filters[snapshotFilters]
  const matchesTags = tagFilter(call.parameters, matches)
  const tagTime = call.now - staleTagSeconds * 1000
  return [...call.region.snapshots.values()].filter(
    (snapshot) =>
      snapshot.owner === call.account.uid &&
      (!ids || ids.includes(snapshot.id)) &&
      (!Status || Status === 'all' || snapshotStatus(snapshot, call.now) === Status) &&
      (!Usage || matches(usageOf(snapshot, call), Usage)) &&
      (!DiskId || snapshot.sourceDiskId === DiskId) &&
      (!InstanceId || snapshot.sourceInstanceId === InstanceId) &&
      (!SnapshotName || snapshot.name === SnapshotName) &&
      (!SourceDiskType || snapshot.sourceDiskType === SourceDiskType.toLowerCase()) &&
      SnapshotType !== 'auto' &&
      snapshot.encrypted === flag(call.parameters, 'Encrypted') &&
      (snapshotFilters === 'ignored' || matchesTags(tagsAt(snapshot, tagTime))),
  )
}

export function describeSnapshots(call: Call): Answer {
  const { MaxResults, NextToken } = call.parameters
  const found = matching(call)
  endDryRun(call)
  const body = (rows: Snapshot[]) => ({ Snapshots: { Snapshot: rows.map((snapshot) => describe(snapshot, call)) } })
  if (MaxResults !== undefined || NextToken) {
    const { rows, NextToken: next } = tokenPage({ rows: found, size: maxResults(call), token: NextToken })
    return { ...body(rows), NextToken: next, PageNumber: 0, PageSize: 0, TotalCount: 0 }
  }
  const { rows, counts } = page(call.parameters, found)
  return { ...body(rows), NextToken: '', ...counts }
}

/** Deleting a snapshot in progress cancels it. */
export function deleteSnapshot(call: Call): Answer {
  const { region, account, parameters, world } = call
  const snapshot = region.snapshots.get(parameters.SnapshotId ?? '')
  if (snapshot?.owner !== account.uid) {
    if (world.switches.deleteMissing === '404') throw snapshotNotFound()
    return {}
  }
  if (imageOf(snapshot, call)) {
    throw new EcsError(403, 'SnapshotCreatedImage', 'The snapshot has been used to create an image.')
  }
  if (snapshot.hasDisks && !flag(parameters, 'Force')) {
    throw new EcsError(403, 'SnapshotCreatedDisk', 'The snapshot has been used to create disks.')
  }
  region.snapshots.delete(snapshot.id)
  return {}
}
