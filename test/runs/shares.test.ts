/** What a user sees of shares: with whom an image and its copies are shared, who loses what, and what is refused. */
import { describe, expect } from 'vitest'
import type { Inputs } from '../action/runner.ts'
import type { LocalEcs } from '../local-ecs/server.ts'
import { errorOf, localEcs, visibleWritesTo, writesTo } from '../scene.ts'
import { runMain, test } from './step.ts'

const [home, shanghai, beijing] = ['cn-hangzhou', 'cn-shanghai', 'cn-beijing'] as const
const regions = [home, shanghai, beijing] as const
const inAll: Inputs = { family: 'web', 'replica-region-ids': `${shanghai},${beijing}` }

type ImageSeed = NonNullable<Parameters<LocalEcs['seed']['image']>[0]>
type Names = Readonly<Record<string, ImageSeed>>

/** Images of one family in every region, oldest first, a day apart. */
function seedSpread(ecs: LocalEcs, names: Names): (region: string, name: string) => string {
  const ids = new Map<string, string>()
  for (const [index, [name, more]] of Object.entries(names).entries()) {
    for (const [late, region] of regions.entries()) {
      const first = ids.get(`${home} ${name}`)
      const image = ecs.seed.image({
        region,
        family: 'web',
        name,
        createdAt: Date.parse('2026-03-01T00:00:00Z') + index * 86_400_000 + late * 600_000,
        ...(first ? { copyOf: { region: home, id: first }, tags: { 'image-family:origin': `${home}/${first}` } } : {}),
        ...more,
      })
      ids.set(`${region} ${name}`, image.id)
    }
  }
  return (region, name) => ids.get(`${region} ${name}`) ?? ''
}

/** UIDs of accounts that ECS knows. */
const accountsIn = (ecs: LocalEcs, count: number): string[] => Array.from({ length: count }, () => ecs.addAccount().uid)

const sharesOf = (ecs: LocalEcs, image: string): string[] => [...(ecs.image(image)?.sharedWith ?? [])].sort()

/** How many accounts each request to share, or to stop sharing, was about. */
const shareRequests = (ecs: LocalEcs, direction: 'AddAccount' | 'RemoveAccount', isDryRun = false) =>
  ecs.requests
    .filter(({ action, dryRun }) => action === 'ModifyImageSharePermission' && dryRun === isDryRun)
    .map(({ parameters }) => ({
      region: parameters.RegionId,
      count: Object.keys(parameters).filter((name) => name.startsWith(`${direction}.`)).length,
    }))
    .filter(({ count }) => count > 0)

const countsIn = (requests: ReturnType<typeof shareRequests>, region: string): number[] =>
  requests.filter((request) => request.region === region).map(({ count }) => count)

const needed = /ECS does not deprecate a shared image\./

describe('share-with', () => {
  test('image and copies, ten accounts a request; what is shared already is not shared again', async () => {
    const ecs = await localEcs()
    seedSpread(ecs, { 'web-1': {} })
    const accounts = accountsIn(ecs, 23)
    const target = ecs.seed.image({ family: 'candidate', name: 'tested', sharedWith: accounts.slice(5, 10) })
    const inputs = { mode: 'promote', 'from-family': 'candidate', ...inAll, 'share-with': accounts.join('\n') }
    const dry = await runMain(ecs, { ...inputs, 'dry-run': 'true' })
    expect(dry.exitCode).toBe(0)
    expect(writesTo(ecs)).toEqual([])
    expect(dry.log).toMatch(new RegExp(`${home}: share ${target.id} with 10 accounts \\(\\d{16}, `))
    expect(dry.log).toContain(
      `${beijing}: share <copy in ${beijing}> with 10 accounts (${accounts.slice(0, 10).join(`, `)})`,
    )
    const step = await runMain(ecs, inputs)
    expect(step).toMatchObject({ exitCode: 0, errors: [], warnings: [] })
    expect(step.notices).toEqual([expect.stringMatching(needed)])
    expect(step.notices[0]).toMatch(/`unshare: true`.*`quarantine-family`/)
    const requests = shareRequests(ecs, 'AddAccount')
    expect(regions.map((region) => countsIn(requests, region))).toEqual([
      [10, 8],
      [10, 10, 3],
      [10, 10, 3],
    ])
    for (const region of regions) expect(sharesOf(ecs, ecs.current('web', region) ?? '')).toEqual([...accounts].sort())

    const again = await runMain(ecs, { ...inputs, 'from-family': '', 'image-id': target.id }, { run: { id: 2 } })
    expect(again).toMatchObject({ exitCode: 0, errors: [], warnings: [], outputs: { changed: 'false' } })
    expect(shareRequests(ecs, 'AddAccount')).toHaveLength(requests.length)
  })

  test('a bake shares when everything serves it', async () => {
    const ecs = await localEcs()
    seedSpread(ecs, { 'web-1': {} })
    const accounts = accountsIn(ecs, 2)
    const source = { 'instance-id': ecs.seed.instance({ status: 'Stopped' }).id, 'share-with': accounts.join() }
    const step = await runMain(ecs, { mode: 'bake', ...inAll, ...source })
    expect(step).toMatchObject({ exitCode: 0, errors: [], warnings: [] })
    for (const region of regions) expect(sharesOf(ecs, ecs.current('web', region) ?? '')).toEqual([...accounts].sort())
    expect(visibleWritesTo(ecs).slice(-3)).toEqual(Array(3).fill('ModifyImageSharePermission'))
  })

  test('what is served already is shared all the same', async () => {
    const ecs = await localEcs()
    const image = seedSpread(ecs, { 'web-1': {}, 'web-2': {} })
    const [account = ''] = accountsIn(ecs, 1)
    const inputs = { mode: 'promote', 'image-id': image(home, 'web-2'), ...inAll, 'share-with': account }
    const step = await runMain(ecs, inputs)
    expect(step).toMatchObject({ exitCode: 0, outputs: { changed: 'true', 'image-id': image(home, 'web-2') } })
    for (const region of regions) expect(sharesOf(ecs, image(region, 'web-2'))).toEqual([account])
  })

  // Nothing was promoted: the same run says in a notice that there was 'otherwise nothing to do'.
  test('and the headline does not say that it was promoted', async () => {
    const ecs = await localEcs()
    const image = seedSpread(ecs, { 'web-1': {}, 'web-2': {} })
    const [account = ''] = accountsIn(ecs, 1)
    const inputs = { mode: 'promote', 'image-id': image(home, 'web-2'), ...inAll, 'share-with': account }
    expect((await runMain(ecs, inputs)).log).not.toMatch(/^Promoted/m)
  })

  test('more than fifty in the input is refused before any request', async () => {
    const ecs = await localEcs()
    const inputs = { mode: 'promote', 'image-id': 'm-1', ...inAll, 'share-with': accountsIn(ecs, 51).join() }
    const step = await runMain(ecs, inputs)
    expect(errorOf(step)).toContain('`share-with`: it lists 51 accounts, but ECS shares an image with at most 50.')
    expect(ecs.requests).toEqual([])
  })

  test('more than fifty in total is refused before any change, with the numbers', async () => {
    const ecs = await localEcs()
    const accounts = accountsIn(ecs, 58)
    const image = seedSpread(ecs, { 'web-1': {}, 'web-2': { sharedWith: accounts.slice(0, 23) } })
    const before = ecs.state()
    const inputs = { mode: 'promote', 'image-id': image(home, 'web-2'), ...inAll }
    const step = await runMain(ecs, { ...inputs, 'share-with': accounts.slice(23).join() })
    expect(step).toMatchObject({ exitCode: 1, outputs: { changed: 'false' } })
    expect(ecs.state()).toEqual(before)
    expect(errorOf(step)).toMatch(/shared with 23 accounts\. 35 more would make 58, and ECS allows 50 per image\./)
    expect(errorOf(step)).toMatch(/\[too-many-shares\]\nNothing was changed.\nName fewer accounts/)
  })

  test('exactly fifty in total are no fault', async () => {
    const ecs = await localEcs()
    const accounts = accountsIn(ecs, 50)
    const image = seedSpread(ecs, { 'web-1': {}, 'web-2': { sharedWith: accounts.slice(0, 23) } })
    const inputs = { mode: 'promote', 'image-id': image(home, 'web-2'), ...inAll, 'share-with': accounts.join() }
    expect(await runMain(ecs, inputs)).toMatchObject({ exitCode: 0, errors: [] })
    for (const region of regions) expect(sharesOf(ecs, image(region, 'web-2'))).toHaveLength(50)
  })

  const withUnknown = async (place: number) => {
    const ecs = await localEcs()
    seedSpread(ecs, { 'web-1': {} })
    const target = ecs.seed.image({ family: 'candidate', name: 'tested' })
    const accounts = accountsIn(ecs, 12).toSpliced(place, 0, '9999999999999999')
    const before = ecs.state()
    const inputs = { mode: 'promote', 'from-family': 'candidate', ...inAll, 'share-with': accounts.join() }
    return { ecs, before, target, step: await runMain(ecs, inputs) }
  }

  test('an account that ECS does not know is found before anything is copied', async () => {
    const { ecs, before, step } = await withUnknown(0)
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toMatch(/InvalidAccount\.NotFound .*\[not-permitted\]\nNothing was changed/)
    expect(ecs.state()).toEqual(before)
  })

  // Only the first ten accounts are asked about: the rest fail after everything was copied and ten were shared with.
  test('wherever it stands in the list', async () => {
    const { ecs, before, step } = await withUnknown(12)
    expect(errorOf(step)).toContain('InvalidAccount.NotFound')
    expect(ecs.state()).toEqual(before)
  })

  test('an account that cannot be shared with: no family has been switched', async () => {
    const { ecs, step } = await withUnknown(12)
    expect(step).toMatchObject({ exitCode: 1, outputs: { changed: 'false' } })
    expect(errorOf(step)).toContain('Correct `share-with`')
    for (const region of regions) expect(ecs.image(ecs.current('web', region) ?? '')?.name).toBe('web-1')
  })

  test('a deprecated target is restored before it is shared', async () => {
    const ecs = await localEcs()
    const accounts = accountsIn(ecs, 3)
    const image = seedSpread(ecs, { 'web-1': { status: 'Deprecated' }, 'web-2': {} })
    const inputs = { mode: 'rollback', 'to-image-id': image(home, 'web-1'), ...inAll, 'share-with': accounts.join() }
    const step = await runMain(ecs, inputs)
    expect(step).toMatchObject({ exitCode: 0, errors: [], warnings: [] })
    for (const region of regions) {
      expect(sharesOf(ecs, image(region, 'web-1'))).toEqual([...accounts].sort())
      expect(ecs.current('web', region)).toBe(image(region, 'web-1'))
    }
    const inRegion = ecs.requests.filter(
      ({ write, dryRun, parameters, action }) =>
        write && !dryRun && parameters.RegionId === beijing && action !== 'TagResources',
    )
    expect(inRegion.map(({ action, parameters }) => parameters.Status ?? action)).toEqual([
      'Available',
      'ModifyImageSharePermission',
      'Deprecated',
    ])
  })

  // It is not: the step was cancelled, or has failed, or is a dry run. What it says of a rollback is true either way.
  test('a dry run does not say that the image is shared', async () => {
    const ecs = await localEcs()
    const image = seedSpread(ecs, { 'web-1': {}, 'web-2': {} })
    const [account = ''] = accountsIn(ecs, 1)
    const inputs = { mode: 'promote', 'image-id': image(home, 'web-2'), ...inAll, 'share-with': account }
    const step = await runMain(ecs, { ...inputs, 'dry-run': 'true' })
    expect(step.notices).toContainEqual(expect.stringMatching(needed))
    expect(step.notices.join()).not.toContain('The image is shared')
  })
})

describe('what is shared and has to go', () => {
  const shared = async (count: number) => {
    const ecs = await localEcs()
    const accounts = accountsIn(ecs, count)
    return { ecs, accounts, image: seedSpread(ecs, { 'web-1': {}, 'web-2': { sharedWith: accounts } }) }
  }

  test('is refused, with the accounts and both ways out', async () => {
    const { ecs, accounts, image } = await shared(2)
    const before = ecs.state()
    for (const inputs of [
      { mode: 'rollback' },
      { mode: 'promote', 'image-id': image(home, 'web-1'), 'deprecate-newer': 'true' },
    ]) {
      const step = await runMain(ecs, { ...inputs, ...inAll })
      expect(step).toMatchObject({ exitCode: 1, outputs: { changed: 'false', 'deprecated-image-ids': '[]' } })
      expect(ecs.state()).toEqual(before)
      for (const region of regions) {
        expect(errorOf(step)).toContain(`(${image(region, 'web-2')}) is shared with ${accounts.join(', ')}`)
      }
      expect(errorOf(step)).toMatch(
        /\[already-shared\]\nNothing was changed.\nSet `unshare: true` .*`quarantine-family: <name>`/,
      )
    }
  })

  test('unshare takes back all pages of the shares in every region, and names who is left behind', async () => {
    const { ecs, accounts, image } = await shared(50)
    const inputs = { mode: 'rollback', ...inAll, unshare: 'true' }
    const dry = await runMain(ecs, { ...inputs, 'dry-run': 'true' })
    expect(writesTo(ecs)).toEqual([])
    for (const account of accounts) expect(dry.warnings.join()).toContain(account)
    expect(dry.log).toContain(`${shanghai}: stop sharing ${image(shanghai, 'web-2')} with 10 accounts (`)
    const step = await runMain(ecs, inputs)
    expect(step).toMatchObject({ exitCode: 0, errors: [] })
    const requests = shareRequests(ecs, 'RemoveAccount')
    for (const region of regions) {
      expect(countsIn(requests, region)).toEqual([10, 10, 10, 10, 10])
      expect(sharesOf(ecs, image(region, 'web-2'))).toEqual([])
      expect(ecs.image(image(region, 'web-2'))?.status).toBe('Deprecated')
      expect(step.warnings.join('\n')).toContain('cannot see web-1')
    }
    for (const account of accounts) expect(step.warnings.join()).toContain(account)
    expect(step.warnings[0]).toContain('Share the image with them (`share-with`)')
  })

  // Before: the shares are taken back by the time the warning is printed, and a step that dies prints none.
  test('who is left behind is named before anything is done', async () => {
    const { ecs, accounts } = await shared(1)
    const step = await runMain(ecs, { mode: 'rollback', ...inAll, unshare: 'true' })
    expect(ecs.current('web')).toBeDefined()
    expect(step.log.indexOf(`${accounts[0]} cannot see`)).toBeLessThan(step.log.indexOf('▼ Apply'))
  })

  test('share-with saves them from being left behind', async () => {
    const { ecs, accounts } = await shared(3)
    const inputs = { mode: 'rollback', ...inAll, unshare: 'true', 'share-with': accounts.slice(0, 2).join() }
    const step = await runMain(ecs, inputs)
    expect(step.exitCode).toBe(0)
    expect(step.warnings).toHaveLength(1)
    for (const warning of step.warnings) {
      expect(warning).toContain(accounts[2])
      expect(warning).not.toContain(accounts[0])
    }
  })

  test('quarantine leaves the shares, and names who is left with an older image', async () => {
    const { ecs, accounts, image } = await shared(3)
    const inputs = { mode: 'rollback', ...inAll, 'quarantine-family': 'web-bad', reason: 'it hangs' }
    const step = await runMain(ecs, inputs)
    expect(step).toMatchObject({ exitCode: 0, errors: [] })
    expect(step.outputs).toMatchObject({
      'image-id': image(home, 'web-1'),
      'deprecated-image-ids': JSON.stringify([image(home, 'web-2')]),
    })
    for (const region of regions) {
      expect(ecs.image(image(region, 'web-2'))).toMatchObject({ family: 'web-bad', status: 'Available' })
      expect(ecs.image(image(region, 'web-2'))?.tags['image-family:reason']).toBe('it hangs')
      expect(sharesOf(ecs, image(region, 'web-2'))).toEqual([...accounts].sort())
      expect(ecs.current('web', region)).toBe(image(region, 'web-1'))
    }
    expect(shareRequests(ecs, 'RemoveAccount')).toEqual([])
    expect(step.warnings.join()).toContain(accounts[0])
  })

  test('a bake leaves behind who sees only the image before, and names them', async () => {
    const { ecs, accounts } = await shared(2)
    const source = { 'instance-id': ecs.seed.instance({ status: 'Stopped' }).id }
    const inputs = { mode: 'bake', ...inAll, ...source, 'share-with': accounts[0] ?? '' }
    const step = await runMain(ecs, inputs)
    expect(step).toMatchObject({ exitCode: 0, errors: [] })
    expect(step.warnings).toHaveLength(1)
    for (const warning of step.warnings) {
      expect(warning).toContain(`${accounts[1]} cannot see`)
      expect(warning).not.toContain(accounts[0])
    }
    expect(shareRequests(ecs, 'RemoveAccount')).toEqual([])
  })

  const failingInTheMiddle = async () => {
    const { ecs, image } = await shared(25)
    let asked = 0
    ecs.intercept = (phase, { action, dryRun }) => {
      if (phase !== 'before' || action !== 'ModifyImageSharePermission' || dryRun) return
      asked += 1
      if (asked !== 2) return
      ecs.faults.add({ kind: 'error', action, code: 'InvalidOperation.Odd', status: 403, message: 'Not just now.' })
    }
    const inputs = { mode: 'rollback', family: 'web', unshare: 'true' }
    return { ecs, image, inputs, step: await runMain(ecs, inputs) }
  }

  test('fails after the first ten accounts: still served, and a re-run takes back the others', async () => {
    const { ecs, image, inputs, step } = await failingInTheMiddle()
    expect(step.exitCode).toBe(1)
    expect(sharesOf(ecs, image(home, 'web-2'))).toHaveLength(15)
    expect(ecs.current('web')).toBe(image(home, 'web-2'))
    const next = await runMain(ecs, inputs, { run: { attempt: 2 } })
    expect(next).toMatchObject({ exitCode: 0, outputs: { changed: 'true', 'image-id': image(home, 'web-1') } })
    expect(sharesOf(ecs, image(home, 'web-2'))).toEqual([])
  })

  // Ten accounts have lost the image by then.
  test('fails after the first ten accounts: that is a change', async () => {
    const { step } = await failingInTheMiddle()
    expect(step.outputs.changed).toBe('true')
  })

  test('shares that change while the step runs: ECS has the last word, and a re-run completes it', async () => {
    const { ecs, accounts, image } = await shared(1)
    const late = ecs.addAccount().uid
    let isDone = false
    ecs.intercept = (phase, { action, dryRun, parameters }) => {
      const isDue = action === 'ModifyImageAttribute' && parameters.Status === 'Deprecated' && !dryRun
      if (isDone || phase !== 'before' || !isDue || parameters.RegionId !== beijing) return
      isDone = true
      ecs.change(image(beijing, 'web-2'), { sharedWith: [late] })
    }
    const inputs = { mode: 'rollback', ...inAll, unshare: 'true' }
    const step = await runMain(ecs, inputs)
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toMatch(new RegExp(`in ${beijing}: ECS answered ImageUseShared`))
    expect(errorOf(step)).toContain(`${beijing} serves web-2 (${image(beijing, 'web-2')}).`)
    expect(sharesOf(ecs, image(home, 'web-2'))).toEqual([])
    expect(accounts).toHaveLength(1)
    const next = await runMain(ecs, inputs, { run: { attempt: 2 } })
    expect(next).toMatchObject({ exitCode: 0, outputs: { 'in-sync': 'true' } })
    expect(sharesOf(ecs, image(beijing, 'web-2'))).toEqual([])
  })
})
