/** What a user sees of `keep`: which images and snapshots go, which stay and why, and how a full family makes room. */
import { describe, expect } from 'vitest'
import type { Inputs } from '../action/runner.ts'
import type { LocalEcs, LocalEcsOptions } from '../local-ecs/server.ts'
import { errorOf, type ImageSeed, type ImageView, localEcs, writesTo } from '../scene.ts'
import { afterRequest, type Moment, runMain, type Step, test } from './step.ts'

const [home, shanghai, beijing] = ['cn-hangzhou', 'cn-shanghai', 'cn-beijing'] as const
const regions = [home, shanghai, beijing] as const
const inAll: Inputs = { family: 'web', 'replica-region-ids': `${shanghai},${beijing}` }

const day = (index: number): number => Date.parse('2025-12-01T00:00:00Z') + index * 86_400_000
const baked = (source: string) => ({ 'image-family:run': '900-0123456789', 'image-family:source': source })

/** Images of one family, oldest first, a day apart, baked from instances unless told otherwise. */
const seedHome = <const N extends string>(
  ecs: LocalEcs,
  images: Readonly<Record<N, ImageSeed>>,
): Record<N, ImageView> =>
  Object.fromEntries(
    Object.entries<ImageSeed>(images).map(([name, more], index) => [
      name,
      ecs.seed.image({ family: 'web', name, createdAt: day(index), tags: baked('instance'), ...more }),
    ]),
  ) as Record<N, ImageView>

/** `w1`, `w2`, … in every region: images of instances at home, copies elsewhere. */
function seedSpread(
  ecs: LocalEcs,
  count: number,
  each: Readonly<Record<string, ImageSeed>> = {},
): (region: string, index: number) => ImageView {
  const made = new Map<string, ImageView>()
  for (let index = 1; index <= count; index++) {
    for (const [late, region] of regions.entries()) {
      const name = `w${index}`
      const first = made.get(`${home} ${index}`)
      const image = ecs.seed.image({
        region,
        family: 'web',
        name,
        createdAt: day(index) + late * 600_000,
        tags: first
          ? { 'image-family:run': '900-0123456789', 'image-family:origin': `${home}/${first.id}` }
          : baked('instance'),
        ...(first ? { copyOf: { region: home, id: first.id } } : {}),
        ...each[`${region} ${name}`],
      })
      made.set(`${region} ${index}`, image)
    }
  }
  return (region, index) => made.get(`${region} ${index}`) as ImageView
}

const snapshotsOf = ({ disks }: ImageView): string[] => disks.map(({ snapshotId }) => snapshotId)
const goneFrom = (ecs: LocalEcs, image: ImageView): boolean =>
  ecs.image(image.id) === undefined && snapshotsOf(image).every((id) => ecs.snapshot(id) === undefined)
const namesIn = (ecs: LocalEcs, region: string): string[] =>
  ecs.images(region).flatMap(({ name, family }) => (family === 'web' ? [name] : []))

const stopped = (ecs: LocalEcs): Inputs => ({
  mode: 'bake',
  family: 'web',
  'instance-id': ecs.seed.instance({ status: 'Stopped' }).id,
})

/** Deletes what is beyond `keep` and has nothing else to do. */
const tidy = ({ id }: ImageView, more: Inputs = {}): Inputs => ({
  mode: 'promote',
  family: 'web',
  'image-id': id,
  keep: '2',
  ...more,
})

const planOf = ({ outputs }: Step): string[] =>
  (JSON.parse(outputs.plan ?? '[]') as { region: string; action: string; target: string }[]).map(
    ({ region, action, target }) => `${region} ${action} ${target}`,
  )

const deletions = (ecs: LocalEcs): (string | undefined)[] =>
  ecs.requests.flatMap(({ action, parameters }) => (action === 'DeleteImage' ? [parameters.ImageId] : []))

describe('what goes', () => {
  const kinds = async () => {
    const ecs = await localEcs()
    const named = [ecs.seed.snapshot().id, ecs.seed.snapshot().id]
    const images = seedHome(ecs, {
      instance: { dataDisks: [20] },
      snapshot: { tags: baked('snapshot'), snapshotIds: [named[0] ?? ''] },
      disks: { tags: baked('disks'), snapshotIds: [named[1] ?? ''] },
      copy: {
        tags: { 'image-family:run': '900-0123456789', 'image-family:origin': 'cn-beijing/m-1' },
        copyOf: { region: beijing, id: 'm-1' },
      },
      deprecated: { status: 'Deprecated' },
      second: {},
      newest: {},
    })
    return { ecs, named, images }
  }

  test('the oldest, with the snapshots that ECS made for them and no others', async () => {
    const { ecs, named, images } = await kinds()
    const step = await runMain(ecs, tidy(images.newest))
    expect(step).toMatchObject({ exitCode: 0, errors: [], warnings: [] })
    expect(namesIn(ecs, home)).toEqual(['second', 'newest'])
    for (const image of [images.instance, images.copy, images.deprecated]) expect(goneFrom(ecs, image)).toBe(true)
    for (const id of named) expect(ecs.snapshot(id)).toBeDefined()
    expect(deletions(ecs)).toEqual([
      images.instance.id,
      images.snapshot.id,
      images.disks.id,
      images.copy.id,
      images.deprecated.id,
    ])
    expect(step.outputs).toMatchObject({ changed: 'true', 'image-id': images.newest.id, 'deprecated-image-ids': '[]' })
    expect(step.notices).toEqual([expect.stringContaining('Otherwise nothing to do: web already serves newest')])
    expect(step.log).toContain(`→ delete ${images.instance.id} with the 2 snapshots made for it\n`)
    expect(step.log).toContain(`→ delete ${images.snapshot.id}\n`)
    expect(step.summary).toContain(`| deprecated (${images.deprecated.id}) | delete | older than the newest 2 |`)
  })

  // They are gone by then; in a run that has nothing else to do the family is not looked at again.
  test('and the summary does not list them as available', async () => {
    const { ecs, images } = await kinds()
    const step = await runMain(ecs, tidy(images.newest))
    expect(ecs.image(images.copy.id)).toBeUndefined()
    expect(step.summary).not.toMatch(/copy \|.*\| Available \|/)
  })

  // The notice beside it says that there was nothing to do.
  test('and the headline does not say that anything was promoted', async () => {
    const { ecs, images } = await kinds()
    expect((await runMain(ecs, tidy(images.newest))).log).not.toMatch(/^Promoted/m)
  })

  test('a dry run prints every deletion and the reason for each image, and changes nothing', async () => {
    const ecs = await localEcs()
    const image = seedSpread(ecs, 4)
    const inputs = { ...stopped(ecs), ...inAll, keep: '3' }
    const before = ecs.state()
    const step = await runMain(ecs, { ...inputs, 'dry-run': 'true' })
    expect(step).toMatchObject({ exitCode: 0, errors: [], outputs: { changed: 'false' } })
    expect(ecs.state()).toEqual(before)
    expect(writesTo(ecs)).toEqual([])
    for (const region of regions) {
      for (const index of [1, 2]) {
        expect(planOf(step)).toContain(`${region} delete ${image(region, index).id}`)
        expect(step.log).toContain(`${region}: Delete w${index} (${image(region, index).id}): older than the newest 3.`)
      }
      expect(step.log).toContain(`${region}: Keep w4 (${image(region, 4).id}): among the newest 3.`)
      expect(step.summary).toContain(
        `| \`${region}\` | w2 (${image(region, 2).id}) | delete | older than the newest 3 |`,
      )
    }
    expect(step.log).toContain(`${shanghai}: delete ${image(shanghai, 1).id} with the snapshot made for it`)
  })

  test('in every region, after a bake, its copies and the switch', async () => {
    const ecs = await localEcs()
    const image = seedSpread(ecs, 4)
    const step = await runMain(ecs, { ...stopped(ecs), ...inAll, keep: '3' })
    expect(step).toMatchObject({ exitCode: 0, errors: [], warnings: [], outputs: { 'in-sync': 'true' } })
    for (const region of regions) {
      expect(namesIn(ecs, region)).toEqual(['w3', 'w4', step.outputs['image-name']])
      expect([1, 2].every((index) => goneFrom(ecs, image(region, index)))).toBe(true)
    }
    const names = ecs.requests.map(({ action }) => action)
    expect(names.indexOf('DeleteImage')).toBeGreaterThan(names.lastIndexOf('ModifyImageAttribute'))
    expect(step.summary).not.toContain(image(home, 1).id.concat('` | w1'))
  })

  test('a deletion that fails is a warning with what to do; the others go, and a re-run deletes it', async () => {
    const ecs = await localEcs()
    const image = seedSpread(ecs, 4)
    const first = regions.map((region) => image(region, 1).id)
    ecs.intercept = (phase, { action, parameters }) => {
      if (phase !== 'before' || action !== 'DeleteImage' || !first.includes(parameters.ImageId ?? '')) return
      ecs.faults.add({ kind: 'error', action, code: 'Forbidden.RAM', status: 403, message: 'Not authorized.' })
    }
    const inputs = tidy(image(home, 4), inAll)
    const step = await runMain(ecs, inputs)
    expect(step).toMatchObject({ exitCode: 0, errors: [], outputs: { changed: 'true' } })
    expect(step.warnings).toHaveLength(3)
    for (const region of regions) {
      const warning = step.warnings.find((text) => text.includes(image(region, 1).id))
      expect(warning).toContain(`Could not delete ${image(region, 1).id}`)
      expect(warning).toContain(`DeleteImage in ${region}: ECS answered Forbidden.RAM (HTTP 403`)
      expect(warning).toContain('Grant `ecs:DeleteImage`')
      expect(namesIn(ecs, region)).toEqual(['w1', 'w3', 'w4'])
    }
    expect(step.summary).toContain(`| ✘ | \`${beijing}\` | delete ${image(beijing, 1).id}`)
    ecs.intercept = undefined
    const next = await runMain(ecs, inputs, { run: { attempt: 2 } })
    expect(next).toMatchObject({ exitCode: 0, warnings: [] })
    for (const region of regions) expect(goneFrom(ecs, image(region, 1))).toBe(true)
  })

  test('a later run has nothing to do, and says so', async () => {
    const ecs = await localEcs()
    const image = seedSpread(ecs, 2)
    const step = await runMain(ecs, tidy(image(home, 2), inAll))
    expect(step).toMatchObject({ exitCode: 0, warnings: [], outputs: { changed: 'false' } })
    expect(step.log).toContain('Nothing to do')
    expect(writesTo(ecs)).toEqual([])
  })

  test('cancelled between two deletions: no further one begins', async () => {
    const ecs = await localEcs()
    const { w4, ...older } = seedHome(ecs, { w1: {}, w2: {}, w3: {}, w3b: {}, w4: {} })
    const cancelledAt: Moment = (phase, { action }) => phase === 'before' && action === 'DeleteImage'
    const step = await runMain(ecs, tidy(w4), { cancelledAt })
    expect(step.exitCode).toBe(1)
    expect(deletions(ecs)).toEqual([older.w1.id])
    expect(errorOf(step)).toContain('The step was cancelled.')
  })

  test('a deletion that was lost in the middle is completed by the next attempt, snapshots included', async () => {
    const ecs = await localEcs()
    const { w1, w2, w3 } = seedHome(ecs, { w1: { dataDisks: [20] }, w2: {}, w3: {} })
    await runMain(ecs, tidy(w3), { killedAt: afterRequest('DeleteImage') })
    expect(ecs.image(w1.id)).toBeUndefined()
    const next = await runMain(ecs, tidy(w3), { run: { attempt: 2 } })
    expect(next).toMatchObject({ exitCode: 0, errors: [], warnings: [] })
    expect(goneFrom(ecs, w1)).toBe(true)
    expect(snapshotsOf(w2).every((id) => ecs.snapshot(id))).toBe(true)
  })
})

describe('what stays', () => {
  test('protected, in use, foreign, shared: each with its reason and what to do', async () => {
    const ecs = await localEcs()
    const accounts = [ecs.addAccount().uid, ecs.addAccount().uid]
    const images = seedHome(ecs, {
      protected: { tags: { ...baked('instance'), 'image-family:protect': '' } },
      used: {},
      foreign: { tags: {} },
      shared: { sharedWith: accounts },
      goes: {},
      second: {},
      newest: {},
    })
    ecs.seed.instance({ imageId: images.used.id })
    const step = await runMain(ecs, tidy(images.newest))
    expect(step).toMatchObject({ exitCode: 0, errors: [] })
    expect(namesIn(ecs, home)).toEqual(['protected', 'used', 'foreign', 'shared', 'second', 'newest'])
    expect(deletions(ecs)).toEqual([images.goes.id])
    const reasons = {
      protected: ['tagged image-family:protect', 'Remove the tag to allow its deletion.'],
      used: ['in use by an instance', 'Release the instances that use it.'],
      foreign: ['not made by this action', 'Delete it by hand if nobody needs it.'],
      shared: [`shared with 2 accounts (${accounts.join(', ')})`, 'Set `unshare: true` to take the shares back.'],
    } as const
    expect(step.warnings).toHaveLength(1)
    expect(step.warnings[0]).toMatch(/^Family web still has 6 images although `keep` is 2\./)
    for (const [name, [reason, remedy]] of Object.entries(reasons)) {
      const label = `${name} (${images[name as keyof typeof images].id})`
      expect(step.warnings[0]).toContain(`${label} is kept: ${reason}. ${remedy}`)
      expect(step.log).toContain(`Keep ${label}: ${reason}.`)
      expect(step.summary).toContain(`| ${label} | keep | ${reason} |`)
    }
  })

  test('what the home region serves or falls back to stays in every region, late copies and all', async () => {
    const ecs = await localEcs()
    // Copies of the oldest images arrived last there: by age they would be the newest, and the needed ones go.
    const late = Object.fromEntries(
      [1, 2].map((index) => [`${beijing} w${index}`, { createdAt: day(20 + index), status: 'Deprecated' as const }]),
    )
    const image = seedSpread(ecs, 4, late)
    const step = await runMain(ecs, tidy(image(home, 4), inAll))
    expect(step.exitCode).toBe(0)
    expect(namesIn(ecs, home)).toEqual(['w3', 'w4'])
    expect(namesIn(ecs, beijing)).toEqual(expect.arrayContaining(['w3', 'w4']))
    expect(ecs.current('web', beijing)).toBe(image(beijing, 4).id)
  })

  test('what was protected, or put to use, since the plan', async () => {
    const ecs = await localEcs()
    const { protectedSince, usedSince, w4 } = seedHome(ecs, { protectedSince: {}, usedSince: {}, w3: {}, w4: {} })
    ecs.intercept = (phase, { action }) => {
      if (phase !== 'after' || action !== 'TagResources') return
      ecs.change(protectedSince.id, { tags: { ...baked('instance'), 'image-family:protect': '' } })
      ecs.seed.instance({ imageId: usedSince.id })
    }
    const step = await runMain(ecs, tidy(w4))
    expect(step).toMatchObject({ exitCode: 0, errors: [] })
    expect(namesIn(ecs, home)).toEqual(['protectedSince', 'usedSince', 'w3', 'w4'])
    expect(step.warnings).toHaveLength(2)
    expect(step.warnings.join('\n')).toContain(
      `${protectedSince.id} was not deleted: it is tagged image-family:protect`,
    )
    expect(step.warnings.join('\n')).toMatch(new RegExp(`Could not delete ${usedSince.id}.*ImageUsingByInstance`))
    for (const image of [protectedSince, usedSince]) {
      expect(snapshotsOf(image).every((id) => ecs.snapshot(id))).toBe(true)
    }
  })

  test('unshare takes back the shares of what goes, in every region, also after a bake', async () => {
    const ecs = await localEcs()
    const account = ecs.addAccount().uid
    const shared = Object.fromEntries(regions.map((region) => [`${region} w1`, { sharedWith: [account] }]))
    const image = seedSpread(ecs, 3, shared)
    const kept = await runMain(ecs, { ...stopped(ecs), ...inAll, keep: '3' })
    expect(kept.exitCode).toBe(0)
    expect(kept.warnings).toHaveLength(3)
    for (const warning of kept.warnings) expect(warning).toMatch(/although `keep` is 3\..*Set `unshare: true`/)
    const inputs = { ...stopped(ecs), ...inAll, keep: '3', unshare: 'true' }
    const step = await runMain(ecs, inputs, { run: { id: 2 } })
    expect(step).toMatchObject({ exitCode: 0, errors: [] })
    for (const [index, region] of regions.entries()) {
      expect(goneFrom(ecs, image(region, 1))).toBe(true)
      expect(step.warnings[index]).toContain(`${account} loses w1 (${image(region, 1).id})`)
    }
    expect(step.log).toContain(
      `delete ${image(home, 1).id} with the snapshot made for it and its shares with 1 account`,
    )
  })

  // A step that is done otherwise holds its runner until the time limit (two hours unless told otherwise).
  test('what is being copied elsewhere is not waited for', async () => {
    const ecs = await localEcs()
    const { w1, w4 } = seedHome(ecs, { w1: {}, w2: {}, w3: {}, w4: {} })
    ecs.seed.image({ region: beijing, status: 'Creating', copyOf: { region: home, id: w1.id } })
    const step = await runMain(ecs, tidy(w4, { 'wait-timeout-minutes': '0.1' }))
    expect(step.exitCode).toBe(0)
    expect(step.warnings.join()).toContain('OperationDenied.ImageCopying')
    expect(ecs.requests.filter(({ action }) => action === 'DeleteImage').length).toBeLessThan(20)
  })
})

describe('a full family', () => {
  const full = async (count: number, options: LocalEcsOptions) => {
    const ecs = await localEcs(options)
    return { ecs, image: seedSpread(ecs, count) }
  }

  test('without keep: the quota code, and what to do', async () => {
    const { ecs } = await full(4, { quotas: { imagesPerFamily: 4 } })
    const step = await runMain(ecs, stopped(ecs))
    expect(step).toMatchObject({ exitCode: 1, outputs: { changed: 'false' } })
    expect(errorOf(step)).toMatch(
      /ImageQuotaExceed\.ImageFamily \(HTTP 400, request ID [\s\S]*set `keep`[\s\S]*not-permitted/,
    )
    expect(ecs.images(home)).toHaveLength(4)
  })

  test('CreateImage has no room: the oldest go first, and it is tried once more', async () => {
    const { ecs, image } = await full(4, { quotas: { imagesPerFamily: 4 } })
    const step = await runMain(ecs, { ...stopped(ecs), keep: '3' })
    expect(step).toMatchObject({ exitCode: 0, errors: [] })
    expect(namesIn(ecs, home)).toEqual(['w3', 'w4', step.outputs['image-name']])
    expect(step.outputs['previous-image-id']).toBe(image(home, 4).id)
    expect(step.log).toContain('Deleting images beyond `keep` first, then trying again.')
    expect(deletions(ecs)).toEqual([image(home, 1).id, image(home, 2).id])
  })

  test('CopyImage has no room in its region: the oldest there go first', async () => {
    const { ecs, image } = await full(3, { quotas: { imagesPerRegion: 4 } })
    ecs.seed.image({ region: beijing })
    const step = await runMain(ecs, { ...stopped(ecs), ...inAll, keep: '2' })
    expect(step).toMatchObject({ exitCode: 0, errors: [], warnings: [] })
    expect(step.log).toMatch(
      new RegExp(`${beijing}: CopyImage in ${home} \\(to ${beijing}\\): ECS answered QuotaExceed`),
    )
    // What a rollback falls back to stays until the new image is served.
    expect(deletions(ecs)[0]).toBe(image(beijing, 1).id)
    for (const region of regions) expect(namesIn(ecs, region)).toEqual(['w3', step.outputs['image-name']])
  })

  const joining = async () => {
    const { ecs, image } = await full(4, { quotas: { imagesPerFamily: 4 } })
    return { ecs, image, step: await runMain(ecs, { ...stopped(ecs), ...inAll, keep: '3' }) }
  }

  test('ModifyImageAttribute has no room, in any region: the oldest go first', async () => {
    const { ecs, image, step } = await joining()
    expect(step).toMatchObject({ exitCode: 0, errors: [], outputs: { 'in-sync': 'true' } })
    for (const region of regions) {
      expect(namesIn(ecs, region)).toEqual(['w3', 'w4', step.outputs['image-name']])
      for (const index of [1, 2]) expect(goneFrom(ecs, image(region, index))).toBe(true)
    }
  })

  // Their snapshots are gone with them: that these cannot be noted as to be deleted is nothing to look for in a console.
  test('and nothing is warned of that went well', async () => {
    const { step } = await joining()
    expect(step.warnings).toEqual([])
  })

  // Only the deletions at the end are preceded by a note on the snapshots; those that make room are not.
  test('lost while it makes room: the next attempt deletes the snapshots that are left', async () => {
    const { ecs, image } = await full(4, { quotas: { imagesPerFamily: 4 } })
    const inputs = { ...stopped(ecs), keep: '3' }
    await runMain(ecs, inputs, { killedAt: afterRequest('DeleteImage') })
    expect(ecs.image(image(home, 1).id)).toBeUndefined()
    const next = await runMain(ecs, inputs, { run: { attempt: 2 } })
    expect(next.exitCode).toBe(0)
    expect(goneFrom(ecs, image(home, 1))).toBe(true)
  })

  // It is set: either it makes room for a promotion as well, or the advice has to be another.
  test('a promotion with keep is not told to set keep', async () => {
    const { ecs } = await full(4, { quotas: { imagesPerFamily: 4 } })
    ecs.seed.image({ family: 'candidate' })
    const step = await runMain(ecs, { mode: 'promote', family: 'web', 'from-family': 'candidate', keep: '3' })
    expect(errorOf(step)).not.toContain('set `keep`')
  })

  const crowd = async (count: number) => {
    const ecs = await localEcs()
    for (let index = 1; index <= count; index++) ecs.seed.image({ family: 'web', createdAt: day(0) + index * 60_000 })
    return ecs
  }
  const crowded = 'Family web has 90 images; ECS allows 100.'

  test('from 90 images on there is a warning, before ECS says that there is no room', async () => {
    const [almost, ecs] = [await crowd(89), await crowd(90)]
    expect(await runMain(almost, stopped(almost))).toMatchObject({ exitCode: 0, warnings: [] })
    const step = await runMain(ecs, stopped(ecs))
    expect(step).toMatchObject({ exitCode: 0, warnings: [expect.stringContaining(crowded)] })
    expect(step.warnings[0]).toContain('Set `keep`')
  })

  // The warning of the first plan is lost with it when everything is planned anew after the copies.
  test('with replica regions as well', async () => {
    const ecs = await crowd(90)
    const step = await runMain(ecs, { ...stopped(ecs), ...inAll })
    expect(step.exitCode).toBe(0)
    expect(step.warnings.join()).toContain(crowded)
  })
})
