import { array, assert, boolean, constantFrom, property, record, shuffledSubarray } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Image, isReady } from '../../src/family/model/image.ts'
import { originOf } from '../../src/family/model/origin.ts'
import type { Request } from '../../src/family/model/request.ts'
import type { Plan } from '../../src/family/plan/plan.ts'
import { anyCrash, anyRegions } from './arbitraries.ts'
import { type FakeEcs, there } from './fake-ecs.ts'
import { beijing, copyOf, deprecated, image, instance, region, shanghai, x, y } from './images.ts'
import { lanesIn, outcomeOf, refusalOf, regionsOf } from './planning.ts'
import { again, bake, promote, rollback } from './requests.ts'
import { answersIn, later, servedIn, visibleIn, walk } from './walk.ts'

const everywhere = [region, shanghai, beijing]

const bakes = record({
  regions: shuffledSubarray(everywhere, { minLength: 2, maxLength: 3 }),
  imageName: constantFrom(undefined, undefined, 'web-v7'),
  shareWith: constantFrom([], [], ['1001']),
  unshare: boolean(),
}).map(({ regions: [home = region, ...replicas], ...given }) => bake({ ...given, region: home, replicas }))

const told = (...things: unknown[]) => things.map((each) => JSON.stringify(each)).join('\n')

describe('any family in three regions', () => {
  test('no region serves the image before it is ready in all, and each changes its answer at most once', () => {
    assert(
      property(anyRegions, bakes, (situation, request) => {
        const { plan, seen, situation: after } = walk(request, situation)
        const why = told(request, visibleIn(situation), plan, visibleIn(after))
        if (plan.kind === 'refuse') throw new Error(why)
        for (const each of plan.regions) {
          const answers = answersIn(seen, each.region)
          expect(answers.length, why).toBe(2)
          expect(answers.at(-1), why).toBe(each.image)
          expect(answersIn(seen, each.region, 'api').length, why).toBe(1)
          const switched = seen.find((now) => now.current('web', each.region)?.id === each.image)
          const ready = plan.regions.map(({ image = '' }) => switched?.state.images.find(({ id }) => id === image))
          for (const one of ready) expect(one && isReady(one), why).toBe(true)
        }
        const origins = plan.regions.map(({ image = '' }) => originOf(after.of(image)))
        expect(new Set(origins).size, why).toBe(1)
      }),
      { numRuns: 1000 },
    )
  })

  test('a re-run ends where the undisturbed run would, wherever and however often that was lost', () => {
    assert(
      property(anyRegions, bakes, array(anyCrash, { maxLength: 3 }), (situation, request, deaths) => {
        const first = walk(request, situation)
        let now = situation
        let attempt = 1
        const tale = [told(request, visibleIn(situation), first.plan, visibleIn(first.situation))]
        for (const death of [...deaths, undefined]) {
          const walked = walk(again(request, attempt), now, death)
          tale.push(told(death, walked.plan, visibleIn(walked.situation)))
          expect(walked.plan.kind, tale.join('\n')).not.toBe('refuse')
          now = later(walked.situation)
          attempt += 1
        }
        const last = walk(again(request, attempt), now)
        const why = [...tale, told(last.plan)].join('\n')
        expect(visibleIn(now), why).toEqual(visibleIn(first.situation))
        expect(last.seen, why).toEqual([now])
        if (last.plan.kind === 'refuse') return
        const settled = (plan: Plan) =>
          plan.kind === 'refuse' ? [] : plan.regions.map(({ image, previous }) => [image, previous])
        expect(settled(last.plan), why).toEqual(settled(first.plan))
        expect(
          last.plan.regions.some(({ changedBefore }) => changedBefore),
          why,
        ).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })
})

// ── Tables ───────────────────────────────────────────────────────────────────

const replicas = [shanghai]
const [xS, yS] = [copyOf(x, shanghai, 'm-xs', 2), copyOf(y, shanghai, 'm-ys', 3)]
/** Serves m-y in both regions. */
const web = there(x, y, xS, yS)
const request = bake({ replicas })
const end = (asked: Request, situation: FakeEcs) => walk(asked, situation).situation
const name = `web-42-${request.run.digest.slice(0, 8)}`
const made = `m-made-by-${name}`
const copied = `${made}-in-shanghai`
const theirs = { workflowRun: '17230009', step: 'theirs' }
/** The image and its copy are ready, and in no family yet. */
const prepared = walk(request, web, { phases: 2, cuts: [] }).situation

test('makes the image outside of its family, copies it, then joins in all regions side by side', () => {
  expect(lanesIn(bake({ replicas: [shanghai, beijing] }), web)).toEqual([
    'cn-hangzhou create: create <new image>, await <new image>',
    'cn-hangzhou activate: join-family <new image> web',
    'cn-shanghai copy: copy <copy in cn-shanghai>, await <copy in cn-shanghai>',
    'cn-shanghai activate: join-family <copy in cn-shanghai> web',
    'cn-beijing copy: copy <copy in cn-beijing>, await <copy in cn-beijing>',
    'cn-beijing activate: join-family <copy in cn-beijing> web',
  ])
  const [home] = regionsOf(request, web)
  expect(home).toMatchObject({ steps: { create: [{ create: { family: undefined } }, {}] } })
})

test('what a copy is sent is a function of inputs and run alone', () => {
  const given = bake({
    replicas,
    imageName: 'web-v7',
    resourceGroupId: 'rg-1',
    copyKmsKeyIds: { [shanghai]: 'key-s' },
    tags: { team: 'web', 'image-family:source': 'snapshot' },
  })
  const sent = (asked: typeof given, situation: FakeEcs) =>
    regionsOf(asked, situation).flatMap((each) => (each.kind === 'change' ? (each.steps.copy ?? []) : []))[0]
  expect(sent(given, web)).toMatchObject({
    copy: {
      name: 'web-v7',
      description: given.description,
      resourceGroupId: 'rg-1',
      kmsKeyId: 'key-s',
      generation: 0,
      tags: { team: 'web', 'image-family:run': given.run.key, 'image-family:origin': 'cn-hangzhou/<new image>' },
    },
  })
  // A copy is not made of what the user named: ECS makes its snapshots.
  expect(sent(given, web)).not.toHaveProperty('copy.tags.image-family:source')
  const resumed = walk(given, web, { phases: 1, cuts: [] }).situation
  expect(sent(again(given), later(resumed))).toEqual(sent(again(given), resumed))
})

describe('late copies of older images', () => {
  // They have arrived while this run copied.
  const late = copyOf(x, shanghai, 'm-late', 40)

  test('go, oldest first and the current one last, and the answer changes once', () => {
    const later2 = copyOf(y, shanghai, 'm-later', 41)
    const situation = prepared.with(late, later2)
    expect(lanesIn(again(request), situation)).toEqual([
      `cn-hangzhou activate: join-family ${made} web`,
      `cn-shanghai prepare: join-family ${copied} web, await ${copied} in web`,
      'cn-shanghai activate: deprecate m-late, deprecate m-later',
    ])
    expect(answersIn(walk(again(request), situation).seen, shanghai)).toEqual(['m-later', copied])
  })

  test('one of the same second: both are named and nothing is done', () => {
    const tied = copyOf(x, shanghai, 'm-tied', 1, { creationTime: prepared.of(copied).creationTime })
    const refusal = refusalOf(again(request), prepared.with(tied))
    expect(refusal).toMatchObject({ code: 'ambiguous-order', reason: expect.stringContaining('In cn-shanghai: ') })
  })

  test('a shared one is refused: nothing is switched anywhere', () => {
    expect(outcomeOf(again(request), prepared.with(late).sharing('m-late', '1001'))).toBe('already-shared')
  })

  test.each<[string, Image]>([
    ['made there by somebody', image('m-own', 40, { region: shanghai })],
    ['a copy that nothing says the origin of', image('m-own', 40, { region: shanghai, isCopied: true })],
    ['of an image that is gone', copyOf(image('m-gone', 1), shanghai, 'm-own', 40)],
  ])('what is not known to be older is not this run’s to take: %s', (_, own) => {
    const refusal = refusalOf(again(request), prepared.with(own))
    expect(refusal).toMatchObject({ code: 'newer-images', remedy: expect.stringContaining(`\`image-id: ${made}\``) })
    expect(refusal.reason).toContain('m-own')
  })

  test('a copy of a newer image stays, and this run’s copy stays out', () => {
    const newer = image('m-n', 50, { family: '' })
    const situation = prepared.with(newer, copyOf(newer, shanghai, 'm-ns', 50, { family: 'web' }))
    const after = end(again(request), situation)
    expect(servedIn(after)).toEqual([made, 'm-ns', undefined])
    expect(after.of(copied).family).toBe('')
  })
})

describe('overtaken at home', () => {
  const newer = image('m-n', 50)

  test('the copies stay out, with a warning, and the image joins', () => {
    const after = end(again(request), prepared.with(newer))
    expect(servedIn(after)).toEqual(['m-n', 'm-ys', undefined])
    expect([after.of(made).family, after.of(copied).family]).toEqual(['web', ''])
    const [, replica] = regionsOf(again(request), prepared.with(newer))
    expect(replica).toMatchObject({ kind: 'nothing', image: copied, notices: [{ level: 'warning' }] })
  })

  test('before the copies were made: they are made, for whoever promotes the image', () => {
    const onlyMade = walk(request, web, { phases: 1, cuts: [] }).situation.with(newer)
    const after = end(again(request), onlyMade)
    expect(after.of(copied)).toMatchObject({ status: 'Available', family: '' })
    expect(servedIn(after)).toEqual(['m-n', 'm-ys', undefined])
  })

  test('of the same second: both are named and nothing is done', () => {
    const tied = image('m-n', 1, { creationTime: prepared.of(made).creationTime })
    expect(outcomeOf(again(request), prepared.with(tied))).toBe('ambiguous-order')
  })
})

describe('run again', () => {
  test.each<[string, number[]]>([
    ['joined at home alone', [1, 0]],
    ['joined in the replica alone', [0, 1]],
    ['joined in none', [0, 0]],
  ])('%s: joins where it has not', (_, cuts) => {
    const died = later(walk(request, web, { phases: 2, cuts }).situation)
    const walked = walk(again(request), died)
    expect(servedIn(walked.situation)).toEqual([made, copied, undefined])
    expect(walked.seen).toHaveLength(1 + cuts.filter((count) => count === 0).length)
  })

  test('an image of the copy’s name that this run has not made: refused', () => {
    const named = bake({ replicas, imageName: 'web-v7' })
    const taken = image('m-t', 1, { region: shanghai, name: 'web-v7' })
    const refusal = refusalOf(named, web.with(taken))
    expect(refusal).toMatchObject({ code: 'name-taken', reason: expect.stringMatching(/^In cn-shanghai: .*m-t/) })
  })

  test('ECS has failed to make the copy: named, and made again under another name', () => {
    const resumed = walk(request, web, { phases: 1, cuts: [] }).situation
    const failed = copyOf(resumed.of(made), shanghai, 'm-failed', 40, {
      family: '',
      status: 'CreateFailed',
      name: name,
      tags: { 'image-family:run': request.run.key },
    })
    const [, replica] = regionsOf(again(request), resumed.with(failed))
    expect(replica).toMatchObject({
      steps: { copy: [{ copy: { name: `${name}-2`, generation: 1 } }, { action: 'await' }] },
      notices: [{ level: 'warning', text: expect.stringContaining('m-failed') }],
    })
  })

  test('a given name: the failed copy makes way', () => {
    const named = bake({ replicas, imageName: 'web-v7' })
    const resumed = walk(named, web, { phases: 1, cuts: [] }).situation
    const failed = copyOf(resumed.of('m-made-by-web-v7'), shanghai, 'm-failed', 40, {
      family: '',
      status: 'CreateFailed',
      name: 'web-v7',
      tags: { 'image-family:run': named.run.key },
    })
    expect(lanesIn(again(named), resumed.with(failed))).toContain(
      'cn-shanghai copy: rename m-failed, copy <copy in cn-shanghai>, await <copy in cn-shanghai>',
    )
  })

  // ECS does not make such a copy good, and its name is taken: the same copy is asked for again and again. What should
  // be: the refusal that an UnAvailable image meets at home, or another name.
  test('a copy of this run that is UnAvailable is told, or replaced under another name', () => {
    const resumed = walk(request, web, { phases: 1, cuts: [] }).situation
    const gone = copyOf(resumed.of(made), shanghai, 'm-gone', 40, {
      family: '',
      status: 'UnAvailable',
      name: name,
      tags: { 'image-family:run': request.run.key },
    })
    expect(() => walk(again(request), resumed.with(gone))).not.toThrow()
  })

  test('the copy was withdrawn there since by another run: superseded', () => {
    const other = rollback({ ...theirs, region: shanghai })
    const since = later(end(other, later(end(request, web))))
    expect(outcomeOf(again(request), since)).toBe('superseded')
  })

  test('somebody has taken the copy out of the family: superseded', () => {
    const since = end(request, web).changing(copied, deprecated)
    expect(outcomeOf(again(request), since)).toBe('superseded')
  })

  // A bake has no mark of its own. What another run has promoted there bears one, and is no late copy to be cleared away.
  // What should be: superseded, in a later attempt.
  test('another run has promoted an older image there since, copied late: superseded', () => {
    const late = copyOf(x, shanghai, 'm-late', 40, { family: '' })
    const other = promote({ ...theirs, region: shanghai, image: 'm-late' })
    const since = later(end(other, later(end(request, web)).with(late)))
    expect(since.current('web', shanghai)?.id).toBe('m-late')
    expect(outcomeOf(again(request), since)).toBe('superseded')
  })

  describe('a later step of the same workflow run', () => {
    const candidate = bake({ replicas, family: 'candidate' })
    const onward = promote({ replicas, fromFamily: 'candidate', step: 'promote' })
    const since = later(end(onward, later(end(candidate, web))))

    test('has promoted the image on: nothing is done in any region', () => {
      expect(servedIn(since, 'candidate')).toEqual([undefined, undefined, undefined])
      expect(outcomeOf(again(candidate), since)).toBe('nothing')
      expect(outcomeOf(again(onward), since)).toBe('nothing')
    })

    test('has promoted it at home alone: its copies are left to that', () => {
      const alone = promote({ fromFamily: 'candidate', step: 'promote' })
      const half = later(end(alone, later(end(candidate, web))))
      expect(outcomeOf(again(candidate), half)).toBe('nothing')
      const copy = half.current('candidate', shanghai)
      expect(outcomeOf(again(candidate), half.without(copy?.id ?? ''))).toBe('nothing')
      if (!copy) throw new Error('No copy was made.')
      expect(outcomeOf(again(candidate), half.with({ ...copy, usable: false }))).toBe('nothing')
    })

    test('has promoted it on, and a copy is not usable yet: nothing waits for it', () => {
      const copy = since.current('web', shanghai)
      if (!copy) throw new Error('No copy was promoted.')
      expect(outcomeOf(again(candidate), since.with({ ...copy, usable: false }))).toBe('nothing')
    })

    test('has withdrawn it: nothing', () => {
      const back = rollback({ replicas, step: 'rollback' })
      const after = later(end(back, later(end(request, web))))
      expect(outcomeOf(again(request), after)).toBe('nothing')
    })

    // ECS shares no deprecated image, so that the re-run fails. What should be: what was taken on is not shared.
    test('has withdrawn it and taken its shares back: nothing', () => {
      const shared = bake({ replicas, shareWith: ['1001'] })
      const back = rollback({ replicas, step: 'rollback', unshare: true })
      const after = later(end(back, later(end(shared, web))))
      expect(outcomeOf(again(shared), after)).toBe('nothing')
    })

    // The image is taken for one that has not joined yet, because the instance gives the region something to do. What
    // should be: it stays where the later step has put it.
    test('has promoted it on, and its instance was left stopped: it stays there', () => {
      const source = { kind: 'instance', instance: 'i-1' } as const
      const stopping = bake({ replicas, family: 'candidate', source, stopInstance: 'orderly' })
      const promoted = later(end(onward, later(end(stopping, web.running(instance('i-1'))))))
      const tags = { 'image-family:stopped': `${stopping.run.key} 20260401120000` }
      const after = end(again(stopping), promoted.running(instance('i-1', { status: 'Stopped', tags })))
      expect(after.current('web')?.name).toMatch(/^candidate/)
    })
  })
})

describe('shares and refusals', () => {
  test('image and copies are shared when all is verified, and not again', () => {
    const shared = bake({ replicas, shareWith: ['1001'] })
    const lanes = lanesIn(shared, web).filter((lane) => lane.includes('share'))
    expect(lanes).toEqual([
      'cn-hangzhou commit: share <new image> 1001',
      'cn-shanghai commit: share <copy in cn-shanghai> 1001',
    ])
    expect(walk(again(shared), end(shared, web)).seen).toHaveLength(1)
  })

  test('accounts that see what is served now, and will not see the image, are named in each region', () => {
    const regions = regionsOf(
      bake({ replicas, shareWith: ['1001'] }),
      web.sharing('m-y', '1001').sharing('m-ys', '1002'),
    )
    expect(regions[0]?.notices.map(({ text }) => text).join()).not.toContain('1001')
    expect(regions[1]?.notices.map(({ text }) => text).join()).toContain('1002')
  })

  test('joining is not permitted in one region: nothing is switched in any', () => {
    const refusal = refusalOf(again(request), prepared.denying('join-family', 'identity', shanghai))
    expect(refusal).toMatchObject({ code: 'not-permitted', reason: expect.stringContaining(copied) })
  })
})
