/**
 * How the families of four regions are switched, seen from outside at every request: nowhere before the image is ready
 * everywhere, and each answer changes once.
 */
import { describe, expect, test } from 'vitest'
import type { Inputs } from '../action/runner.ts'
import type { LocalEcs } from '../local-ecs/server.ts'
import { startEcs } from '../scenarios.ts'
import { type Walk, walk } from './walk.ts'

const home = 'cn-hangzhou'
const replicas = ['cn-shanghai', 'cn-beijing', 'cn-shenzhen'] as const
const [shanghai, beijing, shenzhen] = replicas
const regions = [home, ...replicas]

type Images = ReturnType<LocalEcs['images']>
type Image = Images[number]
type Seed = NonNullable<Parameters<LocalEcs['seed']['image']>[0]>
type Setting = (ecs: LocalEcs) => void

const on = (day: number): string => `2026-03-${String(day).padStart(2, '0')}T10:00:00Z`

/** As the contract says it, apart from the code that is tested. */
const originOf = ({ region, id, tags }: Pick<Image, 'region' | 'id' | 'tags'>): string =>
  tags['image-family:origin'] ?? `${region}/${id}`

const isReady = ({ status, usable }: Image): boolean => status === 'Available' && usable

/** An image of a day at home, and what becomes of it in the replicas. */
const atHome = (ecs: LocalEcs, day: number, more: Seed = {}): Image =>
  ecs.seed.image({ name: `v${day}`, family: 'web', createdAt: on(day), ...more })

/** A copy, created an hour after its original unless told otherwise. */
const copyIn = (ecs: LocalEcs, region: string, of: Image, more: Seed = {}): Image =>
  ecs.seed.image({
    region,
    name: `${of.name}-copy`,
    family: 'web',
    createdAt: Date.parse(of.creationTime) + 3_600_000,
    copyOf: { region: home, id: of.id },
    tags: { 'image-family:origin': originOf(of) },
    ...more,
  })

const everywhere = (ecs: LocalEcs, of: Image): Image[] => replicas.map((region) => copyIn(ecs, region, of))

interface Watched {
  /** By region: what the family resolves to, each time that it changes. */
  readonly answers: Readonly<Record<string, (string | undefined)[]>>
  /** Moments at which a region served the new image although it was not ready in all of them. */
  readonly early: string[]
  /** Looks at all four regions. */
  looks: number
}

/** In the family already and newer than what it serves: to restore it is to switch that region. */
const switchesByRestoring = (ecs: LocalEcs, { region, family, status, creationTime }: Image): boolean => {
  const current = ecs.image(ecs.current('web', region) ?? '')
  return family === 'web' && status === 'Deprecated' && creationTime > (current?.creationTime ?? '')
}

/** Before and after each request, in every region. @param isNew whether an image is the one that is to be served */
function watchRegions(ecs: LocalEcs, isNew: (image: Image) => boolean): Watched {
  const answers = Object.fromEntries(regions.map((region) => [region, [ecs.current('web', region)]]))
  const watched: Watched = { answers, early: [], looks: 0 }
  const restored = ecs.images().filter((image) => switchesByRestoring(ecs, image))
  const isPrepared = (image: Image) => isReady(image) || restored.some(({ id }) => id === image.id)
  const missing = () =>
    regions.filter((region) => !ecs.images(region).some((image) => isNew(image) && isPrepared(image)))
  const isServed = (id: string | undefined) => id !== undefined && isNew(ecs.image(id) as Image)
  const before = regions.filter((region) => isServed(ecs.current('web', region)))
  ecs.intercept = (phase, { action, region: where }) => {
    watched.looks += 1
    for (const region of regions) {
      const now = ecs.current('web', region)
      const seen = answers[region] ?? []
      if (now !== seen.at(-1)) seen.push(now)
      if (before.includes(region) || !isServed(now)) continue
      const unready = missing()
      if (unready.length > 0) {
        watched.early.push(`${phase} ${action} in ${where}: ${region} serves ${now}, not ready in ${unready}`)
      }
    }
  }
  return watched
}

/** Each region once, and all to the same image, which is what the outputs name. */
function expectOneSwitch(ecs: LocalEcs, walked: Walk, watched: Watched, unchanged: readonly string[] = []): void {
  expect(walked.failure).toBeUndefined()
  expect(watched.looks).toBe(2 * ecs.requests.length)
  expect(watched.early).toEqual([])
  const settled = JSON.parse(walked.outputs['image-ids'] ?? '') as Record<string, string>
  expect(Object.keys(settled).toSorted()).toEqual(regions.toSorted())
  const origins = Object.values(settled).map((id) => originOf(ecs.image(id) as Image))
  expect(new Set(origins).size).toBe(1)
  for (const region of regions) {
    const answers = watched.answers[region]
    expect(answers, region).toEqual(unchanged.includes(region) ? [settled[region]] : [answers?.[0], settled[region]])
  }
  expect(walked.outputs['in-sync']).toBe('true')
  expect(walked.outputs.changed).toBe('true')
}

/** Copies to three regions that take very different times. */
const slowCopies: Setting = (ecs) => {
  const seconds: Record<string, number> = { [shanghai]: 20, [beijing]: 240, [shenzhen]: 90 }
  const before = ecs.intercept
  ecs.intercept = (phase, request) => {
    const target = request.parameters.DestinationRegionId
    if (phase === 'before' && target) ecs.switches.copySeconds = seconds[target] ?? 0
    return before?.(phase, request)
  }
}

const switched =
  (switches: Partial<LocalEcs['switches']>): Setting =>
  (ecs) =>
    void Object.assign(ecs.switches, switches)

const stale = {
  newImageHiddenSeconds: 25,
  staleSeconds: 25,
  staleFamilySeconds: 25,
  staleTagSeconds: 25,
} as const

/** What ECS does sometimes; each arranged after the regions are watched. */
const settings: Readonly<Record<string, Setting>> = {
  'as it is': () => undefined,
  'with copies that take different times': slowCopies,
  'with copies one after the other': switched({ copyConflict: 'source', copySeconds: 40 }),
  'with copies dated when they are complete': (ecs) => {
    switched({ copyCreationTime: 'completion' })(ecs)
    slowCopies(ecs)
  },
  'with images that wait before they are worked on': switched({ waitingSeconds: 90, usableDelaySeconds: 60 }),
  'with copies that carry all tags over': switched({ copyCarriesTags: true }),
  'with new images hidden at first': switched({ newImageHiddenSeconds: stale.newImageHiddenSeconds }),
  'with late reads of images': switched({ staleSeconds: stale.staleSeconds }),
  'with late reads of families': switched({ staleFamilySeconds: stale.staleFamilySeconds }),
  'with late reads of tags': switched({ staleTagSeconds: stale.staleTagSeconds }),
  'with all reads late, and copies of different times one after the other': (ecs) => {
    switched({ ...stale, copyConflict: 'source', copyCreationTime: 'completion', usableDelaySeconds: 30 })(ecs)
    slowCopies(ecs)
  },
}

interface Story {
  /** @returns the inputs, and the image that is promoted */
  readonly arrange: (ecs: LocalEcs) => { readonly inputs: Inputs; readonly target: Image }
  /** Regions that serve the image before. */
  readonly unchanged?: readonly string[]
}

const promoting = (target: Image, more: Inputs = {}): { inputs: Inputs; target: Image } => ({
  inputs: {
    mode: 'promote',
    family: 'web',
    'image-id': target.id,
    'replica-region-ids': replicas.join(),
    ...more,
  },
  target,
})

const newest = { 'deprecate-newer': 'true' } as const

const promotions: Readonly<Record<string, Story>> = {
  'a new image without copies': {
    arrange: (ecs) => {
      everywhere(ecs, atHome(ecs, 1))
      everywhere(ecs, atHome(ecs, 2))
      return promoting(atHome(ecs, 9, { name: 'tested', family: '' }))
    },
  },
  'what a candidate family serves, where copies are there in some states': {
    arrange: (ecs) => {
      everywhere(ecs, atHome(ecs, 1))
      const target = atHome(ecs, 9, { name: 'tested', family: 'web-candidate' })
      copyIn(ecs, shanghai, target, { family: '' })
      // Somebody's, in the family already and to be restored.
      copyIn(ecs, beijing, target, { status: 'Deprecated' })
      const { inputs } = promoting(target, { 'from-family': 'web-candidate' })
      return { inputs: { ...inputs, 'image-id': '(none)' }, target }
    },
  },
  'an image of which one copy is still being made, and one is served': {
    arrange: (ecs) => {
      everywhere(ecs, atHome(ecs, 1))
      const target = atHome(ecs, 9, { name: 'tested', family: '' })
      copyIn(ecs, shanghai, target, { family: '', status: undefined, createdAt: '2026-04-01T07:59:00Z', readyIn: 300 })
      copyIn(ecs, beijing, target)
      return promoting(target)
    },
    unchanged: [beijing],
  },
  'an older image before which newer ones stand': {
    arrange: (ecs) => {
      const [v1, v2, v3] = [1, 2, 3].map((day) => atHome(ecs, day)) as [Image, Image, Image]
      // In Shanghai as at home, in Beijing without a copy of it, in Shenzhen with a late copy of an older image.
      for (const image of [v1, v2, v3]) copyIn(ecs, shanghai, image)
      for (const image of [v2, v3]) copyIn(ecs, beijing, image)
      copyIn(ecs, shenzhen, v3)
      copyIn(ecs, shenzhen, v1)
      copyIn(ecs, shenzhen, v2, { createdAt: on(20) })
      return promoting(v1, newest)
    },
  },
  'an image before which late copies of old ones stand': {
    arrange: (ecs) => {
      const [v1, v2] = [1, 2].map((day) => atHome(ecs, day)) as [Image, Image]
      everywhere(ecs, v2)
      const target = atHome(ecs, 9, { name: 'tested', family: '' })
      copyIn(ecs, shanghai, target, { family: '' })
      copyIn(ecs, shanghai, v1, { createdAt: on(20) })
      copyIn(ecs, shenzhen, target, { status: 'Deprecated' })
      copyIn(ecs, shenzhen, v1, { createdAt: on(20) })
      return promoting(target, newest)
    },
  },
  'newer shared images moved into quarantine': {
    arrange: (ecs) => {
      const [v1, v2] = [1, 2].map((day) => atHome(ecs, day)) as [Image, Image]
      const account = ecs.addAccount().uid
      const bad = atHome(ecs, 3, { sharedWith: [account] })
      for (const region of replicas) {
        copyIn(ecs, region, v2)
        copyIn(ecs, region, bad, { sharedWith: [account] })
      }
      copyIn(ecs, shanghai, v1)
      return promoting(v1, { ...newest, 'quarantine-family': 'web-bad', 'share-with': account })
    },
  },
  'newer shared images that are taken back': {
    arrange: (ecs) => {
      const accounts = Array.from({ length: 12 }, () => ecs.addAccount().uid)
      const v1 = atHome(ecs, 1)
      const bad = atHome(ecs, 3, { sharedWith: accounts })
      for (const region of replicas) copyIn(ecs, region, bad, { sharedWith: accounts })
      copyIn(ecs, beijing, v1)
      return promoting(v1, { ...newest, unshare: 'true', 'share-with': accounts.join() })
    },
  },
  'a deprecated image, restored first as nobody sees it': {
    arrange: (ecs) => {
      const v1 = atHome(ecs, 1, { status: 'Deprecated' })
      everywhere(ecs, atHome(ecs, 2))
      everywhere(ecs, atHome(ecs, 3))
      return promoting(v1, newest)
    },
  },
  'a deprecated image, copied from a region where it is available': {
    arrange: (ecs) => {
      const target = atHome(ecs, 9, { status: 'Deprecated' })
      everywhere(ecs, atHome(ecs, 2))
      copyIn(ecs, beijing, target, { family: '' })
      return promoting(target)
    },
  },
  'without copies, where a late copy of an old image counts as newer than any made now': {
    arrange: (ecs) => {
      const v1 = atHome(ecs, 1)
      everywhere(ecs, v1)
      everywhere(ecs, atHome(ecs, 2))
      copyIn(ecs, shenzhen, v1, { name: 'late', createdAt: '2026-05-01T10:00:00Z' })
      return promoting(atHome(ecs, 9, { name: 'tested', family: '' }), newest)
    },
  },
  'from another home, while the first image stands in a replica': {
    arrange: (ecs) => {
      everywhere(ecs, atHome(ecs, 1))
      const first = atHome(ecs, 9, { name: 'tested', family: '' })
      const target = copyIn(ecs, shanghai, first, { family: '' })
      const others = [home, beijing, shenzhen].join()
      return promoting(target, { 'region-id': shanghai, 'replica-region-ids': others })
    },
  },
  'into a family that is empty in some regions': {
    arrange: (ecs) => {
      copyIn(ecs, shanghai, atHome(ecs, 1))
      return promoting(atHome(ecs, 9, { name: 'tested', family: '' }))
    },
  },
}

describe('A promotion into four regions switches each once, and none before all copies are available', () => {
  for (const [name, { arrange, unchanged = [] }] of Object.entries(promotions)) {
    test.each(Object.entries(settings))(`${name}, %s`, async (_, set) => {
      const ecs = await startEcs()
      const { inputs, target } = arrange(ecs)
      const watched = watchRegions(ecs, (image) => originOf(image) === originOf(target))
      set(ecs)
      const walked = await walk(ecs, inputs)
      expectOneSwitch(ecs, walked, watched, unchanged)
      await ecs.close()
    })
  }
})

// A copy that is in no family could be restored before any region is switched: ready everywhere first, as always.
test('A deprecated copy outside of the family is available before any region is switched', async () => {
  const ecs = await startEcs()
  everywhere(ecs, atHome(ecs, 1))
  const target = atHome(ecs, 9, { name: 'tested', family: '' })
  for (const region of [shanghai, shenzhen]) copyIn(ecs, region, target, { family: '' })
  copyIn(ecs, beijing, target, { family: '', status: 'Deprecated' })
  const watched = watchRegions(ecs, (image) => originOf(image) === originOf(target))
  const walked = await walk(ecs, promoting(target).inputs)
  await ecs.close()
  expectOneSwitch(ecs, walked, watched)
})

const baking = (ecs: LocalEcs, more: Inputs = {}): Inputs => ({
  mode: 'bake',
  family: 'web',
  'instance-id': ecs.seed.instance({ status: 'Stopped' }).id,
  'replica-region-ids': replicas.join(),
  ...more,
})

const bakes: Readonly<Record<string, (ecs: LocalEcs) => Inputs>> = {
  'into a family that is everywhere': (ecs) => {
    everywhere(ecs, atHome(ecs, 1))
    everywhere(ecs, atHome(ecs, 2))
    return baking(ecs)
  },
  'of a running instance, with a name of its own, into a family that is at home only': (ecs) => {
    atHome(ecs, 1)
    const instance = ecs.seed.instance({ status: 'Running' })
    return baking(ecs, { 'instance-id': instance.id, 'stop-instance': 'true', 'image-name': 'golden' })
  },
  'into a new family': (ecs) => baking(ecs),
  'where a late copy of an old image counts as newer than any made now': (ecs) => {
    const v1 = atHome(ecs, 1)
    everywhere(ecs, v1)
    copyIn(ecs, shenzhen, v1, { name: 'late', createdAt: '2026-05-01T10:00:00Z' })
    return baking(ecs)
  },
  'shared, and with the oldest images deleted': (ecs) => {
    const tags = { 'image-family:run': 'made' }
    for (const day of [1, 2, 3]) everywhere(ecs, atHome(ecs, day, { tags }))
    return baking(ecs, { keep: '2', 'share-with': Array.from({ length: 12 }, () => ecs.addAccount().uid).join() })
  },
}

describe('A bake into four regions switches each once, and none before all copies are available', () => {
  for (const [name, arrange] of Object.entries(bakes)) {
    test.each(Object.entries(settings))(`${name}, %s`, async (_, set) => {
      const ecs = await startEcs()
      const inputs = arrange(ecs)
      const before = ecs.images().map(({ id }) => id)
      const watched = watchRegions(ecs, ({ id }) => !before.includes(id))
      set(ecs)
      const walked = await walk(ecs, inputs)
      expectOneSwitch(ecs, walked, watched)
      await ecs.close()
    })
  }
})

test('A copy that somebody deletes while others are still made is made again before any region is switched', async () => {
  const ecs = await startEcs()
  everywhere(ecs, atHome(ecs, 1))
  const target = atHome(ecs, 9, { name: 'tested', family: '' })
  const watched = watchRegions(ecs, (image) => originOf(image) === originOf(target))
  slowCopies(ecs)
  const before = ecs.intercept
  let deleted: Image | undefined
  ecs.intercept = (phase, request) => {
    const copy = ecs.images(shanghai).find((image) => originOf(image) === originOf(target) && isReady(image))
    // By then it has been seen to be ready.
    const isLeft = ecs.requests.slice(-8).every(({ region }) => region !== shanghai)
    if (!deleted && copy && isLeft) {
      ecs.remove(copy.id)
      deleted = copy
    }
    return before?.(phase, request)
  }
  const walked = await walk(ecs, promoting(target).inputs)
  expect(deleted).toBeDefined()
  expectOneSwitch(ecs, walked, watched)
  await ecs.close()
})

describe('Where one copy fails, no region is switched; the re-run switches all', () => {
  const failing = (ecs: LocalEcs) => {
    const before = ecs.intercept
    ecs.intercept = (phase, request) => {
      if (phase === 'before' && request.parameters.DestinationRegionId === beijing) ecs.switches.failNextImages = 1
      return before?.(phase, request)
    }
  }

  async function failAndRepeat(ecs: LocalEcs, inputs: Inputs, isNew: (image: Image) => boolean) {
    const watched = watchRegions(ecs, isNew)
    const watching = ecs.intercept
    failing(ecs)
    const first = await walk(ecs, inputs)
    expect(first.failure?.what).toContain(beijing)
    expect(Object.values(watched.answers).map(({ length }) => length)).toEqual([1, 1, 1, 1])
    const copied = ecs.requests.filter(({ action, dryRun }) => action === 'CopyImage' && !dryRun).length
    ecs.intercept = watching
    const again = await walk(ecs, inputs, { run: { attempt: 2 } })
    expectOneSwitch(ecs, again, watched)
    const copiedAgain = ecs.requests.filter(({ action }) => action === 'CopyImage').slice(copied)
    expect(copiedAgain.map(({ parameters }) => parameters.DestinationRegionId)).toEqual([beijing])
    await ecs.close()
  }

  test('of a promotion', async () => {
    const ecs = await startEcs()
    everywhere(ecs, atHome(ecs, 1))
    const target = atHome(ecs, 9, { name: 'tested', family: '' })
    await failAndRepeat(ecs, promoting(target).inputs, (image) => originOf(image) === `${home}/${target.id}`)
  })

  test('of a bake', async () => {
    const ecs = await startEcs()
    everywhere(ecs, atHome(ecs, 1))
    const inputs = baking(ecs)
    const before = ecs.images().map(({ id }) => id)
    await failAndRepeat(ecs, inputs, ({ id }) => !before.includes(id))
  })
})

// ECS's own dry run says that there is no room in one region, and nothing that `keep` leaves over may go to make some.
describe('A family that is full in one region, of images that may not go: no region is switched', () => {
  async function intoFull(arrange: (ecs: LocalEcs) => Inputs) {
    const ecs = await startEcs()
    everywhere(ecs, atHome(ecs, 20))
    for (let number = 1; number < 100; number++) {
      const createdAt = Date.parse(on(1)) + number * 1000
      ecs.seed.image({ region: beijing, name: `own-${number}`, family: 'web', createdAt })
    }
    const inputs = { ...arrange(ecs), keep: '99' }
    const watched = watchRegions(ecs, () => false)
    const walked = await walk(ecs, inputs)
    await ecs.close()
    expect(walked.failure?.what).toContain('ImageQuotaFull.ImageFamily')
    expect(Object.values(watched.answers).map(({ length }) => length)).toEqual([1, 1, 1, 1])
  }
  test('by a bake', () => intoFull((ecs) => baking(ecs)))
  test('by a promotion', () => intoFull((ecs) => promoting(atHome(ecs, 21, { family: '' })).inputs))
})

// The comparison comes after the image is shared, and while the other regions put theirs into the family.
test('Where home serves another image than was expected by then, nothing visible is changed anywhere', async () => {
  const ecs = await startEcs()
  const [v1, v2] = [1, 2].map((day) => atHome(ecs, day)) as [Image, Image]
  for (const region of replicas) {
    copyIn(ecs, region, v1, { family: '' })
    copyIn(ecs, region, v2)
  }
  const visible = () => ecs.images().map(({ id, family, status, sharedWith }) => ({ id, family, status, sharedWith }))
  const before = visible()
  let late: Image | undefined
  ecs.intercept = (phase, { action }) => {
    if (phase === 'after' && action === 'TagResources') late ??= atHome(ecs, 3)
  }
  const more = { ...newest, 'expected-image-id': v2.id, 'share-with': ecs.addAccount().uid }
  const { failure, outputs } = await walk(ecs, promoting(v1, more).inputs)
  const after = visible().filter(({ id }) => id !== late?.id)
  await ecs.close()
  expect(failure?.what).toContain('No family was switched.')
  expect(after).toEqual(before)
  expect(outputs.changed).toBe('false')
})

// ── Rollback ─────────────────────────────────────────────────────────────────

const falling = (more: Inputs = {}): Inputs => ({
  mode: 'rollback',
  family: 'web',
  'replica-region-ids': replicas.join(),
  ...more,
})

/** @returns the inputs, and what every region falls back to */
const rollbacks: Readonly<Record<string, (ecs: LocalEcs) => { readonly inputs: Inputs; readonly good: Image }>> = {
  'from the newest image to the one before': (ecs) => {
    const [, good] = [1, 2, 3].map((day) => {
      const image = atHome(ecs, day)
      everywhere(ecs, image)
      return image
    }) as [Image, Image, Image]
    return { inputs: falling({ reason: 'it drops connections' }), good }
  },
  'from copies that are not in the order of home': (ecs) => {
    const [v1, good, bad] = [1, 2, 3].map((day) => atHome(ecs, day)) as [Image, Image, Image]
    for (const image of [v1, good, bad]) copyIn(ecs, shanghai, image)
    // Late copies: of the good one, which is deprecated there, and of an old one that stands before the good one.
    copyIn(ecs, beijing, bad)
    copyIn(ecs, beijing, good, { createdAt: on(20), status: 'Deprecated' })
    copyIn(ecs, shenzhen, good)
    copyIn(ecs, shenzhen, v1, { createdAt: on(5) })
    copyIn(ecs, shenzhen, bad, { createdAt: on(6) })
    return { inputs: falling(), good }
  },
  'over several images to one that is deprecated': (ecs) => {
    const good = atHome(ecs, 1, { status: 'Deprecated' })
    const bad = [2, 3, 4].map((day) => atHome(ecs, day))
    for (const image of [good, ...bad]) copyIn(ecs, shanghai, image)
    copyIn(ecs, beijing, good, { status: 'Deprecated' })
    for (const image of bad) copyIn(ecs, beijing, image)
    copyIn(ecs, shenzhen, good, { status: 'Deprecated' })
    for (const image of bad) copyIn(ecs, shenzhen, image)
    return { inputs: falling({ 'to-image-id': good.id, 'expected-image-id': bad.at(-1)?.id ?? '' }), good }
  },
  'from another home': (ecs) => {
    const [good] = [1, 2].map((day) => {
      const image = atHome(ecs, day)
      everywhere(ecs, image)
      return image
    }) as [Image, Image]
    return { inputs: falling({ 'region-id': beijing, 'replica-region-ids': `${home},${shanghai},${shenzhen}` }), good }
  },
  'of shared images, into quarantine': (ecs) => {
    const sharedWith = Array.from({ length: 12 }, () => ecs.addAccount().uid)
    const good = atHome(ecs, 1)
    everywhere(ecs, good)
    const bad = atHome(ecs, 2, { sharedWith })
    for (const region of replicas) copyIn(ecs, region, bad, { sharedWith })
    return { inputs: falling({ 'quarantine-family': 'web-bad', 'share-with': sharedWith.join() }), good }
  },
  'of shared images, with their shares taken back': (ecs) => {
    const sharedWith = Array.from({ length: 12 }, () => ecs.addAccount().uid)
    const good = atHome(ecs, 1)
    everywhere(ecs, good)
    const bad = atHome(ecs, 2, { sharedWith })
    for (const region of replicas) copyIn(ecs, region, bad, { sharedWith })
    return { inputs: falling({ unshare: 'true' }), good }
  },
}

const lateReads = Object.entries(settings).filter(([name]) => !/cop(y|ies)|hidden|wait/.test(name))

describe('A rollback in four regions leads each from the bad image to the good one in one change', () => {
  for (const [name, arrange] of Object.entries(rollbacks)) {
    test.each([...lateReads, ['with all reads late', switched(stale)] as const])(`${name}, %s`, async (_, set) => {
      const ecs = await startEcs()
      const { inputs, good } = arrange(ecs)
      const isGood = (image: Image) => originOf(image) === originOf(good)
      const bad = Object.fromEntries(regions.map((region) => [region, ecs.current('web', region)]))
      const watched = watchRegions(ecs, isGood)
      set(ecs)
      const walked = await walk(ecs, inputs)
      expectOneSwitch(ecs, walked, watched)
      for (const region of regions) {
        const [first, last] = watched.answers[region] ?? []
        expect(first).toBe(bad[region])
        expect(originOf(ecs.image(last ?? '') as Image)).toBe(originOf(good))
      }
      await ecs.close()
    })
  }
})
