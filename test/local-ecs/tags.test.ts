import { afterEach, beforeEach, expect, test } from 'vitest'
import { rawCall } from './sdk.ts'
import { type LocalEcs, startLocalEcs } from './server.ts'

let ecs: LocalEcs
beforeEach(async () => {
  ecs = await startLocalEcs()
})
afterEach(() => ecs.close())

type Parameters = Record<string, string>

const call = (action: string, parameters: Parameters) =>
  rawCall(ecs, action, { RegionId: 'cn-hangzhou', ResourceType: 'image', ...parameters })

async function outcome(action: string, parameters: Parameters): Promise<string> {
  const { status, body } = await call(action, parameters)
  return status === 200 ? '200' : `${status} ${body.Code}`
}

const tag = (key: string, value: string) => ({ 'Tag.1.Key': key, 'Tag.1.Value': value })

test('tags are set, overwritten, listed one a row, and removed', async () => {
  const { id } = ecs.seed.image({ tags: { a: '1', b: '2' } })
  const instance = ecs.seed.instance().id
  expect(await outcome('TagResources', { 'ResourceId.1': id, ...tag('a', '') })).toBe('200')
  expect(await outcome('TagResources', { ResourceType: 'instance', 'ResourceId.1': instance, ...tag('x', 'y') })).toBe(
    '200',
  )
  expect([ecs.image(id)?.tags, ecs.instance(instance)?.tags]).toEqual([{ a: '', b: '2' }, { x: 'y' }])
  const { body } = await call('ListTagResources', { 'ResourceId.1': id })
  expect(body.TagResources.TagResource).toEqual([
    { ResourceId: id, ResourceType: 'image', TagKey: 'a', TagValue: '' },
    { ResourceId: id, ResourceType: 'image', TagKey: 'b', TagValue: '2' },
  ])
  expect(await outcome('UntagResources', { 'ResourceId.1': id, 'TagKey.1': 'a' })).toBe('200')
  expect(ecs.image(id)?.tags).toEqual({ b: '2' })
  expect(await outcome('UntagResources', { 'ResourceId.1': id, All: 'true' })).toBe('200')
  expect(ecs.image(id)?.tags).toEqual({})
})

test('the tag APIs refuse in their own way, and write all or nothing', async () => {
  const { id } = ecs.seed.image({ tags: { Env: '1' } })
  const foreign = ecs.seed.image({ account: ecs.addAccount(), sharedWith: [ecs.account.uid] }).id
  const many = (name: string, count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [name.replace('N', String(n + 1)), `x${n}`]))
  const tags = (count: number) => ({ ...many('Tag.N.Key', count), ...many('Tag.N.Value', count) })
  const rows: [Parameters, string][] = [
    [{ 'ResourceId.1': id }, '404 MissingParameter.Tag.Key'],
    [{ 'ResourceId.1': id, 'Tag.1.Key': 'k' }, '404 MissingParameter.TagValue'],
    [{ ...many('ResourceId.N', 51), ...tag('k', 'v') }, '400 NumberExceed.ResourceIds'],
    [{ 'ResourceId.1': id, ...tags(21) }, '400 NumberExceed.Tags'],
    [{ 'ResourceId.1': id, ...tags(20) }, '403 QuotaExceed.Tags'],
    [{ 'ResourceId.1': id, ...tag('env', '2') }, '403 TagKey.Duplication'],
    [{ 'ResourceId.1': id, ...tag('acs:x', '2') }, '400 InvalidTagKey.Malformed'],
    [{ 'ResourceId.1': id, 'ResourceId.2': 'm-none', ...tag('k', 'v') }, '404 InvalidResourceId.NotFound'],
    [{ 'ResourceId.1': foreign, ...tag('k', 'v') }, '404 InvalidResourceId.NotFound'],
    [{ ResourceType: 'images', 'ResourceId.1': id, ...tag('k', 'v') }, '404 InvalidResourceType.NotFound'],
  ]
  for (const [parameters, expected] of rows) {
    expect(await outcome('TagResources', parameters), JSON.stringify(parameters)).toBe(expected)
  }
  expect(ecs.image(id)?.tags).toEqual({ Env: '1' })
  expect(await outcome('UntagResources', { 'ResourceId.1': id })).toBe('404 MissingParameter.TagKey')
  expect(await outcome('ListTagResources', {})).toBe('403 BothEmpty.TagsAndResources')
})

test('ListTagResources finds by tag, and goes on with NextToken', async () => {
  ecs.quotas.tagRowsPerPage = 2
  const { id } = ecs.seed.image({ tags: { run: '12', b: '2', c: '3' } })
  ecs.seed.image({ tags: { run: '13' } })
  const first = (await call('ListTagResources', tag('run', '12'))).body
  const second = (await call('ListTagResources', { ...tag('run', '12'), NextToken: first.NextToken })).body
  const rows = [...first.TagResources.TagResource, ...second.TagResources.TagResource]
  expect(rows.map((row: { ResourceId: string; TagKey: string }) => `${row.ResourceId} ${row.TagKey}`)).toEqual([
    `${id} run`,
    `${id} b`,
    `${id} c`,
  ])
  expect([first.TagResources.TagResource.length, second.NextToken]).toEqual([2, ''])
  const fuzzy = { 'TagFilter.1.TagKey': 'run', 'TagFilter.1.TagValues.1': '1' }
  expect((await call('ListTagResources', fuzzy)).body.TagResources.TagResource.length).toBe(2)
  expect(await outcome('ListTagResources', { ...fuzzy, ...tag('run', '12') })).toBe('400 InvalidParameter')
})
