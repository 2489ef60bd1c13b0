/**
 * People and backup tools copy tags. An image is a run's own only where its name fits too, and a copy only where ECS calls
 * it a copy: what belongs to a person is neither joined, taken for the run's own, nor deleted.
 */
import { describe, expect, test } from 'vitest'
import type { Image } from '../../src/family/model/image.ts'
import { nameOfFailed } from '../../src/family/model/own-image.ts'
import { imageNameOf } from '../../src/family/model/run.ts'
import { there } from './fake-ecs.ts'
import { copyOf, deprecated, image, shanghai, w, x, y } from './images.ts'
import { changeOf, lanesIn, nothingOf, outcomeOf, refusalOf, regionsOf } from './planning.ts'
import { again, bake, promote, rollback, runFor } from './requests.ts'

const request = bake()
const key = request.run.key
const run = { 'image-family:run': key, 'image-family:source': 'snapshot' }
const name = imageNameOf(request.run, 'web', 0)
const own = image('m-own', 20, { name, tags: run })
/** A person's image, with the tags of the run's. */
const theirs = image('m-theirs', 21, { name: 'backup-of-web', family: '', tags: run })
const web = there(w, x)
const long = 'w'.repeat(128)

describe('a bake finds its image by tag and name', () => {
  test.each([
    ['older', 19],
    ['newer', 21],
  ])('a person’s image with its tags, %s, is not taken for it', (_, march) => {
    const situation = there(w, x, { ...image('m-theirs', march, { tags: run }), family: '' }, own)
    expect(changeOf(again(request), situation)).toMatchObject({ image: 'm-own', steps: [] })
  })

  test('nor is one in the family, or one that is deprecated', () => {
    for (const given of [{ family: 'web' }, deprecated, { family: 'other' }]) {
      const situation = web.with({ ...theirs, ...given, creationTime: x.creationTime, name: 'x' }, own)
      expect(changeOf(again(request), situation).image).toBe('m-own')
    }
  })

  test('nor is a copy that a backup tool has made, even of the same name', () => {
    const copied = { ...theirs, isCopied: true, name }
    expect(outcomeOf(again(request), web.with(copied))).toBe('name-taken')
    expect(outcomeOf(again(bake({ imageName: name })), web.with(copied))).toBe('name-taken')
  })

  test.each([
    ['a generated name', request, own],
    ['a generated name of a later try', request, { ...own, name: imageNameOf(request.run, 'web', 2) }],
    ['one that is cut, of a long family', bake({ family: long }), { ...own, name: imageNameOf(request.run, long, 1) }],
    ['a given name', bake({ imageName: 'web-1' }), { ...own, name: 'web-1' }],
  ])('%s is the run’s', (_, asked, ours) => {
    const situation = there(w, x, theirs, { ...ours, family: asked.family })
    expect(changeOf(again(asked), situation).image).toBe('m-own')
  })

  test('a failed image is still the run’s when it was renamed, and a person’s beside it is not', () => {
    const asked = bake({ imageName: 'web-1' })
    const id = 'm-bp1failed'
    const renamed = { ...own, id, name: nameOfFailed('web-1', id, 1), status: 'CreateFailed' as const }
    const { steps, notices } = changeOf(again(asked), there(w, x, theirs, renamed))
    expect(steps).toMatchObject([{ action: 'create', create: { name: 'web-1', generation: 1 } }, { action: 'await' }])
    expect(notices.map(({ text }) => text).join()).toContain(id)
  })

  test('where only another name has its tag, nothing is made: it may be the run’s, renamed or of another step', () => {
    for (const asked of [request, again(request)]) {
      const refusal = refusalOf(asked, web.with(theirs))
      expect(refusal).toMatchObject({ code: 'already-decided', reason: expect.stringContaining('m-theirs') })
      expect(refusal.remedy).toMatch(/`idempotency-key`.*`image-family:run`/)
    }
  })
})

describe('in a replica region, a copy is one that ECS calls a copy', () => {
  const xs = copyOf(x, shanghai, 'm-xs', 3)
  /** A person's image there, with the tags of a copy. */
  const posing = { ...copyOf(x, shanghai, 'm-posing', 9, { family: '' }), isCopied: false }

  test('promote copies the image, and leaves a person’s alone', () => {
    const situation = there(w, x, posing)
    const lanes = lanesIn(promote({ image: 'm-x', replicas: [shanghai] }), situation)
    expect(lanes).toContain('cn-shanghai copy: copy <copy in cn-shanghai>, await <copy in cn-shanghai>')
    expect(lanes.join()).not.toContain('m-posing')
  })

  test('bake copies its image, whatever name and tags a person’s has', () => {
    const asked = again(bake({ replicas: [shanghai] }))
    const tags = { ...run, 'image-family:origin': `${own.region}/m-own` }
    const situation = there(w, { ...own, family: '' }, { ...posing, name: 'x', tags })
    expect(lanesIn(asked, situation)).toContain(
      'cn-shanghai copy: copy <copy in cn-shanghai>, await <copy in cn-shanghai>',
    )
  })

  test('a given name is taken there by an image that only has the tags', () => {
    const asked = bake({ replicas: [shanghai], imageName: 'web-1' })
    const tags = { 'image-family:run': asked.run.key }
    const situation = web.with({ ...posing, name: 'web-1', tags })
    expect(outcomeOf(asked, situation)).toBe('name-taken')
  })

  test('rollback falls back to no person’s image', () => {
    const ys = copyOf(y, shanghai, 'm-ys', 4)
    const asked = rollback({ replicas: [shanghai] })
    expect(outcomeOf(asked, there(x, y, ys, { ...posing, family: 'web' }))).toBe('copy-missing')
    expect(outcomeOf(asked, there(x, y, ys, posing))).toBe('copy-missing')
    expect(changeOf(asked, there(x, y, xs, ys, posing)).image).toBe('m-x')
  })

  test('a copy of it at home is told from it', () => {
    expect(nothingOf(promote({ image: 'm-y' }), there(x, y, { ...posing, region: x.region })).image).toBe('m-y')
  })
})

describe('keep', () => {
  const other = runFor('bake', { workflowRun: '17100000' })
  const baked = { 'image-family:run': other.key, 'image-family:source': 'instance' }
  const first = image('m-1', 1, { name: imageNameOf(other, 'web', 0), tags: baked, snapshots: ['s-1'] })
  const [second, current] = [image('m-8', 8, { tags: run, name }), image('m-9', 9)]
  const tidy = promote({ image: 'm-9', keep: 2 })
  const person = image('m-2', 2, { name: 'golden', tags: baked, snapshots: ['s-2'] })
  const prune = (...images: readonly Image[]) =>
    lanesIn(tidy, there(...images, second, current)).map((lane) => lane.replace('cn-hangzhou prune: ', ''))
  const reasons = (...images: readonly Image[]) =>
    Object.fromEntries(
      (regionsOf(tidy, there(...images, second, current))[0]?.retention ?? []).map((each) => [
        each.image.id,
        each.reason,
      ]),
    )

  test('deletes what the run of the tag has made', () => {
    expect(prune(first)).toEqual(['claim-snapshots s-1, delete m-1'])
    expect(prune({ ...first, name: 'web-2026' })).toEqual(['claim-snapshots s-1, delete m-1'])
    const itself = { ...baked, 'image-family:origin': 'cn-hangzhou/m-1' }
    expect(prune({ ...first, tags: itself })).toEqual(['claim-snapshots s-1, delete m-1'])
  })

  test('leaves a person’s image with the tags of another, and that one too: it could not be told from it later', () => {
    expect(prune(first, person)).toEqual([])
    expect(reasons(first, person)).toMatchObject({
      'm-2': `its tags were copied from ${first.name} (m-1)`,
      'm-1': 'its tags were copied to golden (m-2)',
    })
  })

  test('deletes the other one when the tag is gone from the person’s', () => {
    expect(prune(first, { ...person, tags: {} })).toEqual(['claim-snapshots s-1, delete m-1'])
  })

  test.each([
    ['a copy that carries the tags of its source', { isCopied: true }],
    ['an image with the tags of a copy', { tags: { ...baked, 'image-family:origin': 'cn-beijing/m-0' } }],
    ['an image with the origin of a copy', { tags: { 'image-family:origin': 'cn-beijing/m-0' } }],
  ])('leaves %s', (_, given) => {
    expect(prune({ ...person, ...given })).toEqual([])
  })

  test('deletes what has a run’s tag of another form', () => {
    for (const value of ['x', '17-(((((((((', '17-0123456789', '']) {
      const tags = { ...baked, 'image-family:run': value }
      expect(prune({ ...first, tags })).toEqual(['claim-snapshots s-1, delete m-1'])
    }
  })

  test('deletes copies, adopted ones too, with the snapshots that ECS made for them', () => {
    const copy = { ...copyOf(w, w.region, 'm-2', 2, { snapshots: ['s-2'] }), name: 'golden' }
    expect(prune(copy)).toEqual(['claim-snapshots s-2, delete m-2'])
  })
})
