import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connectEcs } from '../../src/ecs/adapter.ts'
import { Cancelled, consistencyIntervals, TimeLimit } from '../../src/engine/clock.ts'
import type { Deletion } from '../../src/family/plan/steps.ts'
import { type LocalEcs, startLocalEcs } from '../local-ecs/server.ts'
import {
  actionsOf,
  type ConnectionOptions,
  connectTo,
  ecsErrorOf,
  failureOf,
  holdUntil,
  region,
  timeOf,
} from './connection.ts'

let ecs: LocalEcs
beforeEach(async () => {
  ecs = await startLocalEcs()
})
afterEach(() => ecs.close())

const forEver = Number.POSITIVE_INFINITY
const port = (options: ConnectionOptions = {}) => connectEcs(connectTo(ecs, options).client)
const sent = (action?: string) => actionsOf(ecs, action)

const run = '17-0123456789'

/** The snapshots are claimed, as a step before has done it. */
function claim(snapshots: readonly string[]): void {
  for (const id of left(snapshots)) {
    ecs.change(id, { tags: { 'image-family:run': run, 'image-family:snapshot': id } })
  }
}

const deletion = (fields: Partial<Deletion> & { readonly image: string }): Deletion => {
  claim(fields.snapshots ?? [])
  return {
    action: 'delete',
    region,
    family: 'web',
    accounts: [],
    snapshots: [],
    decision: undefined,
    run,
    ...fields,
  }
}

const ofSnapshots = (snapshots: readonly string[]) => {
  claim(snapshots)
  return { action: 'delete-snapshots', region, snapshots, run } as const
}

/** Those of the snapshots that are still there. */
const left = (snapshots: readonly string[]): string[] => snapshots.filter((id) => ecs.snapshot(id))

describe('an image that is too many', () => {
  test('goes with its snapshots, and without force', async () => {
    const { id, snapshotIds } = ecs.seed.image({ family: 'web', dataDisks: [20] })
    const kept = ecs.seed.image({ family: 'web' })
    await port().write(deletion({ image: id, snapshots: snapshotIds }))
    expect(ecs.image(id)).toBeUndefined()
    expect(left([...snapshotIds, ...kept.snapshotIds])).toEqual(kept.snapshotIds)
    expect(sent()).toEqual(['DeleteImage', 'ListTagResources', 'DeleteSnapshot', 'DeleteSnapshot'])
    expect(ecs.requests[0]?.parameters).toEqual({ RegionId: region, ImageId: id })
    expect(ecs.requests.slice(2).map(({ parameters }) => parameters)).toEqual(
      snapshotIds.map((SnapshotId) => ({ SnapshotId })),
    )
  })

  test('goes alone where no snapshots are named', async () => {
    const { id, snapshotIds } = ecs.seed.image()
    await port().write(deletion({ image: id }))
    expect(ecs.image(id)).toBeUndefined()
    expect(left(snapshotIds)).toEqual(snapshotIds)
    expect(sent()).toEqual(['DeleteImage'])
  })

  test('has its shares taken back first', async () => {
    const accounts = Array.from({ length: 12 }, () => ecs.addAccount().uid)
    const { id } = ecs.seed.image({ sharedWith: accounts })
    await port().write(deletion({ image: id, accounts }))
    expect(ecs.image(id)).toBeUndefined()
    expect(sent()).toEqual(['ModifyImageSharePermission', 'ModifyImageSharePermission', 'DeleteImage'])
  })

  test('stays with its snapshots while it is shared with others', async () => {
    const accounts = [ecs.addAccount().uid, ecs.addAccount().uid]
    const { id, snapshotIds } = ecs.seed.image({ sharedWith: accounts })
    const error = await ecsErrorOf(
      port().write(deletion({ image: id, accounts: accounts.slice(1), snapshots: snapshotIds })),
    )
    expect(error).toMatchObject({
      ecsCode: 'ImageUseShared',
      reaction: 'fail',
      remedy: expect.stringContaining('`unshare`'),
    })
    expect(ecs.image(id)?.sharedWith).toEqual(accounts.slice(0, 1))
    expect(left(snapshotIds)).toEqual(snapshotIds)
  })

  test('stays with its snapshots while instances use it', async () => {
    const { id, snapshotIds } = ecs.seed.image()
    ecs.seed.instance({ imageId: id })
    const error = await ecsErrorOf(port().write(deletion({ image: id, snapshots: snapshotIds })))
    expect(error).toMatchObject({ ecsCode: 'ImageUsingByInstance', reaction: 'fail', operation: 'DeleteImage' })
    expect(ecs.image(id)).toBeDefined()
    expect(sent()).toEqual(['DeleteImage'])
  })

  test.each(['404', 'ignored'] as const)('may be gone already, with its snapshots: %s', async (deleteMissing) => {
    Object.assign(ecs.switches, { deleteMissing })
    const { id, snapshotIds } = ecs.seed.image()
    const accounts = [ecs.addAccount().uid]
    ecs.remove(id)
    for (const snapshot of snapshotIds) ecs.remove(snapshot)
    await port().write(deletion({ image: id, accounts, snapshots: snapshotIds }))
    expect(sent()).toEqual(['ModifyImageSharePermission', 'DeleteImage', 'ListTagResources'])
  })

  test('may be gone already, and leave its snapshots to be deleted', async () => {
    const { id, snapshotIds } = ecs.seed.image({ dataDisks: [20, 20] })
    ecs.remove(id)
    await port().write(deletion({ image: id, snapshots: snapshotIds }))
    expect(left(snapshotIds)).toEqual([])
  })

  // It takes as long as the copy does, and everything else is done.
  test('is not waited for while it is being copied', async () => {
    const { id, snapshotIds } = ecs.seed.image()
    ecs.seed.image({ region: 'cn-beijing', status: 'Creating', copyOf: { region, id } })
    const error = await ecsErrorOf(port().write(deletion({ image: id, snapshots: snapshotIds })))
    expect(error).toMatchObject({ ecsCode: 'OperationDenied.ImageCopying' })
    expect(sent('DeleteImage')).toHaveLength(1)
    expect(sent('DeleteSnapshot')).toEqual([])
  })

  test.each(['reset-after', 'reset-before', 'empty', 'throttling', 'internal-error'] as const)(
    'is gone, although answers are lost: %s',
    async (kind) => {
      const accounts = [ecs.addAccount().uid]
      const { id, snapshotIds } = ecs.seed.image({ sharedWith: accounts, dataDisks: [20] })
      for (const action of ['ModifyImageSharePermission', 'DeleteImage', 'DeleteSnapshot']) {
        ecs.faults.add({ kind, action, times: 2 })
      }
      await port().write(deletion({ image: id, accounts, snapshots: snapshotIds }))
      expect(ecs.image(id)).toBeUndefined()
      expect(left(snapshotIds)).toEqual([])
    },
  )

  test('of another region goes there', async () => {
    const { id, snapshotIds } = ecs.seed.image({ region: 'cn-beijing' })
    await port().write(deletion({ image: id, region: 'cn-beijing', snapshots: snapshotIds }))
    expect([ecs.image(id), ...left(snapshotIds)]).toEqual([undefined])
  })

  test('a denial is said, with what to grant', async () => {
    const { id, snapshotIds } = ecs.seed.image()
    ecs.faults.add({ kind: 'error', code: 'Forbidden.RAM', action: 'DeleteSnapshot' })
    const error = await ecsErrorOf(port().write(deletion({ image: id, snapshots: snapshotIds })))
    expect(error).toMatchObject({ operation: 'DeleteSnapshot', ecsCode: 'Forbidden.RAM', status: 403 })
    expect(error.remedy).toContain('`ecs:DeleteSnapshot` on snapshot/*')
    expect(ecs.image(id)).toBeUndefined()
  })
})

describe('the snapshots of an image that has just been deleted', () => {
  test('are waited for, as the deletion shows late', async () => {
    ecs.switches.staleDeleteSeconds = consistencyIntervals
    const { id, snapshotIds } = ecs.seed.image()
    await port().write(deletion({ image: id, snapshots: snapshotIds }))
    expect(left(snapshotIds)).toEqual([])
    // The tags were read meanwhile.
    expect(sent('DeleteSnapshot')).toHaveLength(consistencyIntervals - 1)
  })

  test('are given some intervals and then are an error, which names the snapshot', async () => {
    ecs.switches.staleDeleteSeconds = forEver
    const { id, snapshotIds } = ecs.seed.image()
    const error = await ecsErrorOf(port().write(deletion({ image: id, snapshots: snapshotIds })))
    expect(error).toMatchObject({ operation: 'DeleteSnapshot', region, ecsCode: 'SnapshotCreatedImage', status: 403 })
    expect(error.message).toContain(snapshotIds[0])
    expect(error.requestId).toMatch(/^[0-9A-F-]{36}$/)
    expect(sent('DeleteSnapshot')).toHaveLength(consistencyIntervals + 1)
  })

  test('end with the time limit, where that comes before', async () => {
    ecs.switches.staleDeleteSeconds = forEver
    const { id, snapshotIds } = ecs.seed.image()
    const write = port({ interval: 60_000, limit: 100 }).write(deletion({ image: id, snapshots: snapshotIds }))
    const took = await timeOf(async () => expect(await failureOf(write)).toBeInstanceOf(TimeLimit))
    expect(took).toBeLessThan(1000)
  })

  test('are broken off by a cancellation', async () => {
    ecs.switches.staleDeleteSeconds = forEver
    const { id, snapshotIds } = ecs.seed.image({ dataDisks: [20, 20] })
    const stop = new AbortController()
    ecs.intercept = (phase, { action }) => {
      if (phase === 'after' && action === 'DeleteSnapshot') stop.abort()
    }
    const write = port({ interval: 60_000, limit: 3_600_000, signal: stop.signal }).write(
      deletion({ image: id, snapshots: snapshotIds }),
    )
    expect(await failureOf(write)).toBeInstanceOf(Cancelled)
  })

  test('are all tried, whichever fails', async () => {
    const first = ecs.seed.snapshot({ hasDisks: true }).id
    const shared = ecs.seed.snapshot().id
    const others = [ecs.seed.snapshot().id, ecs.seed.snapshot().id]
    const { id } = ecs.seed.image({ snapshotIds: [shared, ...others], dataDisks: [20, 20] })
    const kept = ecs.seed.image({ snapshotIds: [shared] })
    const error = await ecsErrorOf(port().write(deletion({ image: id, snapshots: [first, shared, ...others] })))
    expect(error).toMatchObject({ ecsCode: 'SnapshotCreatedDisk', message: expect.stringContaining(first) })
    expect(left([first, shared, ...others])).toEqual([first, shared])
    expect(ecs.image(kept.id)).toBeDefined()
    // The one that an image uses was given its time all the same.
    expect(ecs.requests.filter(({ parameters }) => parameters.SnapshotId === shared)).toHaveLength(
      consistencyIntervals + 1,
    )
  })

  test.each([
    'Operation.Conflict',
    'InvalidOperation.RelatedSnapshotNotFinished',
    'IncorrectDiskStatus.CreatingSnapshot',
  ])('are waited for while something else is under way: %s', async (code) => {
    const { id, snapshotIds } = ecs.seed.image()
    ecs.faults.add({ kind: 'error', code, status: 403, action: 'DeleteSnapshot', times: consistencyIntervals + 5 })
    await port().write(deletion({ image: id, snapshots: snapshotIds }))
    expect(left(snapshotIds)).toEqual([])
  })

  test('are asked for side by side', async () => {
    const { id, snapshotIds } = ecs.seed.image({ dataDisks: Array(16).fill(20) })
    holdUntil(ecs, 'DeleteSnapshot', snapshotIds.length)
    await port().write(deletion({ image: id, snapshots: snapshotIds }))
    expect([snapshotIds.length, ...left(snapshotIds)]).toEqual([17])
  })
})

describe('snapshots that an earlier attempt left', () => {
  test('go', async () => {
    const snapshots = [ecs.seed.snapshot().id, ecs.seed.snapshot({ encrypted: true }).id]
    await port().write(ofSnapshots(snapshots))
    expect(left(snapshots)).toEqual([])
    expect(sent()).toEqual(['ListTagResources', 'DeleteSnapshot', 'DeleteSnapshot'])
  })

  test('stay where an image uses them after all, which is no error and not waited for', async () => {
    const { snapshotIds } = ecs.seed.image()
    const free = ecs.seed.snapshot().id
    await port().write(ofSnapshots([...snapshotIds, free]))
    expect(left([...snapshotIds, free])).toEqual(snapshotIds)
    expect(sent()).toEqual(['ListTagResources', 'DeleteSnapshot', 'DeleteSnapshot'])
  })

  test('may be gone already', async () => {
    await port().write(ofSnapshots(['s-none']))
    expect(sent()).toEqual(['ListTagResources'])
  })

  test('that disks were made from are an error', async () => {
    const { id } = ecs.seed.snapshot({ hasDisks: true })
    const error = await ecsErrorOf(port().write(ofSnapshots([id])))
    expect(error).toMatchObject({ ecsCode: 'SnapshotCreatedDisk', reaction: 'fail' })
  })

  test('none are no request', async () => {
    await port().write(ofSnapshots([]))
    expect(sent()).toEqual([])
  })
})
