/** What a user sees of one family in several regions: outputs, log, summary, annotations, and every way that it may go wrong. */
import { describe, expect } from 'vitest'
import type { Inputs } from '../action/runner.ts'
import { EcsError } from '../local-ecs/errors.ts'
import type { LocalEcs, LocalEcsOptions } from '../local-ecs/server.ts'
import { endOf, errorOf, type ImageSeed, type ImageView, localEcs, visibleWritesTo, writesTo } from '../scene.ts'
import { type Moment, runMain, type Step, test } from './step.ts'

const [home, shanghai, beijing] = ['cn-hangzhou', 'cn-shanghai', 'cn-beijing'] as const
const regions = [home, shanghai, beijing] as const
const replicas = `${shanghai},${beijing}`
const inAll: Inputs = { family: 'web', 'replica-region-ids': replicas }

/** Images of one family, oldest first, a day apart, each with its copies; `each` by name, or by region and name. */
function seedSpread(
  ecs: LocalEcs,
  names: readonly string[],
  { each = {}, places = regions }: { each?: Readonly<Record<string, ImageSeed>>; places?: readonly string[] } = {},
): (region: string, index: number) => ImageView {
  const made = new Map<string, ImageView>()
  for (const [index, name] of names.entries()) {
    for (const [late, region] of places.entries()) {
      const first = made.get(`${places[0]} ${index}`)
      const image = ecs.seed.image({
        region,
        family: 'web',
        name,
        createdAt: Date.parse('2026-03-01T00:00:00Z') + index * 86_400_000 + late * 600_000,
        ...(first ? { copyOf: { region: places[0] ?? '', id: first.id } } : {}),
        ...each[name],
        ...each[`${region} ${name}`],
        tags: {
          'github:sha': String(index + 1).repeat(40),
          ...(first ? { 'image-family:origin': `${places[0]}/${first.id}` } : {}),
          ...each[`${region} ${name}`]?.tags,
        },
      })
      made.set(`${region} ${index}`, image)
    }
  }
  return (region, index) => made.get(`${region} ${index}`) as ImageView
}

const byRegion = (idIn: (region: string) => string | undefined, places: readonly string[] = regions) =>
  Object.fromEntries(places.map((region) => [region, idIn(region)]))

/** Outputs, those of every region taken apart. */
const outputsOf = ({ outputs }: Step) => ({
  ...outputs,
  'image-ids': JSON.parse(outputs['image-ids'] ?? ''),
  'current-image-ids': JSON.parse(outputs['current-image-ids'] ?? ''),
})

const currents = (ecs: LocalEcs, family = 'web') => regions.map((region) => ecs.current(family, region))

const stopped = (ecs: LocalEcs): Inputs => ({
  mode: 'bake',
  'instance-id': ecs.seed.instance({ status: 'Stopped' }).id,
  ...inAll,
})

/** Lines of log in the groups of the step: what was seen, planned and done. */
const groupLines = ({ log }: Step): string[] => log.split('\n').filter((line) => line.startsWith('  '))

const copiesAsked = (ecs: LocalEcs) =>
  ecs.requests.filter(({ action }) => action === 'CopyImage').map(({ parameters }) => parameters)

const planOf = ({ outputs }: Step): string[] =>
  (JSON.parse(outputs.plan ?? '[]') as { region: string; action: string; target: string }[]).map(
    ({ region, action, target }) => `${region} ${action} ${target}`,
  )

const rowOf = (summary: string, start: string): string =>
  summary.split('\n').find((line) => line.startsWith(`| ${start}`)) ?? ''

/** Lets one thing happen once, as soon as a request asks for it. */
function once(
  ecs: LocalEcs,
  isDue: (phase: string, request: LocalEcs['requests'][number]) => boolean,
  act: () => void,
) {
  let done = false
  ecs.intercept = (phase, request) => {
    if (done || !isDue(phase, request as never)) return
    done = true
    act()
  }
}

const world = async (options?: LocalEcsOptions, names: readonly string[] = ['web-1', 'web-2']) => {
  const ecs = await localEcs(options)
  return { ecs, image: seedSpread(ecs, names) }
}

describe('bake', () => {
  test('one image, its copies, and every family switched', async () => {
    const { ecs, image } = await world()
    const step = await runMain(ecs, stopped(ecs))
    expect(step).toMatchObject({ exitCode: 0, errors: [], warnings: [], notices: [] })
    const now = (region: string) => ecs.current('web', region)
    expect(new Set(currents(ecs)).size).toBe(3)
    expect(outputsOf(step)).toMatchObject({
      'image-id': now(home),
      'image-ids': byRegion(now),
      'current-image-id': now(home),
      'current-image-ids': byRegion(now),
      'in-sync': 'true',
      'previous-image-id': image(home, 1).id,
      'deprecated-image-ids': '[]',
      'pending-image-ids': '[]',
      changed: 'true',
      'image-status': 'Available',
    })
    expect(step.outputs).not.toHaveProperty('found')
    // One wait for all of them.
    const lines = groupLines(step).filter((line) => !line.includes('Waiting out'))
    for (const line of lines) expect(line).toMatch(/cn-(hangzhou|shanghai|beijing)/)
    const plan = planOf(step)
    expect(plan.slice(0, 2)).toEqual([`${home} create <new image>`, `${home} await ${now(home)}`])
    // Side by side, in whatever order.
    expect(plan.slice(2, 6).sort()).toEqual(
      [shanghai, beijing]
        .flatMap((region) => [`${region} copy <copy in ${region}>`, `${region} await ${now(region)}`])
        .sort(),
    )
    expect(plan.slice(6)).toEqual(regions.map((region) => `${region} join-family ${now(region)}`))
    expect(step.summary).toContain(`### ✅ bake \`web\` in \`${home}\`, \`${shanghai}\`, \`${beijing}\``)
    for (const region of regions) {
      expect(rowOf(step.summary, `\`${region}\``)).toBe(
        `| \`${region}\` | \`${now(region)}\` | ${step.outputs['image-name']} | \`0f3c2b1a0f3c\` | ✔ |`,
      )
    }
    expect(step.summary).toContain('| `in-sync` | `true` |')
  })

  test('what CopyImage is sent: name, description, tags, key, resource group', async () => {
    const { ecs } = await world()
    const more = {
      tags: 'team=web',
      description: 'of the web team',
      'resource-group-id': 'rg-1',
      'copy-kms-key-ids': `${shanghai}=key-sh`,
    }
    expect(await runMain(ecs, { ...stopped(ecs), ...more })).toMatchObject({ exitCode: 0, warnings: [] })
    const [first, second] = copiesAsked(ecs)
    const common = {
      RegionId: home,
      ImageId: ecs.current('web'),
      DestinationDescription: 'of the web team',
      DestinationImageName: ecs.image(ecs.current('web') ?? '')?.name,
      ResourceGroupId: 'rg-1',
    }
    expect(first).toMatchObject({ ...common, DestinationRegionId: shanghai, Encrypted: 'true', KMSKeyId: 'key-sh' })
    expect(second).toMatchObject({ ...common, DestinationRegionId: beijing })
    expect(second).not.toHaveProperty('KMSKeyId')
    expect(second).not.toHaveProperty('Encrypted')
    const tags = ecs.image(ecs.current('web', beijing) ?? '')?.tags
    expect(tags).toEqual({
      team: 'web',
      'image-family:run': expect.stringMatching(/^1001-/),
      'image-family:origin': `${home}/${ecs.current('web')}`,
      'github:repository': 'octo-org/images',
      'github:sha': '0f3c2b1a0f3c2b1a0f3c2b1a0f3c2b1a0f3c2b1a',
      'github:run': '1001',
    })
  })

  test('a dry run prints copies and switches, and changes nothing', async () => {
    const { ecs, image } = await world()
    const inputs = { ...stopped(ecs), 'dry-run': 'true' }
    const before = ecs.state()
    const step = await runMain(ecs, inputs)
    expect(step.exitCode).toBe(0)
    expect(ecs.state()).toEqual(before)
    expect(writesTo(ecs)).toEqual([])
    expect(planOf(step)).toEqual([
      `${home} create <new image>`,
      `${home} await <new image>`,
      ...[shanghai, beijing].flatMap((region) =>
        ['copy', 'await'].map((what) => `${region} ${what} <copy in ${region}>`),
      ),
      `${home} join-family <new image>`,
      ...[shanghai, beijing].map((region) => `${region} join-family <copy in ${region}>`),
    ])
    expect(outputsOf(step)).toMatchObject({
      'image-id': '',
      'image-ids': {},
      changed: 'false',
      'current-image-ids': byRegion((region) => image(region, 1).id),
    })
    expect(step.log).toContain('Dry run: 9 steps planned, nothing changed')
  })

  test('a region that does not exist changes nothing, and is named', async () => {
    const { ecs, image } = await world()
    const promotion = { mode: 'promote', 'image-id': image(home, 0).id, 'deprecate-newer': 'true' }
    for (const mode of [stopped(ecs), { mode: 'rollback' }, promotion]) {
      const before = ecs.state()
      const step = await runMain(ecs, { ...mode, family: 'web', 'replica-region-ids': `${shanghai},cn-nowhere` })
      expect(step).toMatchObject({ exitCode: 1, outputs: { changed: 'false', 'image-id': '' } })
      expect(ecs.state()).toEqual(before)
      expect(errorOf(step)).toMatch(/in cn-nowhere: .*InvalidRegionId\.NotFound[\s\S]*`replica-region-ids`/)
    }
  })

  // 'nothing' is what an empty family serves; of a region that was not seen nothing is known.
  test('what could not be seen is not called nothing in the summary', async () => {
    const { ecs } = await world()
    const step = await runMain(ecs, { mode: 'rollback', family: 'web', 'replica-region-ids': `${shanghai},cn-nowhere` })
    expect(rowOf(step.summary, '`cn-nowhere`')).not.toContain('nothing')
  })

  test('a warning of the making is told although everything is planned anew after the copies', async () => {
    const { ecs } = await world()
    const inputs = { mode: 'bake', 'instance-id': ecs.seed.instance().id, ...inAll }
    const dry = await runMain(ecs, { ...inputs, 'dry-run': 'true' })
    expect(dry.warnings).toEqual([expect.stringContaining('is running: data that it has not yet written to its disks')])
  })

  // The plan made after the copies stands in place of the first one, whose notices are lost with it.
  test('and is told in the run that is no dry run', async () => {
    const { ecs } = await world()
    const step = await runMain(ecs, { mode: 'bake', 'instance-id': ecs.seed.instance().id, ...inAll })
    expect(step.warnings).toEqual([
      expect.stringContaining('is running: data that it has not yet written to its disks'),
    ])
  })
})

describe('copies', () => {
  const failingIn = async (region: string) => {
    const { ecs, image } = await world()
    once(
      ecs,
      (phase, { action, parameters }) =>
        phase === 'before' && action === 'CopyImage' && parameters.DestinationRegionId === region,
      () => {
        ecs.switches.failNextImages = 1
      },
    )
    const inputs = stopped(ecs)
    return { ecs, image, inputs, first: await runMain(ecs, inputs) }
  }

  test('one that fails is the failure of one region in a complete report; a re-run replaces it alone', async () => {
    const { ecs, image, inputs, first } = await failingIn(beijing)
    expect(first.exitCode).toBe(1)
    const failed = ecs.images(beijing).find(({ status }) => status === 'CreateFailed')
    expect(errorOf(first)).toMatch(
      new RegExp(`${beijing}: ECS could not make the copy .*${failed?.id}\\) \\(CreateFailed\\)`),
    )
    expect(errorOf(first)).not.toContain(shanghai)
    expect(currents(ecs)).toEqual(regions.map((region) => image(region, 1).id))
    const made = ecs.images(home).at(-1)
    expect(outputsOf(first)).toMatchObject({ 'image-id': made?.id, changed: 'true', 'in-sync': 'true' })
    for (const region of regions) expect(rowOf(first.summary, `\`${region}\``)).toContain(image(region, 1).id)
    expect(first.summary).toContain(`| ✔ | \`${shanghai}\` | wait until`)
    expect(first.summary).toContain(`| ✘ | \`${beijing}\` | wait until`)
    expect(first.summary).toContain(`| not done | \`${home}\` | put &lt;new image&gt; into family web |`)

    const asked = copiesAsked(ecs).length
    const second = await runMain(ecs, inputs, { run: { attempt: 2 } })
    expect(second).toMatchObject({ exitCode: 0, errors: [] })
    expect(copiesAsked(ecs).slice(asked)).toMatchObject([{ DestinationRegionId: beijing }])
    expect(ecs.images(home)).toHaveLength(3)
    expect(outputsOf(second)).toMatchObject({
      'image-id': made?.id,
      'image-ids': byRegion((region) => ecs.current('web', region)),
      'previous-image-id': image(home, 1).id,
      'in-sync': 'true',
    })
    expect(ecs.image(ecs.current('web', beijing) ?? '')?.name).toBe(`${made?.name}-2`)
    const end = endOf(ecs)
    const third = await runMain(ecs, inputs, { run: { attempt: 3 } })
    expect({ ...outputsOf(third), plan: '' }).toEqual({ ...outputsOf(second), plan: '' })
    expect(endOf(ecs)).toBe(end)
  })

  // Home first, as the inputs name them: by the order in which copies were made, two equal runs differ in a byte.
  test('outputs of a re-run are those of the undisturbed run to the byte', async () => {
    const { ecs, inputs } = await failingIn(shanghai)
    const second = await runMain(ecs, inputs, { run: { attempt: 2 } })
    const third = await runMain(ecs, inputs, { run: { attempt: 3 } })
    expect(Object.keys(JSON.parse(third.outputs['image-ids'] ?? ''))).toEqual([...regions])
    expect({ ...second.outputs, plan: '' }).toEqual({ ...third.outputs, plan: '' })
  })

  // No region settles on an image that nothing can be launched from: a later step would be given it.
  test('one that failed is not among the image-ids', async () => {
    const { first } = await failingIn(beijing)
    expect(Object.keys(JSON.parse(first.outputs['image-ids'] ?? ''))).toEqual([home, shanghai])
  })

  // By its origin alone the next round would know it, and tags may be late.
  test('one that is not found again is among the image-ids all the same', async () => {
    const { ecs } = await world({ switches: { staleTagSeconds: 3600 } })
    const tested = ecs.seed.image({ name: 'tested', family: 'candidate' })
    ecs.intercept = (phase, { action }) => {
      if (phase === 'before' && copiesAsked(ecs).length > 2 && action === 'CopyImage') {
        throw new EcsError(403, 'Forbidden.RAM', 'No.')
      }
    }
    const step = await runMain(ecs, { mode: 'promote', 'from-family': 'candidate', ...inAll })
    expect(step.exitCode).toBe(1)
    expect(outputsOf(step)['image-ids']).toEqual(
      byRegion(
        (region) => ecs.images(region).find(({ id, copyOf }) => id === tested.id || copyOf?.id === tested.id)?.id,
      ),
    )
  })

  // As for a first image that failed: it counts for the quota, and nobody but a person deletes it.
  test('the re-run names the failed copy, which stays', async () => {
    const { ecs, inputs } = await failingIn(beijing)
    const step = await runMain(ecs, inputs, { run: { attempt: 2 } })
    expect(step.warnings).toEqual([expect.stringContaining('it counts towards the quota until you delete it')])
  })

  test('wait behind the five others of the region', async () => {
    const { ecs } = await world({ switches: { copySeconds: 10 } })
    const others = Array.from({ length: 5 }, () => ecs.seed.image())
    for (const { id } of others) {
      ecs.seed.image({ region: shanghai, status: 'Creating', readyIn: 60, copyOf: { region: home, id } })
    }
    const step = await runMain(ecs, stopped(ecs))
    expect(step).toMatchObject({ exitCode: 0, errors: [], warnings: [] })
    expect(step.log).toMatch(new RegExp(`${shanghai}: web-7-\\w+ \\(m-\\w+\\): Waiting`))
    expect(step.log).not.toMatch(new RegExp(`${beijing}: web-7-\\w+ \\(m-\\w+\\): Waiting`))
    expect(copiesAsked(ecs)).toHaveLength(2)
    expect(step.outputs['in-sync']).toBe('true')
  })

  test('of one image are made one after the other where ECS permits no two', async () => {
    const ecs = await localEcs({ switches: { copyConflict: 'source', copySeconds: 8 } })
    const places = [...regions, 'cn-shenzhen']
    seedSpread(ecs, ['web-1'], { places })
    const step = await runMain(ecs, { ...stopped(ecs), 'replica-region-ids': places.slice(1).join() })
    expect(step).toMatchObject({ exitCode: 0, errors: [], warnings: [] })
    expect(step.log).toContain('OperationDenied.ImageCopyConflict (HTTP 400); trying again (1)')
    expect(places.map((region) => ecs.images(region).length)).toEqual([2, 2, 2, 2])
    expect(new Set(places.map((region) => ecs.current('web', region))).size).toBe(4)
  })

  test('ECS may call an image busy right after it is available', async () => {
    const { ecs } = await world()
    for (const action of ['CopyImage', 'ModifyImageAttribute', 'ModifyImageSharePermission']) {
      const fault = { kind: 'error', code: 'OperationDenied.ImageCopying', status: 403, message: 'Copying.' } as const
      ecs.faults.add({ ...fault, action, times: 3 })
    }
    const step = await runMain(ecs, { ...stopped(ecs), 'share-with': ecs.addAccount().uid })
    expect(step).toMatchObject({ exitCode: 0, errors: [], warnings: [] })
    expect(ecs.images()).toHaveLength(9)
    for (const id of currents(ecs)) expect(ecs.image(id ?? '')?.sharedWith).toHaveLength(1)
  })

  test('are one each, though the answers are lost and ECS forgets the tokens', async () => {
    const { ecs } = await world({
      switches: { tokenMemorySeconds: 0, copySeconds: 5, staleTagSeconds: 10, newImageHiddenSeconds: 8 },
    })
    ecs.faults.add({ kind: 'reset-after', action: 'CopyImage', times: 2 })
    const step = await runMain(ecs, stopped(ecs))
    expect(step).toMatchObject({ exitCode: 0, errors: [], warnings: [] })
    expect(ecs.images()).toHaveLength(9)
    expect(outputsOf(step)['image-ids']).toEqual(byRegion((region) => ecs.current('web', region)))
  })

  test('somebody’s image of the given name in a replica is found before anything is made', async () => {
    const { ecs } = await world()
    const taken = ecs.seed.image({ region: beijing, name: 'golden', status: 'Deprecated' })
    const inputs = { ...stopped(ecs), 'image-name': 'golden' }
    const before = ecs.state()
    const step = await runMain(ecs, inputs)
    expect(step.exitCode).toBe(1)
    expect(ecs.state()).toEqual(before)
    expect(errorOf(step)).toMatch(
      new RegExp(
        `In ${beijing}: The name golden belongs to ${taken.id} .*\\[name-taken\\]\\nNothing was changed.\\nChoose another \`image-name\``,
      ),
    )
  })

  test('somebody’s image of the generated name in a replica is that region’s failure', async () => {
    const { ecs } = await world()
    const inputs = stopped(ecs)
    const dry = await runMain(ecs, { ...inputs, 'dry-run': 'true' })
    const [, name = ''] = /create image (\S+)/.exec(dry.log) ?? []
    ecs.seed.image({ region: beijing, name })
    const step = await runMain(ecs, inputs)
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toContain(`CopyImage in ${home} (to ${beijing}): ECS answered InvalidImageName.Duplicated`)
    expect(errorOf(step)).toContain('Rename or delete the image of this name in the target region')
    expect(ecs.images(shanghai)).toHaveLength(3)
  })

  // It knows no `image-name`: nothing but the other image can be changed.
  test('a promotion is not told to change an input that it has not', async () => {
    const { ecs, image } = await world()
    ecs.remove(image(beijing, 1).id)
    const inputs = { mode: 'promote', 'image-id': image(home, 1).id, ...inAll }
    const dry = await runMain(ecs, { ...inputs, 'dry-run': 'true' })
    const [, name = ''] = / as (\S+)/.exec(dry.log) ?? []
    ecs.seed.image({ region: beijing, name })
    const step = await runMain(ecs, inputs)
    expect(errorOf(step)).toContain('InvalidImageName.Duplicated')
    expect(errorOf(step)).not.toContain('`image-name`')
  })
})

describe('a step that ends early', () => {
  /** Runs a bake whose copies go on for ever, until both are under way. */
  const whileCopying = async (inputs: Inputs, { cancelled = false } = {}) => {
    const { ecs, image } = await world({ switches: { copySeconds: 1e9 } })
    let asked = 0
    const cancelledAt: Moment = (phase, { action, parameters }) => {
      const isWaiting = action === 'DescribeImages' && parameters.RegionId !== home && ecs.images().length === 9
      if (phase !== 'after' || !isWaiting || asked > 0) return false
      asked = performance.now()
      return true
    }
    const all = { ...stopped(ecs), ...inputs }
    const step = await runMain(ecs, all, cancelled ? { cancelledAt } : {})
    return { ecs, image, step, inputs: all, seconds: (performance.now() - asked) / 1000 }
  }

  const finish = async ({ ecs, inputs }: { ecs: LocalEcs; inputs: Inputs }) => {
    const made = ecs.images().filter(({ status }) => status === 'Creating')
    for (const { id } of made) ecs.change(id, { status: 'Available' })
    const next = await runMain(ecs, { ...inputs, 'wait-timeout-minutes': '1' }, { run: { attempt: 2 } })
    expect(next).toMatchObject({ exitCode: 0, errors: [], warnings: [] })
    expect(ecs.images()).toHaveLength(9)
    expect(outputsOf(next)['image-ids']).toEqual(byRegion((region) => ecs.current('web', region)))
    return next
  }

  const saysThatCopiesGoOn = (ecs: LocalEcs, step: Step): void => {
    for (const region of [shanghai, beijing]) {
      expect(errorOf(step)).toContain(`ECS is still copying image ${ecs.images(region).at(-1)?.id} to ${region}`)
    }
    expect(errorOf(step)).toContain('To go on from here, press "Re-run failed jobs"')
  }

  test('cancelled while copying: says which copies go on, and the next attempt goes on with them', async () => {
    const all = await whileCopying({}, { cancelled: true })
    const { ecs, image, step, seconds } = all
    expect(step.exitCode).toBe(1)
    expect(seconds).toBeLessThan(5)
    saysThatCopiesGoOn(ecs, step)
    expect(outputsOf(step)).toMatchObject({
      'image-id': ecs.images(home).at(-1)?.id,
      'current-image-ids': byRegion((region) => image(region, 1).id),
      changed: 'true',
    })
    const next = await finish(all)
    expect(next.outputs['image-id']).toBe(step.outputs['image-id'])
  })

  test('out of time while copying: says so, image-id is set, and the next attempt goes on', async () => {
    const all = await whileCopying({ 'wait-timeout-minutes': '0.03' })
    const { ecs, step } = all
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toContain('The time limit of 0.03 minutes is over.')
    saysThatCopiesGoOn(ecs, step)
    expect(errorOf(step)).toContain('Raise `wait-timeout-minutes`')
    expect(step.outputs['image-id']).toBe(ecs.images(home).at(-1)?.id)
    await finish(all)
  })

  const cancelledUnanswered = async () => {
    const { ecs, image } = await world()
    ecs.faults.add({ kind: 'slow', action: 'CopyImage', seconds: 20, times: 2 })
    let asked = 0
    let copies = 0
    const cancelledAt: Moment = (phase, { action }) => {
      if (phase === 'before' && action === 'CopyImage') copies += 1
      if (copies < 2 || asked > 0) return false
      asked = performance.now()
      return true
    }
    const inputs = { ...stopped(ecs), mode: 'promote', 'instance-id': '', 'image-id': ecs.seed.image().id }
    const step = await runMain(ecs, inputs, { cancelledAt })
    return { ecs, image, step, seconds: (performance.now() - asked) / 1000 }
  }

  test('cancelled while ECS does not answer: ends within five seconds, and says that nobody knows', async () => {
    const { step, seconds } = await cancelledUnanswered()
    expect(step.exitCode).toBe(1)
    expect(seconds).toBeLessThan(5)
    expect(errorOf(step)).toContain('ECS may or may not have received the request to copy')
  })

  // The same sentence twice, and neither says which region it is about.
  test('and where', async () => {
    const { step } = await cancelledUnanswered()
    for (const region of [shanghai, beijing]) expect(errorOf(step)).toContain(region)
  })

  const cancelledWhileSwitching = async () => {
    const { ecs } = await world()
    const target = ecs.seed.image({ family: 'candidate', name: 'tested' })
    const inputs = { mode: 'promote', 'from-family': 'candidate', ...inAll }
    const cancelledAt = () => currents(ecs).every((id) => ecs.image(id ?? '')?.name !== 'web-2')
    const step = await runMain(ecs, inputs, { cancelledAt })
    return { ecs, step, inputs, target }
  }

  test('cancelled while switching: the next attempt completes it', async () => {
    const { ecs, step, inputs, target } = await cancelledWhileSwitching()
    expect(step.exitCode).toBe(1)
    expect(step.outputs.changed).toBe('true')
    const next = await runMain(ecs, inputs, { run: { attempt: 2 } })
    expect(next).toMatchObject({ exitCode: 0, outputs: { 'image-id': target.id, 'in-sync': 'true' } })
    expect(ecs.images().filter(({ name }) => name.startsWith('web-7'))).toHaveLength(2)
  })

  // What was seen before the change is given out as what is served by now: nobody has looked since.
  test('cancelled after the switch: does not say that the old image is served by now', async () => {
    const { ecs, step } = await cancelledWhileSwitching()
    expect(ecs.image(ecs.current('web') ?? '')?.name).toBe('tested')
    expect(errorOf(step)).not.toContain('serves web-2')
  })

  const failingLate = async (more: () => void = () => undefined) => {
    const { ecs, image } = await world()
    once(
      ecs,
      (phase, { action, dryRun, parameters }) =>
        phase === 'before' && action === 'ModifyImageAttribute' && !dryRun && parameters.RegionId === beijing,
      () => {
        const fault = { kind: 'error', status: 403, message: 'Not just now.' } as const
        ecs.faults.add({ ...fault, action: 'ModifyImageAttribute', code: 'InvalidOperation.Odd' })
        more()
      },
    )
    return { ecs, image, inputs: { mode: 'rollback', ...inAll } }
  }

  test('one region fails in the switch: what each one serves, and a re-run completes exactly that one', async () => {
    const { ecs, image, inputs } = await failingLate()
    const step = await runMain(ecs, inputs)
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toContain(
      `Could not deprecate ${image(beijing, 1).id} in ${beijing}: ECS answered InvalidOperation.Odd`,
    )
    expect(errorOf(step)).toContain(
      `${home} serves web-1 (${image(home, 0).id}), ${shanghai} serves web-1 (${image(shanghai, 0).id}), ${beijing} serves web-2 (${image(beijing, 1).id}).`,
    )
    expect(outputsOf(step)).toMatchObject({
      'image-id': image(home, 0).id,
      'current-image-ids': byRegion((region) => ecs.current('web', region)),
      'in-sync': 'false',
      'deprecated-image-ids': JSON.stringify([image(home, 1).id]),
      changed: 'true',
    })
    expect(rowOf(step.summary, `\`${beijing}\``)).toContain('✘ another image')
    const written = visibleWritesTo(ecs).length
    const next = await runMain(ecs, inputs, { run: { attempt: 2 } })
    expect(next).toMatchObject({ exitCode: 0, outputs: { 'in-sync': 'true', 'image-id': image(home, 0).id } })
    expect(visibleWritesTo(ecs).slice(written)).toEqual([`${image(beijing, 1).id} Deprecated`])
  })

  // As above: `in-sync` is even 'true' then, and `current-image-ids` the images that have just been withdrawn.
  test('where nothing can be looked at afterwards, nothing is said of what is served by now', async () => {
    const { ecs, image, inputs } = await failingLate(() => undefined)
    const blind = ecs.intercept
    ecs.intercept = async (phase, request) => {
      await blind?.(phase, request)
      const isOver = ecs.image(image(home, 1).id)?.status === 'Deprecated'
      if (phase === 'before' && isOver && request.action === 'DescribeImageFromFamily') {
        ecs.faults.add({ kind: 'error', code: 'Forbidden.RAM', status: 403, message: 'No.', action: request.action })
      }
    }
    const step = await runMain(ecs, inputs)
    expect(step.log).toContain(`${home}: Could not look at what ECS serves now.`)
    expect(errorOf(step)).not.toContain('serves web-2')
  })

  const refusedAfterCopying = async () => {
    const { ecs } = await world({ quotas: { imagesPerFamily: 2 } })
    return { ecs, step: await runMain(ecs, stopped(ecs)) }
  }

  test('refused after copying: no family has changed, and what has been made is named', async () => {
    const { ecs, step } = await refusedAfterCopying()
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toContain('ImageQuotaFull.ImageFamily')
    for (const id of currents(ecs)) expect(ecs.image(id ?? '')?.name).toBe('web-2')
    const made = regions.map((region) => ecs.images(region).at(-1)?.id ?? '')
    for (const id of made) expect(errorOf(step)).toContain(id)
    expect(step.outputs).toMatchObject({ changed: 'true', 'image-id': made[0] })
    expect(step.summary).toContain(`| ✔ | \`${beijing}\` | copy ${made[0]}`)
  })

  // Three images have been made by then, and are named in the same breath.
  test('refused after copying: does not say that nothing was changed', async () => {
    const { step } = await refusedAfterCopying()
    expect(errorOf(step)).not.toContain('Nothing was changed.')
  })

  // Copies that were made for nothing are no 'Nothing to do', and who cleans up has to know their IDs.
  test('overtaken while copying: a warning names the copies that stay outside of the family', async () => {
    const { ecs } = await world()
    ecs.seed.image({ family: 'candidate', name: 'tested' })
    once(
      ecs,
      (phase, { action }) => phase === 'after' && action === 'CopyImage',
      () => {
        ecs.clock.advance(60)
        ecs.seed.image({ family: 'web', name: 'newer' })
      },
    )
    const step = await runMain(ecs, { mode: 'promote', 'from-family': 'candidate', ...inAll })
    expect(ecs.images().filter(({ family }) => family === '')).toHaveLength(2)
    for (const { id } of ecs.images().filter(({ family }) => family === '')) expect(step.warnings.join()).toContain(id)
  })
})

describe('promote', () => {
  test('copies carry the provenance of the image, its origin, the run and the tags', async () => {
    const { ecs, image } = await world()
    const provenance = { 'github:repository': 'octo-org/base', 'github:sha': 'f'.repeat(40), 'github:run': '77' }
    const target = ecs.seed.image({ family: 'candidate', name: 'tested', tags: provenance })
    const inputs = {
      mode: 'promote',
      'from-family': 'candidate',
      ...inAll,
      tags: 'stage=live',
      'resource-group-id': 'rg-2',
      'copy-kms-key-ids': `${beijing}=key-bj`,
    }
    const step = await runMain(ecs, inputs)
    expect(step).toMatchObject({ exitCode: 0, errors: [], warnings: [] })
    expect(outputsOf(step)).toMatchObject({
      'image-id': target.id,
      'image-ids': byRegion((region) => ecs.current('web', region)),
      'in-sync': 'true',
      'previous-image-id': image(home, 1).id,
      'deprecated-image-ids': '[]',
      changed: 'true',
    })
    for (const region of [shanghai, beijing]) {
      expect(ecs.image(ecs.current('web', region) ?? '')?.tags).toEqual({
        ...provenance,
        stage: 'live',
        'image-family:origin': `${home}/${target.id}`,
        'image-family:run': expect.stringMatching(/^1001-/),
        'image-family:decision': expect.stringMatching(/^done promote 1001-/),
      })
    }
    expect(copiesAsked(ecs)).toMatchObject([{ ResourceGroupId: 'rg-2' }, { KMSKeyId: 'key-bj', Encrypted: 'true' }])
    expect(rowOf(step.summary, `\`${beijing}\``)).toContain('`ffffffffffff` | ✔ |')
  })

  test('tags go on copies that are there already, too', async () => {
    const { ecs, image } = await world()
    const step = await runMain(ecs, { mode: 'promote', 'image-id': image(home, 1).id, ...inAll, tags: 'stage=live' })
    expect(step).toMatchObject({ exitCode: 0, outputs: { changed: 'true', 'deprecated-image-ids': '[]' } })
    for (const region of regions) expect(ecs.image(image(region, 1).id)?.tags).toMatchObject({ stage: 'live' })
    expect(copiesAsked(ecs)).toEqual([])
  })

  test('newer images go in every region; the output names those of the home region alone', async () => {
    const { ecs, image } = await world({}, ['web-1', 'web-2', 'web-3'])
    const inputs = { mode: 'promote', 'image-id': image(home, 0).id, 'deprecate-newer': 'true', ...inAll }
    const dry = await runMain(ecs, { ...inputs, 'dry-run': 'true' })
    expect(writesTo(ecs)).toEqual([])
    const step = await runMain(ecs, inputs)
    expect(step.exitCode).toBe(0)
    expect(planOf(step)).toEqual(planOf(dry))
    expect(step.outputs['deprecated-image-ids']).toBe(JSON.stringify([image(home, 1).id, image(home, 2).id]))
    for (const region of regions) {
      expect(ecs.current('web', region)).toBe(image(region, 0).id)
      expect(ecs.image(image(region, 2).id)?.status).toBe('Deprecated')
    }
  })
})

describe('rollback', () => {
  test('outputs of every region, and the instances that still run what was withdrawn', async () => {
    const { ecs, image } = await world({}, ['web-1', 'web-2', 'web-3'])
    const instances = [home, beijing].map((region) => ecs.seed.instance({ region, imageId: image(region, 2).id }).id)
    const coming = [home, beijing].map((region) => ecs.seed.image({ region, family: 'web', status: 'Creating' }))
    const step = await runMain(ecs, { mode: 'rollback', 'to-image-id': image(home, 0).id, ...inAll })
    expect(step.exitCode).toBe(0)
    expect(outputsOf(step)).toMatchObject({
      'image-id': image(home, 0).id,
      'image-ids': byRegion((region) => image(region, 0).id),
      'current-image-ids': byRegion((region) => image(region, 0).id),
      'in-sync': 'true',
      'previous-image-id': image(home, 2).id,
      'deprecated-image-ids': JSON.stringify([image(home, 1).id, image(home, 2).id]),
      'pending-image-ids': JSON.stringify(coming.map(({ id }) => id)),
      'affected-instance-ids': JSON.stringify({ [home]: [instances[0]], [shanghai]: [], [beijing]: [instances[1]] }),
      changed: 'true',
    })
    expect(step.notices).toEqual([
      `${home}: Still running a withdrawn image: ${instances[0]}.`,
      `${beijing}: Still running a withdrawn image: ${instances[1]}.`,
    ])
    expect(step.errors).toHaveLength(2)
    expect(step.errors[1]).toMatch(new RegExp(`^${beijing}: .*${coming[1]?.id}.*still being created.*withdraw-pending`))
    expect(step.summary.startsWith('> [!CAUTION]')).toBe(true)
    // One wait for all of them.
    const lines = groupLines(step).filter((line) => !line.includes('Waiting out'))
    for (const line of lines) expect(line).toMatch(/cn-(hangzhou|shanghai|beijing)/)
  })

  test('any region may be the home', async () => {
    const { ecs, image } = await world()
    const inputs = {
      mode: 'rollback',
      family: 'web',
      'region-id': beijing,
      'replica-region-ids': `${home},${shanghai}`,
    }
    const step = await runMain(ecs, inputs)
    expect(step).toMatchObject({ exitCode: 0, errors: [], warnings: [] })
    expect(outputsOf(step)).toMatchObject({
      'image-id': image(beijing, 0).id,
      'image-ids': byRegion((region) => image(region, 0).id, [beijing, home, shanghai]),
      'deprecated-image-ids': JSON.stringify([image(beijing, 1).id]),
      'in-sync': 'true',
    })
  })

  test('a home region that is down: says how to go on from another one', async () => {
    const { ecs } = await world()
    ecs.intercept = (phase, { parameters, action }) => {
      if (phase === 'before' && parameters.RegionId === home) ecs.faults.add({ kind: 'unavailable', action })
    }
    const step = await runMain(ecs, { mode: 'rollback', ...inAll, 'wait-timeout-minutes': '0.02' })
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toContain(`If ${home} is down, set another of the regions as \`region-id\``)
    expect(writesTo(ecs)).toEqual([])
  })

  /** The two runs that a refusal names, as inputs. */
  const runsIn = (message: string): Inputs[] =>
    message
      .split('Then run with ')
      .map((part) => Object.fromEntries([...part.matchAll(/`([a-z-]+): ([^`]+)`/g)].map((m) => [m[1], m[2]])))

  for (const { what, each } of [
    { what: 'an available target', each: {} },
    { what: 'a deprecated target', each: { 'web-1': { status: 'Deprecated' } } },
  ] as const) {
    test(`a region without a copy of ${what} refuses the whole; the two runs that the refusal names help`, async () => {
      const ecs = await localEcs()
      const image = seedSpread(ecs, ['web-1', 'web-2', 'web-3'], { each })
      ecs.remove(image(beijing, 0).id)
      const before = ecs.state()
      const inputs = { mode: 'rollback', 'to-image-id': image(home, 0).id, ...inAll }
      const refused = await runMain(ecs, inputs)
      expect(refused).toMatchObject({ exitCode: 1, outputs: { changed: 'false' } })
      expect(ecs.state()).toEqual(before)
      expect(errorOf(refused)).toContain('[copy-missing]')
      expect(errorOf(refused)).toContain(`${beijing} (which serves web-3 (${image(beijing, 2).id}))`)
      expect(errorOf(refused)).toContain('until the next run is done')
      const [first = {}, second = {}] = runsIn(errorOf(refused))
      expect(await runMain(ecs, { family: 'web', ...first }, { run: { id: 2 } })).toMatchObject({
        exitCode: 0,
        errors: [],
      })
      expect([home, shanghai].map((region) => ecs.current('web', region))).toEqual(
        [home, shanghai].map((region) => image(region, 0).id),
      )
      expect(ecs.current('web', beijing)).toBe(image(beijing, 2).id)
      expect(await runMain(ecs, { family: 'web', ...second }, { run: { id: 3 } })).toMatchObject({
        exitCode: 0,
        errors: [],
      })
      const resolved = await runMain(ecs, { mode: 'resolve', ...inAll })
      expect(outputsOf(resolved)).toMatchObject({ 'in-sync': 'true', 'image-id': image(home, 0).id })
    })
  }

  // The commands leave out what this run was given for shared images: taken by the word, the first one is refused.
  test('the first run that the refusal names works where the image is shared', async () => {
    const ecs = await localEcs()
    const image = seedSpread(ecs, ['web-1', 'web-2'], { each: { 'web-2': { sharedWith: [ecs.addAccount().uid] } } })
    ecs.remove(image(beijing, 0).id)
    const refused = await runMain(ecs, { mode: 'rollback', 'quarantine-family': 'bad', ...inAll })
    const [first = {}] = runsIn(errorOf(refused))
    expect(await runMain(ecs, { family: 'web', ...first }, { run: { id: 2 } })).toMatchObject({ exitCode: 0 })
  })

  test('hand-made copies are strangers until their origin is noted, and copies from then on', async () => {
    const ecs = await localEcs()
    const image = seedSpread(ecs, ['web-1', 'web-2'], { places: [home] })
    const copies = [shanghai, beijing].flatMap((region) =>
      [0, 1].map((index) => {
        const { id, name } = image(home, index)
        return { of: id, id: ecs.seed.image({ region, family: 'web', name, copyOf: { region: home, id } }).id }
      }),
    )
    const apart = await runMain(ecs, { mode: 'resolve', ...inAll })
    expect(outputsOf(apart)).toMatchObject({ 'in-sync': 'false', found: 'true' })
    expect(errorOf(await runMain(ecs, { mode: 'rollback', ...inAll }))).toContain('[copy-missing]')
    for (const { id, of } of copies) ecs.change(id, { tags: { 'image-family:origin': `${home}/${of}` } })
    expect((await runMain(ecs, { mode: 'resolve', ...inAll })).outputs['in-sync']).toBe('true')
    const step = await runMain(ecs, { mode: 'rollback', ...inAll })
    expect(step).toMatchObject({ exitCode: 0, outputs: { 'in-sync': 'true', 'image-id': image(home, 0).id } })
  })
})

describe('resolve', () => {
  test('everywhere the same image: one request a region, each once', async () => {
    const { ecs, image } = await world()
    const step = await runMain(ecs, { mode: 'resolve', ...inAll })
    expect(step).toMatchObject({ exitCode: 0, errors: [], warnings: [], notices: [] })
    expect(outputsOf(step)).toMatchObject({
      'image-id': image(home, 1).id,
      'image-ids': byRegion((region) => image(region, 1).id),
      'current-image-ids': byRegion((region) => image(region, 1).id),
      'in-sync': 'true',
      found: 'true',
      changed: 'false',
    })
    expect(ecs.requests.map(({ action }) => action)).toEqual(regions.map(() => 'DescribeImageFromFamily'))
  })

  test('regions that differ are named with image and commit', async () => {
    const { ecs, image } = await world()
    ecs.change(image(beijing, 1).id, { status: 'Deprecated' })
    const step = await runMain(ecs, { mode: 'resolve', ...inAll })
    expect(step).toMatchObject({ exitCode: 0, outputs: { 'in-sync': 'false', found: 'true' } })
    expect(step.warnings).toHaveLength(1)
    expect(step.warnings[0]).toContain(
      `${beijing} serves web-1 (${image(beijing, 0).id}) of commit 111111111111, another image`,
    )
    expect(step.warnings[0]).toContain(
      'Promote the image that you want in all of them: `mode: promote` with its `image-id`.',
    )
    expect(rowOf(step.summary, `\`${beijing}\``)).toBe(
      `| \`${beijing}\` | \`${image(beijing, 0).id}\` | web-1 | \`111111111111\` | ✘ another image |`,
    )
  })

  const withoutBeijing = async () => {
    const { ecs, image } = await world()
    for (const index of [0, 1]) ecs.change(image(beijing, index).id, { status: 'Deprecated' })
    return { ecs, image }
  }

  test('a region in which it resolves to nothing is an error, or ignored', async () => {
    const { ecs, image } = await withoutBeijing()
    const strict = await runMain(ecs, { mode: 'resolve', ...inAll })
    expect(strict).toMatchObject({ exitCode: 1, outputs: { found: 'false', 'in-sync': 'false' } })
    expect(errorOf(strict)).toContain(`Family web resolves to nothing in ${beijing}. [not-found]`)
    const lenient = await runMain(ecs, { mode: 'resolve', ...inAll, 'if-missing': 'ignore' })
    expect(lenient).toMatchObject({ exitCode: 0, outputs: { found: 'false', 'in-sync': 'false' } })
    expect(outputsOf(lenient)['image-ids']).toEqual(byRegion((region) => image(region, 1).id, [home, shanghai]))
    expect(lenient.warnings).toEqual([expect.stringContaining(beijing)])
    expect(rowOf(lenient.summary, `\`${beijing}\``)).toContain('nothing')
  })

  // One region serves nothing, and no region serves another image.
  test('and the headline does not say that it serves something else', async () => {
    const { ecs } = await withoutBeijing()
    const step = await runMain(ecs, { mode: 'resolve', ...inAll, 'if-missing': 'ignore' })
    expect(step.log).not.toContain('something else')
  })
})

describe('ways to a region', () => {
  test('a region in which nothing is permitted changes nothing anywhere, and is named', async () => {
    const { ecs } = await world()
    for (const mode of [stopped(ecs), { mode: 'rollback', ...inAll }, { mode: 'resolve', ...inAll }]) {
      ecs.intercept = (phase, { parameters, action }) => {
        if (phase !== 'before' || parameters.RegionId !== beijing) return
        ecs.faults.add({ kind: 'error', code: 'Forbidden.RAM', status: 403, message: 'Not authorized.', action })
      }
      ecs.faults.clear()
      const before = ecs.images()
      const step = await runMain(ecs, mode)
      expect(step).toMatchObject({ exitCode: 1, outputs: { changed: 'false' } })
      expect(ecs.images()).toEqual(before)
      expect(writesTo(ecs)).toEqual([])
      expect(errorOf(step)).toMatch(/ECS answered Forbidden\.RAM/)
      expect(errorOf(step)).toContain('Grant `ecs:')
    }
  })

  test('a change that is not permitted in one region changes nothing in any', async () => {
    const { ecs, image } = await world()
    ecs.intercept = (phase, { parameters, action }) => {
      if (phase !== 'before' || parameters.RegionId !== beijing || action !== 'ModifyImageAttribute') return
      ecs.faults.add({ kind: 'error', code: 'Forbidden.RAM', status: 403, message: 'Not authorized.', action })
    }
    const before = ecs.state()
    const step = await runMain(ecs, { mode: 'rollback', ...inAll })
    expect(step.exitCode).toBe(1)
    expect(ecs.state()).toEqual(before)
    expect(errorOf(step)).toMatch(
      new RegExp(
        `^Rollback of web refused\\nIn ${beijing}: ECS would not deprecate ${image(beijing, 1).id}: .*\\[not-permitted\\]\\nNothing was changed`,
      ),
    )
  })

  // Three regions wait at once, and the log says three times the same without saying where.
  test('each line of a later attempt names its region', async () => {
    const { ecs } = await world()
    const step = await runMain(ecs, { mode: 'rollback', ...inAll, 'dry-run': 'true' }, { run: { attempt: 2 } })
    expect(step.exitCode).toBe(0)
    // One wait for all of them.
    const lines = groupLines(step).filter((line) => !line.includes('Waiting out'))
    for (const line of lines) expect(line).toMatch(/cn-(hangzhou|shanghai|beijing)/)
  })
})
