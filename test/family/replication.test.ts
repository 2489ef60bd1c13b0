import { describe, expect, test } from 'vitest'
import { createdInSameSecond, isNewer } from '../../src/family/model/image.ts'
import {
  awaitCopy,
  nextGeneration,
  originTag,
  pickCopy,
  planCopy,
  plannedCopy,
  renameFailed,
} from '../../src/family/rules/replication.ts'
import { copyOf, image, noon, shanghai, x } from './images.ts'
import { brief } from './planning.ts'
import { runFor } from './requests.ts'

const run = runFor('promote')
const copy = (id: string, march: number, given = {}) => copyOf(x, shanghai, id, march, { family: '', ...given })
const ours = { tags: { 'image-family:run': run.key } }
const name = `web-42-${run.digest.slice(0, 8)}`

describe('the copy to go on with', () => {
  const [ready, unusable, pending, asleep, failed, gone] = [
    copy('m-ready', 1),
    copy('m-unusable', 9, { usable: false }),
    copy('m-pending', 9, { status: 'Creating' }),
    copy('m-asleep', 9, { status: 'Deprecated' }),
    copy('m-failed', 9, { status: 'CreateFailed' }),
    copy('m-gone', 9, { status: 'UnAvailable' }),
  ] as const
  test.each([
    ['none', [], undefined],
    ['failed ones are none', [failed, gone], undefined],
    ['ready before everything, however old', [unusable, pending, asleep, ready, failed], 'm-ready'],
    ['available before what is being created', [pending, unusable, asleep], 'm-unusable'],
    ['being created before what is deprecated', [asleep, pending], 'm-pending'],
    ['deprecated before none', [failed, asleep], 'm-asleep'],
    ['of equals the newest', [copy('m-old', 1), copy('m-new', 3), copy('m-mid', 2)], 'm-new'],
  ])('%s', (_, copies, id) => {
    expect(pickCopy(copies)?.id).toBe(id)
    expect(pickCopy([...copies].reverse())?.id).toBe(id)
  })

  test('what this run has decided on comes first, then the next wish', () => {
    const [one, two] = [({ id }: { id: string }) => id === 'm-none', ({ id }: { id: string }) => id === 'm-asleep']
    expect(pickCopy([ready, asleep], [one, two])?.id).toBe('m-asleep')
    expect(pickCopy([ready, asleep], [one])?.id).toBe('m-ready')
    expect(pickCopy([ready, failed], [({ id }) => id === 'm-failed'])?.id).toBe('m-ready')
  })

  test.each([
    [ready, []],
    [unusable, ['await m-unusable']],
    [pending, ['await m-pending']],
    [asleep, []],
  ])('is waited for while it is not ready: %#', (one, steps) => {
    expect(awaitCopy(one).map(brief)).toEqual(steps)
  })
})

const wanted = {
  region: shanghai,
  run,
  family: 'web',
  imageName: undefined,
  from: { region: 'cn-hangzhou', image: 'm-x' },
  attributes: {
    description: 'Copy',
    tags: originTag('cn-hangzhou', 'm-x'),
    resourceGroupId: undefined,
    kmsKeyId: undefined,
  },
}

describe('making a copy', () => {
  const failure = (nth: string, given = {}) =>
    copy(`m-f${nth}`, 1, { ...ours, status: 'CreateFailed', name: `${name}${nth}`, ...given })

  test('is one step and the wait for it', () => {
    const { steps, notices } = planCopy(wanted, [])
    expect(steps.map(brief)).toEqual(['copy <copy in cn-shanghai>', 'await <copy in cn-shanghai>'])
    expect(steps[0]).toMatchObject({ copy: { name, generation: 0, from: wanted.from, run } })
    expect(notices).toEqual([])
  })

  test.each([
    ['failed once', [failure('')], `${name}-2`, 1],
    ['failed twice', [failure(''), failure('-2')], `${name}-3`, 2],
    ['the first was deleted by somebody', [failure('-2')], `${name}-3`, 2],
    ['failed for another run', [copy('m-f', 1, { status: 'CreateFailed' })], name, 0],
  ])('%s: the next name', (_, existing, next, generation) => {
    expect(planCopy(wanted, existing).steps.find(({ action }) => action === 'copy')).toMatchObject({
      copy: { name: next, generation },
    })
    expect(
      nextGeneration(
        wanted,
        existing.filter(({ tags }) => tags['image-family:run'] === run.key),
      ),
    ).toBe(generation)
  })

  test('a given name: what failed under it makes way, and is told', () => {
    const failed = failure('', { name: 'web-v7', id: 'm-f-12345678' })
    const given = { ...wanted, imageName: 'web-v7', run: { ...run, attempt: 2 } }
    const { steps, notices } = planCopy(given, [failed])
    expect(steps.map(brief)[0]).toBe('rename m-f-12345678')
    expect(steps[0]).toMatchObject({ name: 'web-v7-failed-1-12345678' })
    expect(steps[1]).toMatchObject({ copy: { name: 'web-v7', generation: 1 } })
    expect(notices).toHaveLength(1)
  })

  test('a long name is cut for what is put behind it, not through the middle of a character', () => {
    const long = `${'映'.repeat(60)}${'𠮷'.repeat(68)}`
    const failed = failure('', { name: long, id: 'm-f-12345678' })
    const [step] = renameFailed({ region: shanghai, imageName: long }, [failed], { name: long, generation: 1 })
    expect([...(step?.action === 'rename' ? step.name : '')]).toHaveLength(128)
    expect(step).toMatchObject({ name: expect.stringMatching(/𠮷-failed-1-12345678$/u) })
  })

  // The name is taken by an image that will never be good; asked for once more, ECS answers that it exists. What should
  // be: it counts as failed.
  test('one of this run that is UnAvailable: the next name', () => {
    const { steps } = planCopy(wanted, [failure('', { status: 'UnAvailable' })])
    expect(steps.find(({ action }) => action === 'copy')).toMatchObject({ copy: { name: `${name}-2` } })
  })
})

describe('the copy as it will be', () => {
  const to = plannedCopy(
    { ...x, usable: false, snapshots: ['s-1'] },
    {
      region: shanghai,
      copy: { ...wanted.attributes, from: wanted.from, run, name: 'n', generation: 0 },
      now: noon + 400,
    },
  )

  test('is the newest there, of no second that was', () => {
    const latest = image('m-l', 1, { creationTime: new Date(noon).toISOString().replace('.000', '') })
    expect(isNewer(to, latest)).toBe(true)
    expect(createdInSameSecond(to, latest)).toBe(false)
    expect(to.creationTime).toBe('2026-04-01T12:00:01Z')
  })

  test('is in no family and has nothing of the original but what it is', () => {
    expect(to).toMatchObject({
      id: '<copy in cn-shanghai>',
      region: shanghai,
      family: '',
      status: 'Available',
      snapshots: [],
      isCopied: true,
      usable: undefined,
    })
    expect(to.architecture).toBe(x.architecture)
  })
})
