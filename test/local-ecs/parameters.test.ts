import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { APIS } from './apis.ts'
import { type Action, checkParameters, list, parameterNames, records } from './parameters.ts'

const Ecs = createRequire(import.meta.url)('@alicloud/ecs20140526')
const SDK_ACTIONS = Object.keys(APIS).filter((action) => action !== 'GetCallerIdentity') as Action[]

interface Model {
  names(): Record<string, string>
  types(): Record<string, unknown>
}

/** The parameters of an SDK request model, in the notation of the table: lists as `.N`, objects dotted. */
function sdkNames(model: Model, prefix = ''): string[] {
  const types = model.types()
  return Object.entries(model.names()).flatMap(([field, wire]) => {
    const type = types[field] as string | { type?: string; itemType?: string | Model } | Model
    const name = `${prefix}${wire}`
    if (typeof type === 'string') return [name]
    if ('names' in type) return sdkNames(type, `${name}.`)
    const items = type.itemType
    return typeof items === 'string' ? [`${name}.N`] : sdkNames(items as Model, `${name}.N.`)
  })
}

const complaint = (action: Action, parameters: Record<string, string>) => {
  try {
    checkParameters(action, parameters)
  } catch (error) {
    const { status, code, message } = error as { status: number; code: string; message: string }
    return { status, code, message }
  }
  return undefined
}

test.each(SDK_ACTIONS)('%s takes whatever the SDK can send', (action) => {
  const names = sdkNames(Ecs[`${action}Request`])
  expect(names.length).toBeGreaterThan(3)
  const refused = names.filter((name) => {
    const message = complaint(action, { [name.replaceAll('.N', '.1')]: '1' })?.message
    return message?.includes('is not a parameter')
  })
  expect(refused).toEqual([])
})

test.each(SDK_ACTIONS)('%s takes nothing the SDK does not know, deprecated names aside', (action) => {
  const known = new Set(sdkNames(Ecs[`${action}Request`]))
  const deprecated = ['Tag.N.key', 'Tag.N.value', 'RegionId', 'ResourceOwnerId']
  const extra = parameterNames(action).filter((name) => !known.has(name) && !deprecated.includes(name))
  expect(extra.filter((name) => !name.endsWith('*'))).toEqual([])
})

test('refuses unknown parameters by name', () => {
  const found = complaint('DescribeImages', { RegionId: 'cn-hangzhou', NextToken: 'x' })
  expect(found).toMatchObject({ status: 400, code: 'InvalidParameter' })
  expect(found?.message).toContain('"NextToken"')
  expect(complaint('CopyImage', { RegionId: 'a', ImageId: 'b', ImageFamily: 'c' })?.message).toContain('ImageFamily')
  expect(complaint('ModifyImageAttribute', { RegionId: 'a', ImageId: 'b', ClientToken: 'c' })?.message).toContain(
    'ClientToken',
  )
  expect(complaint('TagResources', { RegionId: 'a', DryRun: 'true' })?.message).toContain('DryRun')
})

test('refuses what is no boolean or number', () => {
  const image = { RegionId: 'cn-hangzhou', ImageId: 'm-1' }
  expect(complaint('DeleteImage', { ...image, Force: 'yes' })).toMatchObject({ code: 'InvalidParameter' })
  expect(complaint('DeleteImage', { ...image, Force: 'true' })).toBeUndefined()
  expect(complaint('DescribeImages', { ...image, PageSize: 'ten' })).toMatchObject({ code: 'InvalidParameter' })
})

test('misses what is required, with 404 in the tag APIs', () => {
  expect(complaint('CreateImage', {})).toMatchObject({ status: 400, code: 'MissingParameter' })
  expect(complaint('DescribeImageFromFamily', { RegionId: 'a', ImageFamily: '' })?.message).toContain('"ImageFamily"')
  expect(complaint('TagResources', { RegionId: 'a' })).toMatchObject({
    status: 404,
    code: 'MissingParameter.ResourceType',
  })
})

test('StopInstance and the like tolerate the RegionId that the CLI adds', () => {
  for (const action of ['StopInstance', 'StartInstance', 'DeleteInstance'] as const) {
    expect(complaint(action, { InstanceId: 'i-1', RegionId: 'cn-hangzhou' })).toBeUndefined()
  }
  expect(complaint('DeleteSnapshot', { SnapshotId: 's-1', RegionId: 'cn-hangzhou' })).toBeUndefined()
})

test('reads lists in the order of their numbers', () => {
  const parameters = { 'A.10': 'j', 'A.2': 'b', 'A.1': 'a', 'B.2.Key': 'y', 'B.1.Key': 'x', 'B.1.Value': '' }
  expect(list(parameters, 'A')).toEqual(['a', 'b', 'j'])
  expect(records(parameters, 'B')).toEqual([{ Key: 'x', Value: '' }, { Key: 'y' }])
})
