import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connectEcs } from '../../src/ecs/adapter.ts'
import { describeError } from '../../src/engine/action-error.ts'
import type { Create } from '../../src/engine/ports.ts'
import { clientTokenOf, createRun } from '../../src/family/model/run.ts'
import { type CopySpec, copyPlaceholder } from '../../src/family/plan/steps.ts'
import { type LocalEcs, startLocalEcs } from '../local-ecs/server.ts'
import {
  actionsOf,
  type ConnectionOptions,
  connectTo,
  ecsErrorOf,
  failureOf,
  region,
  startGateway,
  timeOf,
} from './connection.ts'

let ecs: LocalEcs
beforeEach(async () => {
  ecs = await startLocalEcs()
})
afterEach(() => ecs.close())

const target = 'cn-beijing'
const port = (options: ConnectionOptions = {}) => connectEcs(connectTo(ecs, options).client)
const sent = (action?: string) => actionsOf(ecs, action)

const run = createRun(
  { repositoryId: '1', workflowRun: '17', scope: ['job'], mode: 'bake', region, family: 'web' },
  { attempt: 1, number: 3, sha256: (text) => Buffer.from(text).toString('hex').padEnd(64, '0').slice(-64) },
)
const copying = (fields: Partial<CopySpec> = {}): CopySpec => ({
  run,
  from: { region, image: ecs.seed.image({ family: 'web', version: 'v3', dataDisks: [20] }).id },
  name: 'web-3',
  description: "nightly (build #7) it's a*b ~ 中文",
  kmsKeyId: undefined,
  resourceGroupId: undefined,
  tags: { 'image-family:run': run.key, 'image-family:origin': 'cn-hangzhou m-1', empty: '' },
  generation: 0,
  ...fields,
})
const stepOf = (copy: CopySpec, to = target): Create => ({
  action: 'copy',
  region: to,
  image: copyPlaceholder(to),
  copy,
})
const copiesOf = (image: string) => ecs.images().filter(({ copyOf }) => copyOf?.id === image)
const idOf = ({ from }: CopySpec): string => String(from.image)

describe('a copy', () => {
  test('is asked for in the region of its source, with everything that was asked for', async () => {
    const copy = copying({ resourceGroupId: 'rg-1', kmsKeyId: 'key-1' })
    const answer = await port().create(stepOf(copy), 0)
    expect(ecs.requests.map((request) => [request.action, request.region, request.parameters])).toEqual([
      [
        'CopyImage',
        region,
        {
          RegionId: region,
          ImageId: idOf(copy),
          DestinationRegionId: target,
          DestinationImageName: 'web-3',
          DestinationDescription: copy.description,
          ResourceGroupId: 'rg-1',
          Encrypted: 'true',
          KMSKeyId: 'key-1',
          'Tag.1.Key': 'image-family:run',
          'Tag.1.Value': run.key,
          'Tag.2.Key': 'image-family:origin',
          'Tag.2.Value': 'cn-hangzhou m-1',
          'Tag.3.Key': 'empty',
          'Tag.3.Value': '',
          ClientToken: clientTokenOf(run, 0, 0, target),
        },
      ],
    ])
    const [made] = ecs.images(target)
    expect(answer).toEqual({ kind: 'accepted', image: made?.id })
    expect(made).toMatchObject({ name: 'web-3', family: '', encrypted: true, kmsKeyId: 'key-1', tags: copy.tags })
  })

  test('is asked for without what is not set', async () => {
    await port().create(stepOf(copying({ description: undefined, tags: {} })), 0)
    expect(Object.keys(ecs.requests[0]?.parameters ?? {}).sort()).toEqual([
      'ClientToken',
      'DestinationImageName',
      'DestinationRegionId',
      'ImageId',
      'RegionId',
    ])
    expect(ecs.images(target)).toMatchObject([{ encrypted: false, description: '' }])
  })

  test('has a token of its own for each region, generation and renewal', async () => {
    const copy = copying()
    const ecsPort = port()
    await ecsPort.create(stepOf(copy), 0)
    await ecsPort.create(stepOf(copy, 'cn-shanghai'), 0)
    ecs.clock.advance(10)
    await ecsPort.create(stepOf({ ...copy, generation: 1, name: 'web-3-2' }), 0)
    ecs.clock.advance(10)
    await ecsPort.create(stepOf({ ...copy, name: 'web-3-3' }), 1)
    expect(new Set(ecs.requests.map(({ parameters }) => parameters.ClientToken)).size).toBe(4)
    expect(copiesOf(idOf(copy))).toHaveLength(4)
  })

  test.each(['reset-after', 'broken-json', 'empty'] as const)(
    'is made once, although the answer is lost: %s',
    async (kind) => {
      ecs.faults.add({ kind, times: 3 })
      const answer = await port().create(stepOf(copying()), 0)
      expect(answer).toEqual({ kind: 'accepted', image: ecs.images(target)[0]?.id })
      expect(ecs.images(target)).toHaveLength(1)
      expect(new Set(ecs.requests.map(({ parameters }) => parameters.ClientToken)).size).toBe(1)
      expect(sent()).toHaveLength(4)
    },
  )

  test('is made once, although ECS is still working on the first request', async () => {
    ecs.switches.lastTokenProcessingTimes = 4
    const answer = await port().create(stepOf(copying()), 0)
    expect(answer).toEqual({ kind: 'accepted', image: ecs.images(target)[0]?.id })
    expect(ecs.requests.map(({ code }) => code)).toEqual([...Array(4).fill('LastTokenProcessing'), undefined])
  })

  test('a name that is taken in its region is an answer, and one that is taken elsewhere is none', async () => {
    ecs.seed.image({ name: 'web-3' })
    const copy = copying()
    expect(await port().create(stepOf(copy), 0)).toMatchObject({ kind: 'accepted' })
    ecs.seed.image({ name: 'web-3', region: 'cn-shanghai' })
    expect(await port().create(stepOf(copy, 'cn-shanghai'), 0)).toMatchObject({
      kind: 'name-taken',
      error: { ecsCode: 'InvalidImageName.Duplicated' },
    })
    expect(sent()).toHaveLength(2)
  })

  test.each(['IdempotenceParamNotMatch', 'InvalidParamter.Conflict', 'IdempotentParameterMismatch'] as const)(
    'a token that stands for something else is an answer: %s',
    async (code) => {
      ecs.switches.tokenMismatchCode = code
      const copy = copying()
      await port().create(stepOf(copy), 0)
      const other = { ...copy, description: 'something else', name: 'web-4' }
      expect(await port().create(stepOf(other), 0)).toMatchObject({ kind: 'token-used', error: { ecsCode: code } })
      expect(await port().create(stepOf(other), 1)).toMatchObject({ kind: 'accepted' })
      expect(ecs.images(target)).toHaveLength(2)
    },
  )

  test('that ECS forgot the token of is found out by its name, once it is done', async () => {
    ecs.switches.tokenMemorySeconds = 0
    ecs.faults.add({ kind: 'reset-after' })
    const answer = await port().create(stepOf(copying()), 0)
    expect(answer).toMatchObject({ kind: 'name-taken' })
    expect(ecs.images(target)).toHaveLength(1)
  })

  test.each([
    ['no', '"HostId":"ecs.cn-hangzhou.aliyuncs.com"'],
    ['an empty', '"ImageId":""'],
  ])('an answer with %s ID of the image is no success', async (_, members) => {
    const gateway = await startGateway(ecs)
    gateway.replace = () => ({ status: 200, text: `{"RequestId":"R-1",${members}}` })
    const error = await ecsErrorOf(port({ endpoint: gateway.url }).create(stepOf(copying()), 0))
    expect(error).toMatchObject({ operation: 'CopyImage', requestId: 'R-1', remedy: expect.stringContaining('again') })
    expect(error.message).toContain('no image ID')
    await gateway.close()
  })
})

describe('what stands in the way of a copy for a while is waited out', () => {
  test.each(['source', 'source-and-target'] as const)('another copy of the same image: %s', async (conflict) => {
    ecs.switches.copyConflict = conflict
    ecs.switches.copySeconds = 8
    const copy = copying()
    const ecsPort = port()
    await ecsPort.create(stepOf({ ...copy, name: 'earlier', generation: 7 }), 0)
    expect(await ecsPort.create(stepOf(copy), 0)).toMatchObject({ kind: 'accepted' })
    const codes = ecs.requests.map(({ code }) => code)
    expect(codes.length).toBeGreaterThan(5)
    expect(new Set(codes.slice(1, -1))).toEqual(new Set(['OperationDenied.ImageCopyConflict']))
    expect(new Set(ecs.requests.slice(1).map(({ parameters }) => parameters.ClientToken)).size).toBe(1)
    expect(copiesOf(idOf(copy)).map(({ name }) => name)).toEqual(['earlier', 'web-3'])
  })

  test.each([
    ['source', 0],
    ['source', 2],
    ['source-and-target', 0],
    ['source-and-target', 2],
  ] as const)(
    'copies to many regions side by side, each made once: %s, and %i times the first request is in progress',
    async (conflict, processing) => {
      Object.assign(ecs.switches, { copyConflict: conflict, lastTokenProcessingTimes: processing })
      ecs.faults.add({ kind: 'reset-after', nth: 3, times: 2 })
      const copy = copying()
      const targets = ['cn-beijing', 'cn-shanghai', 'cn-shenzhen', 'cn-hongkong', 'us-west-1', 'eu-central-1']
      const { client, retries } = connectTo(ecs)
      const ecsPort = connectEcs(client)
      const answers = await Promise.all(targets.map((to) => ecsPort.create(stepOf(copy, to), 0)))
      expect(answers).toEqual(targets.map((to) => ({ kind: 'accepted', image: ecs.images(to)[0]?.id })))
      expect(copiesOf(idOf(copy))).toHaveLength(targets.length)
      const met = new Set(retries.map(({ error }) => error.ecsCode))
      expect(met.has('OperationDenied.ImageCopyConflict')).toBe(conflict === 'source')
      expect(met.has('LastTokenProcessing')).toBe(processing > 0)
    },
  )

  test('an image that became available just now', async () => {
    ecs.faults.add({ kind: 'error', code: 'OperationDenied.ImageCopying', status: 403, times: 15 })
    expect(await port().create(stepOf(copying()), 0)).toMatchObject({ kind: 'accepted' })
    expect(sent('CopyImage')).toHaveLength(16)
  })

  test.each(['OperationDenied.ImageCopyConflict', 'OperationDenied.ImageCopying'])(
    'and no longer than the time limit: %s',
    async (code) => {
      ecs.faults.add({ kind: 'error', code, status: 400, times: Number.POSITIVE_INFINITY })
      const took = await timeOf(async () => {
        const error = await ecsErrorOf(port({ limit: 200 }).create(stepOf(copying()), 0))
        expect(error).toMatchObject({
          ecsCode: code,
          reaction: 'poll',
          remedy: expect.stringContaining('wait-timeout-minutes'),
        })
      })
      expect(took).toBeGreaterThanOrEqual(195)
      expect(took).toBeLessThan(1200)
      expect(ecs.requests.length).toBeGreaterThan(10)
    },
  )
})

describe('a refusal', () => {
  test.each([
    ['QuotaExceed.Image', '`keep`'],
    ['RegionNotSupportCopy', '`replica-region-ids`'],
    ['DestinationRegion.NotFound', '`replica-region-ids`'],
    ['InvalidParameter.KMSKeyId.NotFound', '`copy-kms-key-ids`'],
    ['OperationDenied.EncryptSnapshotAcrossRegion', '`copy-kms-key-ids`'],
    ['IncorrectImageStatus', 'Restore the image'],
    ['Forbidden.RAM', '`ecs:CopyImage` on image/* of both regions'],
  ])('is said once, with what to do: %s', async (code, remedy) => {
    ecs.faults.add({ kind: 'error', code, status: 403 })
    const error = await failureOf(port().create(stepOf(copying()), 0))
    expect(error).toMatchObject({ ecsCode: code, reaction: 'fail', remedy: expect.stringContaining(remedy) })
    expect(error).toHaveProperty('code', code === 'QuotaExceed.Image' ? 'family-full' : 'ecs')
    expect(sent()).toHaveLength(1)
    expect(ecs.images(target)).toEqual([])
  })

  test('names both regions: what it is about may be in either', async () => {
    ecs.quotas.imagesPerRegion = 0
    const error = await ecsErrorOf(port().create(stepOf(copying()), 0))
    expect(describeError(error.toJSON())).toContain(
      'CopyImage in cn-hangzhou (to cn-beijing): ECS answered QuotaExceed.Image',
    )
  })

  test.each([
    ['a deprecated image', 'Deprecated', 'IncorrectImageStatus'],
    ['an image that failed', 'CreateFailed', 'IncorrectImageStatus'],
  ] as const)('meets %s', async (_, status, code) => {
    const from = { region, image: ecs.seed.image({ status }).id }
    expect(await ecsErrorOf(port().create(stepOf(copying({ from })), 0))).toMatchObject({
      ecsCode: code,
      reaction: 'fail',
    })
  })
})
