/** A snapshot is deleted only where its own tags, read directly before, say that this run deletes it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connectEcs } from '../../src/ecs/adapter.ts'
import type { Deletion } from '../../src/family/plan/steps.ts'
import { type LocalEcs, startLocalEcs } from '../local-ecs/server.ts'
import { actionsOf, connectTo, region } from './connection.ts'

let ecs: LocalEcs
beforeEach(async () => {
  ecs = await startLocalEcs()
})
afterEach(() => ecs.close())

const run = '17-0123456789'
const port = () => connectEcs(connectTo(ecs).client)
const sent = (action?: string) => actionsOf(ecs, action)
/** Those of the snapshots that are still there. */
const left = (snapshots: readonly string[]): string[] => snapshots.filter((id) => ecs.snapshot(id))
const claim = (snapshots: readonly string[]) =>
  port().write({ action: 'claim-snapshots', region, snapshots, run } as const)
const deletion = (image: string, snapshots: readonly string[]): Deletion => ({
  ...{ action: 'delete', region, image, family: 'web', accounts: [], decision: undefined },
  snapshots,
  run,
})
const deleteSnapshots = (snapshots: readonly string[]) =>
  port().write({ action: 'delete-snapshots', region, snapshots, run })
const claimed = (id: string, by = run) => ({ 'image-family:run': by, 'image-family:snapshot': id })

/** A snapshot that an earlier attempt of this run has claimed. */
function seedClaimed(seed: Parameters<LocalEcs['seed']['snapshot']>[0] = {}, by = run): string {
  const { id } = ecs.seed.snapshot(seed)
  ecs.change(id, { tags: { ...claimed(id, by), other: 'tag' } })
  return id
}

describe('snapshots are claimed', () => {
  test('each by its own ID, and all are read back at once', async () => {
    const snapshots = [ecs.seed.snapshot({ tags: { team: 'core' } }).id, ecs.seed.snapshot().id]
    await claim(snapshots)
    expect(ecs.snapshot(snapshots[0] ?? '')?.tags).toEqual({ team: 'core', ...claimed(snapshots[0] ?? '') })
    expect(ecs.snapshot(snapshots[1] ?? '')?.tags).toEqual(claimed(snapshots[1] ?? ''))
    expect(sent()).toEqual(['TagResources', 'TagResources', 'ListTagResources'])
  })

  test('and awaited while reads lag', async () => {
    ecs.switches.staleTagSeconds = 5
    const { id } = ecs.seed.snapshot()
    await claim([id])
    expect(await port().look({ ask: 'claimed', region, snapshots: [id, 's-none'], run })).toEqual([id])
    expect(sent('ListTagResources').length).toBeGreaterThan(2)
  })

  test('tags that were copied from another snapshot claim nothing', async () => {
    const mine = seedClaimed()
    const theirs = ecs.seed.snapshot({ tags: claimed(mine) }).id
    expect(await port().look({ ask: 'claimed', region, snapshots: [theirs, mine], run })).toEqual([mine])
  })
})

describe('what an earlier attempt left', () => {
  const leftovers = async () => [...(await port().look({ ask: 'leftovers', region, run }))].sort()

  const seedAll = () => {
    const wanted = [seedClaimed(), seedClaimed({ encrypted: true }), seedClaimed({ status: 'progressing' })]
    const used = seedClaimed()
    ecs.seed.image({ snapshotIds: [used] })
    seedClaimed({ hasDisks: true })
    seedClaimed({}, '17-01234567890')
    seedClaimed({}, '18-0123456789')
    seedClaimed({ region: 'cn-beijing' })
    seedClaimed({ account: ecs.addAccount() })
    // A person's: the tags were copied from the image of the run, or from a snapshot that it has claimed.
    ecs.seed.snapshot({ tags: { 'image-family:run': run, 'image-family:source': 'instance' } })
    ecs.seed.snapshot({ tags: claimed(wanted[0] ?? '') })
    return wanted.sort()
  }

  test.each(['exact', 'prefix', 'ignored'] as const)(
    'is what it has claimed and nothing uses: filters %s',
    async (snapshotFilters) => {
      ecs.switches.snapshotFilters = snapshotFilters
      const wanted = seedAll()
      expect(await leftovers()).toEqual(wanted)
      expect(ecs.requests.map(({ parameters }) => parameters)).toEqual(
        ['false', 'true'].map((Encrypted) => ({
          ...{ RegionId: region, Usage: 'none', Encrypted, MaxResults: '100' },
          ...{ 'Tag.1.Key': 'image-family:run', 'Tag.1.Value': run },
        })),
      )
    },
  )

  test.each([
    [0, 2],
    [100, 2],
    [101, 3],
    [250, 4],
  ])('is named in full: %i, in %i requests', async (count, requests) => {
    const seeded = Array.from({ length: count }, () => seedClaimed())
    expect(await leftovers()).toEqual(seeded.sort())
    expect(sent()).toHaveLength(requests)
  })

  test('is named in full, although requests fail on the way', async () => {
    const seeded = Array.from({ length: 250 }, () => seedClaimed({ encrypted: true }))
    ecs.faults.add({ kind: 'throttling', nth: 2 })
    ecs.faults.add({ kind: 'reset-after', nth: 4 })
    expect(await leftovers()).toEqual(seeded.sort())
  })

  test('is what a deletion leaves that was broken off after the image', async () => {
    const { id, snapshotIds } = ecs.seed.image({ dataDisks: [20] })
    await claim(snapshotIds)
    expect(await leftovers()).toEqual([])
    await port().write(deletion(id, []))
    expect(await leftovers()).toEqual([...snapshotIds].sort())
  })
})

describe('directly before a snapshot is deleted, its tags are read', () => {
  /** Somebody takes the claim away when the image is gone. */
  const unclaimed = (snapshots: readonly string[]) => {
    ecs.intercept = (phase, { action }) => {
      if (phase === 'after' && action === 'DeleteImage') for (const id of snapshots) ecs.change(id, { tags: {} })
    }
  }

  test('left behind: what is claimed no longer stays', async () => {
    const [mine, theirs] = [seedClaimed(), ecs.seed.snapshot({ tags: { 'image-family:run': run } }).id]
    await deleteSnapshots([mine, theirs])
    expect(left([mine, theirs])).toEqual([theirs])
    expect(sent()).toEqual(['ListTagResources', 'DeleteSnapshot'])
  })

  test('of an image: what is claimed no longer stays', async () => {
    const { id, snapshotIds } = ecs.seed.image({ dataDisks: [20] })
    const [first = ''] = snapshotIds
    await claim(snapshotIds)
    unclaimed([first])
    await port().write(deletion(id, snapshotIds))
    expect(ecs.image(id)).toBeUndefined()
    expect(left(snapshotIds)).toEqual([first])
  })
})
