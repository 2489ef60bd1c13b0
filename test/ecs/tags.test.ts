import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connectEcs } from '../../src/ecs/adapter.ts'
import { consistencyIntervals, TimeLimit } from '../../src/engine/clock.ts'
import { type LocalEcs, startLocalEcs } from '../local-ecs/server.ts'
import { actionsOf, type ConnectionOptions, connectTo, ecsErrorOf, failureOf, region, timeOf } from './connection.ts'

let ecs: LocalEcs
beforeEach(async () => {
  ecs = await startLocalEcs()
})
afterEach(() => ecs.close())

const port = (options: ConnectionOptions = {}) => connectEcs(connectTo(ecs, options).client)
const sent = (action?: string) => actionsOf(ecs, action)
const tagImages = (ids: readonly string[], tags: Readonly<Record<string, string>>) =>
  ({ action: 'tag', region, resource: 'image', ids, tags }) as const
const untagImages = (ids: readonly string[], keys: readonly string[]) =>
  ({ action: 'untag', region, resource: 'image', ids, keys }) as const
const images = (count: number, tags: Record<string, string> = {}): string[] =>
  Array.from({ length: count }, () => ecs.seed.image({ tags }).id)

/** How many resources each request of an action names. */
const sizes = (action: string): number[] =>
  ecs.requests
    .filter((request) => request.action === action)
    .map(({ parameters }) => Object.keys(parameters).filter((name) => name.startsWith('ResourceId.')).length)

describe('tagging', () => {
  test('adds and overwrites, keeps the rest, and is read back', async () => {
    const [id = ''] = images(1, { team: 'core', 'image-family:decision': 'planned' })
    await port().write(tagImages([id], { 'image-family:decision': 'done', 'image-family:reason': 'it broke' }))
    expect(ecs.image(id)?.tags).toEqual({
      team: 'core',
      'image-family:decision': 'done',
      'image-family:reason': 'it broke',
    })
    expect(sent()).toEqual(['TagResources', 'ListTagResources'])
  })

  test.each([
    ['quotes and stars', "it's (a) *b* ~!"],
    ['Chinese', '回滚到上一个镜像'],
    ['an emoji', '🔥 rolled back 🔥'],
    ['what ends a parameter', 'a=b&c=d#e+f%20'],
    ['nothing', ''],
    ['128 characters', 'x'.repeat(128)],
  ])('holds a value of %s', async (_, value) => {
    const [id = ''] = images(1)
    await port().write(tagImages([id], { 'image-family:reason': value }))
    expect(ecs.image(id)?.tags).toEqual({ 'image-family:reason': value })
  })

  test('an instance goes the same way', async () => {
    const { id } = ecs.seed.instance({ tags: { team: 'core' } })
    const tags = { 'image-family:stopped': '17-0123456789 20260401' }
    await port().write({ action: 'tag', region, resource: 'instance', ids: [id], tags })
    expect(ecs.instance(id)?.tags).toEqual({ team: 'core', ...tags })
    await port().write({ action: 'untag', region, resource: 'instance', ids: [id], keys: Object.keys(tags) })
    expect(ecs.instance(id)?.tags).toEqual({ team: 'core' })
  })

  test('is done only when the tags are seen, as they may lag', async () => {
    ecs.switches.staleTagSeconds = consistencyIntervals
    const [id = ''] = images(1, { 'image-family:decision': 'planned' })
    await port().write(tagImages([id], { 'image-family:decision': 'done' }))
    const last = ecs.requests.at(-1)
    expect(JSON.stringify(last?.answer)).toContain('done')
    expect(sent('TagResources')).toHaveLength(1)
    expect(sent('ListTagResources')).toHaveLength(consistencyIntervals)
  })

  test.each([
    [50, [50]],
    [51, [50, 1]],
    [120, [50, 50, 20]],
  ])('%i resources goes in parts of fifty, each read back', async (count, parts) => {
    const ids = images(count)
    const tags = { a: '1', b: '2' }
    await port().write(tagImages(ids, tags))
    expect(ids.map((id) => ecs.image(id)?.tags)).toEqual(ids.map(() => tags))
    expect(sizes('TagResources')).toEqual(parts)
  })

  test('reads back all pages of a long answer', async () => {
    ecs.quotas.tagRowsPerPage = 7
    ecs.switches.staleTagSeconds = 4
    const ids = images(20, { team: 'core', stage: 'live' })
    await port().write(tagImages(ids, { a: '1' }))
    const lastPage = ecs.requests.at(-1)
    expect(lastPage?.answer).toMatchObject({ NextToken: '' })
    expect(sent('ListTagResources').length % 9).toBe(0)
    expect(ids.every((id) => ecs.image(id)?.tags.a === '1')).toBe(true)
  })

  test('nothing is no request', async () => {
    await port().write(tagImages([], { a: '1' }))
    await port().write(untagImages([], ['a']))
    expect(sent()).toEqual([])
  })

  test.each(['reset-after', 'reset-before', 'empty', 'throttling', 'internal-error'] as const)(
    'is repeated when the answer is lost: %s',
    async (kind) => {
      const [id = ''] = images(1)
      ecs.faults.add({ kind, action: 'TagResources' })
      ecs.faults.add({ kind, action: 'ListTagResources' })
      await port().write(tagImages([id], { a: '1' }))
      expect(ecs.image(id)?.tags).toEqual({ a: '1' })
      expect(sent()).toEqual(['TagResources', 'TagResources', 'ListTagResources', 'ListTagResources'])
    },
  )

  test('an image without room for it is refused, and nothing of the part is tagged', async () => {
    const full = ecs.seed.image({ tags: Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`k${n}`, 'v'])) })
    const [id = ''] = images(1)
    const error = await ecsErrorOf(port().write(tagImages([id, full.id], { a: '1' })))
    expect(error).toMatchObject({ ecsCode: 'QuotaExceed.Tags', reaction: 'fail' })
    expect(ecs.image(id)?.tags).toEqual({})
    expect(sent()).toHaveLength(1)
  })

  test.each([
    ['InvalidResourceId.NotFound', ['m-none'], { a: '1' }],
    ['InvalidTagKey.Malformed', undefined, { 'acs:a': '1' }],
    ['InvalidTagValue.Malformed', undefined, { a: 'see http://example.com' }],
    ['TagKey.Duplication', undefined, { TEAM: 'core' }],
  ])('is refused once: %s', async (code, ids, tags) => {
    const error = await ecsErrorOf(port().write(tagImages(ids ?? images(1, { team: 'core' }), tags)))
    expect(error).toMatchObject({ ecsCode: code, reaction: 'fail' })
    expect(sent()).toHaveLength(1)
  })

  test('is a denial of the reading, where only that right is missing', async () => {
    ecs.faults.add({ kind: 'error', code: 'Forbidden.RAM', action: 'ListTagResources' })
    const error = await ecsErrorOf(port().write(tagImages(images(1), { a: '1' })))
    expect(error).toMatchObject({ ecsCode: 'Forbidden.RAM', operation: 'ListTagResources' })
    expect(error.message).toContain('missing permission: ecs:ListTagResources')
    expect(error.remedy).toContain('`ecs:ListTagResources` on *')
  })

  // Without a limit it would be looked for until the time limit of the step, two hours unless told otherwise.
  test.each([
    ['another run writes the same tag meanwhile', (id: string) => ecs.change(id, { tags: { a: '2' } })],
    ['the image is deleted meanwhile', (id: string) => ecs.remove(id)],
    ['it does not show for ever', () => Object.assign(ecs.switches, { staleTagSeconds: Number.POSITIVE_INFINITY })],
  ])('is given some intervals, and then is an error, when %s', async (_, meanwhile) => {
    const [id = ''] = images(1)
    ecs.intercept = (phase, { action }) => {
      if (phase === 'after' && action === 'TagResources') meanwhile(id)
    }
    const error = await ecsErrorOf(port().write(tagImages([id], { a: '1' })))
    expect(error).toMatchObject({
      operation: 'TagResources',
      region,
      message: expect.stringContaining('does not show'),
    })
    expect(error.message).toContain(id)
    expect(sent('TagResources')).toHaveLength(1)
    expect(sent('ListTagResources')).toHaveLength(consistencyIntervals + 1)
  })

  test('ends with the time limit, where that comes before', async () => {
    ecs.switches.staleTagSeconds = Number.POSITIVE_INFINITY
    const write = port({ interval: 60_000, limit: 100 }).write(tagImages(images(1), { a: '1' }))
    const took = await timeOf(async () => expect(await failureOf(write)).toBeInstanceOf(TimeLimit))
    expect(took).toBeLessThan(1000)
  })
})

describe('untagging', () => {
  test('takes the keys that are named, and no others', async () => {
    const [id = ''] = images(1, { team: 'core', a: '1', b: '2' })
    await port().write(untagImages([id], ['a', 'b']))
    expect(ecs.image(id)?.tags).toEqual({ team: 'core' })
    expect(sent()).toEqual(['UntagResources'])
  })

  test('what is not there is no error', async () => {
    const [id = ''] = images(1, { team: 'core' })
    await port().write(untagImages([id], ['a']))
    expect(ecs.image(id)?.tags).toEqual({ team: 'core' })
  })

  test('120 resources goes in parts of fifty', async () => {
    const ids = images(120, { a: '1' })
    await port().write(untagImages(ids, ['a']))
    expect(ids.every((id) => Object.keys(ecs.image(id)?.tags ?? {}).length === 0)).toBe(true)
    expect(sizes('UntagResources')).toEqual([50, 50, 20])
  })

  test('is repeated when the answer is lost', async () => {
    const [id = ''] = images(1, { a: '1' })
    ecs.faults.add({ kind: 'reset-after' })
    await port().write(untagImages([id], ['a']))
    expect(ecs.image(id)?.tags).toEqual({})
    expect(sent()).toHaveLength(2)
  })
})
