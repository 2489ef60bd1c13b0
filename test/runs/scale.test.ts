/**
 * A family of 100 images in 25 regions, shared with 50 accounts: which requests that takes, each with the reason for
 * it, and that the regions are worked on side by side.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { EcsClient } from '../../src/ecs/client.ts'
import { consistencyIntervals } from '../../src/engine/clock.ts'
import type { Inputs, WorkflowRun } from '../action/runner.ts'
import { type LocalEcs, type RequestRecord, startLocalEcs, steppedClock } from '../local-ecs/server.ts'
import { type Walk, walk } from './walk.ts'

const home = 'cn-hangzhou'
const replica = 'cn-shanghai'
const everyRegion = [home, replica, ...Array.from({ length: 23 }, (_, index) => `ap-test-${index + 1}`)]

interface Setup {
  readonly regions?: readonly string[]
  /** In each region. */
  readonly images?: number
  readonly isShared?: boolean
}

interface Scene {
  readonly ecs: LocalEcs
  readonly regions: readonly string[]
  readonly accounts: readonly string[]
}

type Image = ReturnType<LocalEcs['seed']['image']>
type Seed = NonNullable<Parameters<LocalEcs['seed']['image']>[0]>

/** An image and its copies, in every region. */
function seedEverywhere({ ecs, regions }: Pick<Scene, 'ecs' | 'regions'>, seed: Seed): Image {
  const original = ecs.seed.image({ ...seed, tags: { ...seed.tags, 'image-family:source': 'instance' } })
  const copyOf = { region: home, id: original.id }
  const tags = { ...seed.tags, 'image-family:origin': `${home}/${original.id}` }
  for (const region of regions.slice(1)) ecs.seed.image({ ...seed, region, copyOf, tags })
  return original
}

/** Nothing takes time there, so that what is waited for is there at the first look. The newest image is shared. */
async function startWith({ regions = everyRegion, images = 100, isShared = true }: Setup = {}): Promise<Scene> {
  const ecs = await startLocalEcs({
    regions,
    clock: steppedClock({ secondsPerRequest: 0 }),
    switches: { copySeconds: 0, creationSeconds: 0 },
  })
  const accounts = Array.from({ length: 50 }, () => ecs.addAccount().uid)
  for (let number = 1; number <= images; number++) {
    const isNewest = number === images
    seedEverywhere(
      { ecs, regions },
      {
        name: `v${number}`,
        family: 'web',
        createdAt: Date.parse('2026-01-01T00:00:00Z') + number * 3_600_000,
        sharedWith: isNewest && isShared ? accounts : [],
        tags: { 'image-family:run': 'earlier' },
      },
    )
  }
  return { ecs, regions, accounts }
}

const tested: Seed = { name: 'tested', createdAt: '2026-03-01T00:00:00Z' }

async function release({ ecs, regions }: Scene, inputs: Inputs, run: WorkflowRun = {}): Promise<Walk> {
  const walked = await walk(ecs, { family: 'web', 'replica-region-ids': regions.slice(1).join(), ...inputs }, { run })
  expect(walked.failure).toBeUndefined()
  if (regions.length > 1) expect(walked.outputs['in-sync']).toBe('true')
  return walked
}

// ── Requests ─────────────────────────────────────────────────────────────────

/** A copy is asked for where its source is. */
const regionOf = ({ region, parameters }: RequestRecord): string => parameters.DestinationRegionId ?? region

const nameOf = ({ action, dryRun }: RequestRecord): string => (dryRun ? `${action} (dry run)` : action)

function countsIn(ecs: LocalEcs, region: string): Record<string, number> {
  const requests = ecs.requests.filter((request) => regionOf(request) === region)
  return Object.fromEntries([...Map.groupBy(requests, nameOf)].map(([name, { length }]) => [name, length]))
}

/** By API: what its requests are for, and how many that takes. */
type Needed = Readonly<Record<string, Readonly<Record<string, number>>>>

const all = (...needs: readonly Needed[]): Needed => {
  const names = new Set(needs.flatMap((needed) => Object.keys(needed)))
  const reasons = (name: string) => Object.assign({}, ...needs.map((needed) => needed[name] ?? {}))
  return Object.fromEntries([...names].map((name) => [name, reasons(name)]))
}

const sumsOf = (needed: Needed): Record<string, number> =>
  Object.fromEntries(
    Object.entries(needed).map(([name, reasons]) => [name, Object.values(reasons).reduce((sum, each) => sum + each)]),
  )

/** Exactly those requests, in the home region and in each of the others. */
function expectRequests({ ecs, regions }: Scene, { atHome, inReplica }: { atHome: Needed; inReplica: Needed }): void {
  expect(countsIn(ecs, home)).toEqual(sumsOf(atHome))
  for (const region of regions.slice(1)) expect(countsIn(ecs, region), region).toEqual(sumsOf(inReplica))
}

// What the outputs say of the image is asked for at home only.
const describing: Needed = { DescribeImages: { 'the image as it is at the end': 1 } }

const sharing: Needed = {
  DescribeImageSharePermission: { 'who sees the image already': 1 },
  'ModifyImageSharePermission (dry run)': { 'may it be shared, with ten accounts a request': 5 },
  ModifyImageSharePermission: { 'ten accounts a request': 5 },
}

const rolling: Needed = {
  DescribeImageFromFamily: { 'what the family serves': 1, 'what it serves afterwards': 1 },
  DescribeImages: { 'the images of the family': 1, 'the good image still stands': 1 },
  DescribeImageSharePermission: { 'who sees the bad image': 1, 'and not the good one': 1 },
  'ModifyImageSharePermission (dry run)': { 'may its shares be taken back: what holds for ten holds for all': 1 },
  'ModifyImageAttribute (dry run)': { 'may it be deprecated': 1 },
  // The reason stands on the bad image only, whose mark is the last.
  TagResources: { 'the decision on the good image': 1, 'the decision on the bad image': 1, 'it is done': 1 },
  ListTagResources: { 'the decision on the good image': 1, 'the decision on the bad image': 1, 'it is done': 1 },
  ModifyImageSharePermission: { 'ten accounts a request': 5 },
  ModifyImageAttribute: { deprecate: 1 },
  DescribeInstances: { 'what still runs the bad image': 1 },
}

const entering: Needed = {
  DescribeImageFromFamily: { 'what the family serves': 1, 'what it serves afterwards': 1 },
  DescribeImages: { 'the images of the family': 1, 'the image, or its copies': 1 },
  DescribeImageSharePermission: { 'who sees what is served now': 1 },
  'ModifyImageAttribute (dry run)': { 'may it join the family': 1 },
  TagResources: { 'the decision': 1, 'it is done': 1 },
  ListTagResources: { 'the decision': 1, 'it is done': 1 },
  ModifyImageAttribute: { join: 1 },
}

/** Where what is served now is shared, and the new image was not to be shared. */
const comparing: Needed = { DescribeImageSharePermission: { 'and not the new one': 1 } }

/** Copies take long: all that was looked at before is looked at anew after them. */
const lookingBefore: Needed = {
  DescribeImageFromFamily: { 'what the family served before copying': 1 },
  DescribeImages: { 'the images of the family before copying': 1, 'the image, or its copies, before copying': 1 },
  DescribeImageSharePermission: { 'who saw what was served before copying': 1 },
}

const copying: Needed = {
  CopyImage: { 'the copy': 1 },
  DescribeImages: { 'the copy is listed, and available': 1 },
}

const baking: Needed = {
  DescribeImageFromFamily: {
    'what the family serves, before and after copying': 2,
    'what it serves afterwards': 1,
    'what it serves, before each deletion': 2,
    'and after the deletions': 1,
  },
  DescribeImages: {
    'the images of the family, before and after copying': 2,
    'which of them are in use, before and after copying': 2,
    'each image before its deletion': 2,
  },
  DescribeImageSharePermission: {
    'who sees what is served now, before and after copying': 2,
    'who sees each image that is to go, before and after copying': 4,
  },
  'ModifyImageAttribute (dry run)': { 'may it join the family': 1 },
  ModifyImageAttribute: { join: 1 },
  TagResources: { 'each snapshot that goes': 2 },
  ListTagResources: { 'the snapshots that go': 1, 'those of each image, before and after its deletion': 4 },
  DeleteImage: { 'what is too many': 2 },
  DeleteSnapshot: { 'the snapshot made for each': 2 },
}

const making: Needed = {
  DescribeInstances: { 'the instance, before and after copying': 2 },
  'CreateImage (dry run)': { 'may it be made': 1 },
  CreateImage: { 'the image': 1 },
  DescribeImages: {
    'images of this run, before and after copying': 2,
    'images of its name, before it is made': 1,
    'the image is listed, and available': 1,
  },
}

interface Story {
  readonly setup?: Setup
  readonly inputs: (scene: Scene) => Inputs
  readonly atHome: Needed
  readonly inReplica: Needed
}

const promote = (image: Image, more: Inputs = {}): Inputs => ({ mode: 'promote', 'image-id': image.id, ...more })

const resolve: Story = {
  inputs: () => ({ mode: 'resolve' }),
  atHome: { DescribeImageFromFamily: { 'what the family serves': 1 } },
  inReplica: { DescribeImageFromFamily: { 'what the family serves': 1 } },
}

const rollback: Story = {
  inputs: () => ({ mode: 'rollback', unshare: 'true', reason: 'it drops connections' }),
  atHome: all(rolling, describing),
  inReplica: rolling,
}

/** The new image is the hundredth. */
const promotion: Story = {
  setup: { images: 99 },
  inputs: (scene) => promote(seedEverywhere(scene, tested)),
  atHome: all(entering, comparing, describing),
  inReplica: all(entering, comparing),
}

const sharedPromotion: Story = {
  setup: { images: 99, isShared: false },
  inputs: (scene) => promote(seedEverywhere(scene, tested), { 'share-with': scene.accounts.join() }),
  atHome: all(entering, sharing, describing),
  inReplica: all(entering, sharing),
}

const copiedPromotion: Story = {
  setup: { images: 99 },
  inputs: ({ ecs }) => promote(ecs.seed.image(tested)),
  atHome: all(entering, comparing, describing, lookingBefore, {
    DescribeImageSharePermission: { 'and not the new one, before copying': 1 },
    'ModifyImageAttribute (dry run)': { 'may it join the family, before copying': 1 },
  }),
  inReplica: all(entering, comparing, lookingBefore, copying),
}

/** Two images go, so that 98 are left. */
const bake: Story = {
  setup: { images: 99 },
  inputs: ({ ecs, accounts }) => ({
    mode: 'bake',
    'instance-id': ecs.seed.instance({ status: 'Stopped' }).id,
    keep: '98',
    'share-with': accounts.join(),
  }),
  atHome: all(baking, sharing, making, describing),
  inReplica: all(baking, sharing, copying, { DescribeImages: { 'copies of the new image': 1 } }),
}

const stories: Readonly<Record<string, Story>> = {
  resolve,
  'rollback of an image shared with 50 accounts': rollback,
  'promotion where copies are there': promotion,
  'promotion where copies are there, shared with 50 accounts': sharedPromotion,
  'promotion where copies are to be made': copiedPromotion,
  'bake, shared with 50 accounts, with the oldest images deleted': bake,
}

describe('25 regions, 100 images, 50 accounts: no request that is not needed', () => {
  test.each(Object.entries(stories))('%s', async (_, story) => {
    const scene = await startWith(story.setup)
    await release(scene, story.inputs(scene))
    expectRequests(scene, story)
    expect(scene.ecs.requests.filter(({ status, dryRun }) => status !== 200 && !dryRun)).toEqual([])
    await scene.ecs.close()
  })
})

/** Questions whose answer was known: nothing was written in the region since they were asked before. */
function askedAgain(ecs: LocalEcs): string[] {
  const known = new Map<string, Set<string>>()
  return ecs.requests.flatMap((request) => {
    const { action, parameters, write, dryRun } = request
    // A copy is written where it is made and asked for where its source is.
    const places = [request.region, regionOf(request)]
    if (write && !dryRun) {
      for (const place of places) known.delete(place)
      return []
    }
    const given = Object.entries(parameters).filter(([name]) => !/^(Signature|Timestamp)/.test(name))
    const question = JSON.stringify(given)
    const asked = known.get(request.region) ?? new Set()
    known.set(request.region, asked)
    if (asked.has(question)) return [`${request.region}: ${action}`]
    asked.add(question)
    return []
  })
}

const few = [home, replica]

/** The accounts that the image served now is shared with, the same in every scene. */
async function sharesOf({ setup }: Story): Promise<{ accounts: string }> {
  const { ecs, accounts } = await startWith({ ...setup, regions: few })
  await ecs.close()
  return { accounts: accounts.join() }
}

async function questionsAskedAgain({ setup, inputs }: Story, more: Inputs = {}): Promise<string[]> {
  const scene = await startWith({ ...setup, regions: few })
  await release(scene, { ...inputs(scene), ...more })
  await scene.ecs.close()
  return askedAgain(scene.ecs)
}

describe('Nothing is asked that is known', () => {
  test.each([
    ['a rollback', rollback],
    ['a promotion where copies are there', promotion],
    ['a shared promotion', sharedPromotion],
  ])('in %s', async (_, story) => {
    expect(await questionsAskedAgain(story)).toEqual([])
  })

  // Who sees the image is asked to share it, and asked anew to name those who are left behind: once would do.
  test('in a promotion of an image that is shared in place of one that is', async () => {
    const { accounts } = await sharesOf(promotion)
    expect(await questionsAskedAgain(promotion, { 'share-with': accounts })).toEqual([])
  })
  test('in a rollback to an image that is shared in place of one that is', async () => {
    const { accounts } = await sharesOf(rollback)
    expect(await questionsAskedAgain(rollback, { 'share-with': accounts })).toEqual([])
  })

  // That ECS lists the image is seen by one request, and whether it is available by the next: its answer held both.
  test('in a promotion where copies are to be made', async () => {
    expect(await questionsAskedAgain(copiedPromotion)).toEqual([])
  })
  test('in a bake', async () => {
    expect(await questionsAskedAgain(bake)).toEqual([])
  })

  // The accounts are ECS's own answer: that the shares of the first ten may be taken back holds for the others.
  test('by a rollback that takes back the shares of fifty accounts', async () => {
    const scene = await startWith({ regions: few })
    await release(scene, rollback.inputs(scene))
    await scene.ecs.close()
    expect(countsIn(scene.ecs, replica)).toMatchObject({ 'ModifyImageSharePermission (dry run)': 1 })
  })

  // A run that has found its image needs no image of the name that it would use.
  test('by a bake that has found the image of an earlier attempt', async () => {
    const scene = await startWith({ regions: [home], images: 3, isShared: false })
    const inputs = { mode: 'bake', 'instance-id': scene.ecs.seed.instance({ status: 'Stopped' }).id }
    await release(scene, inputs)
    const before = scene.ecs.requests.length
    await release(scene, inputs, { attempt: 2 })
    const asked = scene.ecs.requests.slice(before).map(({ parameters }) => parameters)
    expect(asked.filter((parameters) => parameters['Tag.1.Key'] === 'image-family:run')).toHaveLength(1)
    await scene.ecs.close()
    expect(asked.filter(({ ImageName }) => ImageName !== undefined)).toEqual([])
  })

  // What the family serves in the end proves that the image has come into it, as in a bake; before others go it is needed.
  test('by a promotion that withdraws nothing', async () => {
    const scene = await startWith({ regions: few, images: 3, isShared: false })
    await release(scene, promote(seedEverywhere(scene, tested)))
    await scene.ecs.close()
    const actions = scene.ecs.requests.filter((request) => regionOf(request) === replica).map(nameOf)
    expect(actions[actions.indexOf('ModifyImageAttribute') + 1]).toBe('DescribeImageFromFamily')
  })
})

// ── Side by side ─────────────────────────────────────────────────────────────

/** So many turns of the event loop without another call: nobody asks any more until an answer comes. */
const quietTurns = 20

/**
 * Sends no request until nobody asks any more and every answer is in, then all at once: so many times that a run waits
 * for answers. Counted in turns of this process, not in time: however busy the machine is, it comes to the same.
 */
function countRounds(): () => number {
  const { call } = EcsClient.prototype
  let [rounds, underWay, asked] = [0, 0, 0]
  let held: (() => void)[] = []
  const sendWhenQuiet = async (): Promise<void> => {
    const before = asked
    for (let turn = 0; turn < quietTurns; turn++) await nextTurn()
    if (before !== asked || underWay > 0 || held.length === 0) return
    rounds += 1
    const all = held
    held = []
    underWay = all.length
    for (const send of all) send()
  }
  vi.spyOn(EcsClient.prototype, 'call').mockImplementation(async function (this: EcsClient, ...given) {
    asked += 1
    void sendWhenQuiet()
    await new Promise<void>((resolve) => held.push(resolve))
    try {
      return await call.apply(this, given)
    } finally {
      underWay -= 1
      asked += 1
      void sendWhenQuiet()
    }
  })
  return () => rounds
}

async function roundsOf({ setup, inputs }: Story, regions: readonly string[]): Promise<number> {
  const scene = await startWith({ ...setup, regions })
  const given = inputs(scene)
  const rounds = countRounds()
  try {
    await release(scene, given)
  } finally {
    vi.restoreAllMocks()
    await scene.ecs.close()
  }
  return rounds()
}

/** Home alone; where images are copied, with one copy. */
const comparedWith = (story: Story): readonly string[] =>
  story === copiedPromotion || story === bake ? [home, replica] : [home]

describe('25 regions are worked on side by side', () => {
  test.each(Object.entries(stories))('%s: no region waits for another', async (_, story) => {
    const many = await roundsOf(story, everyRegion)
    expect(many).toBe(await roundsOf(story, few))
    // Home decides first. With slow answers this is the time that it takes, apart from the work of the process itself.
    expect(many).toBeLessThan(3 * (await roundsOf(story, comparedWith(story))))
  })
})

describe('Late reads', () => {
  // The attempt before has ended when this one begins: the time that its writes may lag passes once, for all regions.
  test('are waited out once in a re-run', async () => {
    const scene = await startWith({ regions: few, images: 3, isShared: false })
    const inputs = promote(scene.ecs.seed.image(tested))
    const interval = 50
    const asked: number[] = []
    scene.ecs.intercept = (phase) => void (phase === 'before' && asked.push(performance.now()))
    await release(scene, { ...inputs, 'poll-interval-seconds': `${interval / 1000}` }, { attempt: 2 })
    await scene.ecs.close()
    const pauses = asked.filter((time, index) => time - (asked[index - 1] ?? time) >= consistencyIntervals * interval)
    expect(pauses).toHaveLength(1)
  })
})
