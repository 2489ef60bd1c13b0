/** What ECS does not document: bake, promote and rollback come to the same end however it turns out to be. */
import { describe, expect } from 'vitest'
import type { Inputs } from '../action/runner.ts'
import { type LocalEcs, type LocalEcsOptions, realClock } from '../local-ecs/server.ts'
import { endOf, errorOf, localEcs, seedFamily, watchFamily } from '../scene.ts'
import { runMain, test } from './step.ts'

type Switches = NonNullable<LocalEcsOptions['switches']>

interface Scene {
  readonly start: (ecs: LocalEcs) => Inputs
  /** How many different answers the family may give. */
  readonly answers: number
}

const scenes = {
  bake: {
    answers: 2,
    start: (ecs) => {
      seedFamily(ecs, ['web-1'])
      return { mode: 'bake', family: 'web', 'instance-id': ecs.seed.instance().id, 'stop-instance': 'true' }
    },
  },
  'promote out of another family': {
    answers: 2,
    start: (ecs) => {
      seedFamily(ecs, ['web-1'])
      seedFamily(ecs, ['c-1', 'c-2'], { family: 'web-candidate' })
      return { mode: 'promote', family: 'web', 'from-family': 'web-candidate' }
    },
  },
  'promote by restoring, and retire what is newer': {
    answers: 2,
    start: (ecs) => {
      const [, good] = seedFamily(ecs, ['web-1', 'web-2', 'web-3', 'web-4'], {
        each: { 'web-2': { status: 'Deprecated' } },
      })
      return { mode: 'promote', family: 'web', 'image-id': good.id, 'deprecate-newer': 'true' }
    },
  },
  'promote what is deprecated in another family': {
    answers: 2,
    start: (ecs) => {
      seedFamily(ecs, ['web-1'])
      const [good] = seedFamily(ecs, ['c-1', 'c-2'], {
        family: 'web-candidate',
        each: { 'c-1': { status: 'Deprecated', createdAt: '2026-03-02' }, 'c-2': { createdAt: '2026-03-03' } },
      })
      return { mode: 'promote', family: 'web', 'image-id': good.id }
    },
  },
  rollback: {
    answers: 2,
    start: (ecs) => {
      const [target] = seedFamily(ecs, ['web-1', 'web-2', 'web-3'], { each: { 'web-1': { status: 'Deprecated' } } })
      return { mode: 'rollback', family: 'web', 'to-image-id': target.id, reason: 'broken' }
    },
  },
  'rollback by quarantine': {
    answers: 2,
    start: (ecs) => {
      seedFamily(ecs, ['web-1', 'web-2', 'web-3'])
      return { mode: 'rollback', family: 'web', 'quarantine-family': 'web-bad' }
    },
  },
  'rollback of a shared image': {
    answers: 2,
    start: (ecs) => {
      const sharedWith = [ecs.addAccount().uid]
      seedFamily(ecs, ['web-1', 'web-2', 'web-3'], { each: { 'web-3': { sharedWith } } })
      return { mode: 'rollback', family: 'web', unshare: 'true' }
    },
  },
} satisfies Readonly<Record<string, Scene>>

const settings: readonly (readonly [string, Switches])[] = [
  ['a family that answers null when it is empty', { emptyFamilyAnswer: 'null' }],
  ['a family that answers {} when it is empty', { emptyFamilyAnswer: 'object' }],
  [
    'families of custom images only, the first of equals winning, and strict names',
    { familyCovers: 'custom', tieBreak: 'first', quotaCounts: 'available', strictFamilyNames: true },
  ],
  ['deprecated images that keep their family', { familyOfDeprecated: 'refused' }],
  ['shared images that keep their family', { familyOfShared: 'refused' }],
  [
    'listings from old to new, without Usable, progress as a number',
    { order: 'oldest-first', usableReported: false, progressSpelling: 'number' },
  ],
  [
    'listings in no order, late Usable, no progress',
    { order: 'shuffled', usableDelaySeconds: 4, progressSpelling: 'empty' },
  ],
  ['other spellings', { isSelfSharedSpelling: 'empty', nameCase: 'insensitive', usableDelaySeconds: -9 }],
]

/** Of no concern where nothing is made. */
const settingsOfBake: typeof settings = [
  ['token requests that are still being worked on', { lastTokenProcessingTimes: 3 }],
  ['a dry run of CreateImage that checks its parameters only', { dryRunOfCreateImage: 'parameters' }],
  ['tokens forgotten at once', { tokenMemorySeconds: 0 }],
  ['images that wait before they are made', { waitingSeconds: 5, creationSeconds: 9 }],
  [
    'slow instances',
    {
      stoppingSeconds: 20,
      startingSeconds: 20,
      defaultStoppedMode: 'StopCharging',
      startNoStock: 'after-stop-charging',
    },
  ],
]

const end = (ecs: LocalEcs) => JSON.parse(endOf(ecs))

const usualEnds = new Map<string, Promise<unknown>>()
function usualEnd(name: string, { start }: Scene): Promise<unknown> {
  const known = usualEnds.get(name)
  if (known) return known
  const run = async () => {
    const ecs = await localEcs()
    const step = await runMain(ecs, start(ecs))
    expect(step.exitCode).toBe(0)
    return end(ecs)
  }
  const wanted = run()
  usualEnds.set(name, wanted)
  return wanted
}

async function comesToTheSameEnd(name: string, scene: Scene, options: LocalEcsOptions): Promise<void> {
  const wanted = await usualEnd(name, scene)
  const ecs = await localEcs(options)
  const inputs = scene.start(ecs)
  const served = watchFamily(ecs)
  const step = await runMain(ecs, inputs)
  expect(errorOf(step)).toBe('')
  expect(step.exitCode).toBe(0)
  expect(end(ecs)).toEqual(wanted)
  expect(served).toHaveLength(scene.answers)
}

for (const [name, scene] of Object.entries(scenes)) {
  describe(name, () => {
    test.each(name === 'bake' ? [...settings, ...settingsOfBake] : settings)('with %s', async (_, switches) => {
      await comesToTheSameEnd(name, scene, { switches })
    })
  })
}

/** A second of ECS is a millisecond here, and the poll interval of 5 ms its 5 seconds: as in life. */
describe('reads that lag behind writes by up to half a minute', () => {
  const late: readonly (readonly [string, Switches])[] = [
    ['listings', { staleSeconds: 25 }],
    ['families', { staleFamilySeconds: 25 }],
    ['tags', { staleTagSeconds: 25 }],
    ['new images', { newImageHiddenSeconds: 25 }],
    ['everything', { staleSeconds: 25, staleFamilySeconds: 20, staleTagSeconds: 25, newImageHiddenSeconds: 25 }],
  ]
  for (const [name, scene] of Object.entries(scenes)) {
    test.each(late)(`${name}: %s`, async (_, switches) => {
      await comesToTheSameEnd(name, scene, { switches, clock: realClock({ speed: 1000 }) })
    })
  }

  test('a re-run finds what it has done although tags show late', async () => {
    const ecs = await localEcs({
      switches: { staleTagSeconds: 25, staleSeconds: 25 },
      clock: realClock({ speed: 1000 }),
    })
    const [, second] = seedFamily(ecs, ['web-1', 'web-2', 'web-3'])
    const rollback = { mode: 'rollback', family: 'web' }
    const first = await runMain(ecs, rollback)
    expect(first.outputs['image-id']).toBe(second.id)
    const again = await runMain(ecs, rollback, { run: { attempt: 2 } })
    expect(again.exitCode).toBe(0)
    expect(again.outputs['image-id']).toBe(second.id)
    expect(ecs.current('web')).toBe(second.id)
  })
})

test('a shared image that keeps its family cannot go into quarantine: refused before anything changes', async () => {
  const ecs = await localEcs({ switches: { familyOfShared: 'refused' } })
  const sharedWith = [ecs.addAccount().uid]
  seedFamily(ecs, ['web-1', 'web-2'], { each: { 'web-2': { sharedWith } } })
  const before = ecs.state()
  const step = await runMain(ecs, { mode: 'rollback', family: 'web', 'quarantine-family': 'web-bad' })
  expect(step.exitCode).toBe(1)
  expect(errorOf(step)).toContain('ImageUseShared')
  expect(ecs.state()).toEqual(before)
})

test('a deprecated image that keeps its family is not restored where that family would serve it', async () => {
  const ecs = await localEcs({ switches: { familyOfDeprecated: 'refused' } })
  seedFamily(ecs, ['web-1'])
  const [, image] = seedFamily(ecs, ['c-1', 'c-2'], { family: 'other', each: { 'c-2': { status: 'Deprecated' } } })
  const before = ecs.state()
  const step = await runMain(ecs, { mode: 'promote', family: 'web', 'image-id': image.id })
  expect(step.exitCode).toBe(1)
  expect(errorOf(step)).toMatch(/promoting it into other[\s\S]*from-family: other/)
  expect(ecs.state()).toEqual(before)
})

test.each(['first', 'last'] as const)('of equals the %s wins, and neither is guessed at', async (tieBreak) => {
  const ecs = await localEcs({ switches: { tieBreak } })
  const createdAt = '2026-03-01'
  const twins = [ecs.seed.image({ family: 'web', createdAt }), ecs.seed.image({ family: 'web', createdAt })]
  const { outputs } = await runMain(ecs, { mode: 'resolve', family: 'web' })
  expect(outputs['image-id']).toBe(twins[tieBreak === 'first' ? 0 : 1]?.id)
  const before = ecs.state()
  expect((await runMain(ecs, { mode: 'rollback', family: 'web' })).exitCode).toBe(1)
  expect(ecs.state()).toEqual(before)
})

test.each(['by-api', 'InvalidParamter.Conflict', 'IdempotenceParamNotMatch', 'IdempotentParameterMismatch'] as const)(
  'a run whose settings changed between attempts (%s) makes a new image or says why not, never silently the old one',
  async (tokenMismatchCode) => {
    const ecs = await localEcs({ switches: { tokenMismatchCode, tokenAfterDeletion: 'answers-old-id' } })
    const { id } = ecs.seed.instance({ status: 'Stopped' })
    const bake = { mode: 'bake', family: 'web', 'instance-id': id }
    const first = await runMain(ecs, bake)
    ecs.remove(first.outputs['image-id'] ?? '')
    const again = await runMain(ecs, { ...bake, description: 'another one' }, { run: { attempt: 2 } })
    expect(again.exitCode).toBe(0)
    expect(ecs.image(again.outputs['image-id'] ?? '')?.description).toBe('another one')
  },
)
