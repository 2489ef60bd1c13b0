import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connectEcs } from '../../src/ecs/adapter.ts'
import { type LocalEcs, startLocalEcs } from '../local-ecs/server.ts'
import {
  actionsOf,
  type ConnectionOptions,
  connectTo,
  ecsErrorOf,
  type Gateway,
  region,
  startGateway,
  timeOf,
} from './connection.ts'

let ecs: LocalEcs
let gateway: Gateway
beforeEach(async () => {
  ecs = await startLocalEcs()
  gateway = await startGateway(ecs)
})
afterEach(async () => {
  await gateway.close()
  await ecs.close()
})

const port = (options: ConnectionOptions = {}) => connectEcs(connectTo(ecs, options).client)
const sent = (action?: string) => actionsOf(ecs, action)
const stop = (instance: string) => ({ action: 'stop', region, instance }) as const
const start = (instance: string) => ({ action: 'start', region, instance }) as const

describe('an instance', () => {
  test('has status, tags, locks, and the minute of its last start', async () => {
    const { id } = ecs.seed.instance({
      status: 'Stopped',
      startTime: '2026-03-31T22:32:41Z',
      tags: { team: 'core', empty: '' },
      locks: ['security', 'financial'],
    })
    expect(await port().look({ ask: 'instance', region, instance: id })).toEqual({
      id,
      status: 'Stopped',
      startedAt: Date.parse('2026-03-31T22:32:00Z'),
      tags: { team: 'core', empty: '' },
      locks: ['security', 'financial'],
    })
    expect(ecs.requests[0]?.parameters).toEqual({ RegionId: region, InstanceIds: `["${id}"]` })
  })

  test.each(['Pending', 'Starting', 'Running', 'Stopping', 'Stopped'] as const)('is seen as %s', async (status) => {
    const { id } = ecs.seed.instance({ status })
    expect(await port().look({ ask: 'instance', region, instance: id })).toMatchObject({ status, locks: [], tags: {} })
  })

  test('that does not exist, is in another region or not ours is undefined and no error', async () => {
    const away = ecs.seed.instance({ region: 'cn-beijing' })
    const foreign = ecs.seed.instance({ account: ecs.addAccount() })
    for (const instance of ['i-none', away.id, foreign.id]) {
      expect(await port().look({ ask: 'instance', region, instance })).toBeUndefined()
    }
  })

  test('that was never started has no time of its start', async () => {
    const { id } = ecs.seed.instance()
    gateway.replace = ({ text }) => ({ text: text.replace(/"StartTime":"[^"]*"/, '"StartTime":""') })
    const seen = await port({ endpoint: gateway.url }).look({ ask: 'instance', region, instance: id })
    expect(seen).toMatchObject({ id, startedAt: undefined })
  })

  test('has no locks where the answer has an empty list of lists', async () => {
    const { id } = ecs.seed.instance()
    gateway.replace = ({ text }) => ({
      text: text.replace('"OperationLocks":{"LockReason":[]}', '"OperationLocks":[]'),
    })
    const seen = await port({ endpoint: gateway.url }).look({ ask: 'instance', region, instance: id })
    expect(seen).toMatchObject({ id, locks: [] })
  })

  test('has its locks also where ECS abbreviates them', async () => {
    ecs.switches.operationLocksShape = 'object'
    const { id } = ecs.seed.instance({ locks: ['security'] })
    expect(await port().look({ ask: 'instance', region, instance: id })).toMatchObject({ id, locks: ['security'] })
  })
})

describe('stopping', () => {
  test('is one request, which keeps what the instance needs to start again', async () => {
    ecs.switches.defaultStoppedMode = 'StopCharging'
    ecs.switches.startNoStock = 'after-stop-charging'
    const { id } = ecs.seed.instance()
    await port().write(stop(id))
    expect(sent()).toEqual(['StopInstance'])
    expect(ecs.requests[0]?.parameters).toEqual({ InstanceId: id, ForceStop: 'false', StoppedMode: 'KeepCharging' })
    ecs.clock.advance(5)
    expect(ecs.instance(id)).toMatchObject({ status: 'Stopped', stoppedMode: 'KeepCharging' })
    await port().write(start(id))
    ecs.clock.advance(5)
    expect(ecs.instance(id)?.status).toBe('Running')
  })

  test('by force says so', async () => {
    const { id } = ecs.seed.instance()
    await port().write({ ...stop(id), force: true })
    expect(ecs.requests[0]?.parameters).toMatchObject({ ForceStop: 'true', StoppedMode: 'KeepCharging' })
  })

  test.each(['Stopping', 'Stopped'] as const)('is done where the instance is %s already', async (status) => {
    const { id } = ecs.seed.instance({ status })
    await port().write(stop(id))
    expect(sent()).toEqual(['StopInstance', 'DescribeInstances'])
    expect(ecs.instance(id)?.status).toBe(status)
  })

  test.each(['Pending', 'Starting'] as const)('waits for an instance that is %s', async (status) => {
    const { id } = ecs.seed.instance({ status })
    ecs.intercept = (phase, { index }) => {
      if (phase === 'after' && index === 5) ecs.change(id, { status: 'Running' })
    }
    await port().write(stop(id))
    expect(ecs.instance(id)?.status).toBe('Stopping')
    expect(sent('StopInstance')).toHaveLength(4)
    expect(sent('DescribeInstances')).toHaveLength(3)
  })

  test.each([
    ['reset-after', 1],
    ['reset-after', 3],
    ['reset-before', 1],
    ['empty', 1],
    ['unavailable', 2],
    ['throttling', 2],
  ] as const)('is done once, although the answer is lost: %s, %i times', async (kind, times) => {
    const { id } = ecs.seed.instance()
    ecs.faults.add({ kind, times, action: 'StopInstance' })
    await port().write(stop(id))
    ecs.clock.advance(10)
    expect(ecs.instance(id)?.status).toBe('Stopped')
    expect(sent('StopInstance')).toHaveLength(times + 1)
  })
})

describe('starting', () => {
  test('is one request', async () => {
    const { id } = ecs.seed.instance({ status: 'Stopped' })
    await port().write(start(id))
    expect(sent()).toEqual(['StartInstance'])
    expect(ecs.requests[0]?.parameters).toEqual({ InstanceId: id })
    expect(ecs.instance(id)?.status).toBe('Starting')
  })

  test.each(['Starting', 'Running'] as const)('is done where the instance is %s already', async (status) => {
    const { id } = ecs.seed.instance({ status })
    await port().write(start(id))
    expect(sent()).toEqual(['StartInstance', 'DescribeInstances'])
    expect(ecs.instance(id)?.status).toBe(status)
  })

  test('waits for an instance that is still stopping', async () => {
    ecs.switches.stoppingSeconds = 7
    const { id } = ecs.seed.instance()
    await port().write(stop(id))
    await port().write(start(id))
    expect(ecs.instance(id)?.status).toBe('Starting')
    expect(sent('StartInstance').length).toBeGreaterThan(3)
  })

  test.each(['reset-after', 'reset-before', 'empty', 'broken-json', 'internal-error'] as const)(
    'is done once, although the answer is lost: %s',
    async (kind) => {
      const { id } = ecs.seed.instance({ status: 'Stopped' })
      ecs.faults.add({ kind, action: 'StartInstance' })
      await port().write(start(id))
      ecs.clock.advance(10)
      expect(ecs.instance(id)?.status).toBe('Running')
    },
  )

  test('without stock is an error at once, and says what to do', async () => {
    ecs.switches.startNoStock = 'always'
    const { id } = ecs.seed.instance({ status: 'Stopped' })
    const error = await ecsErrorOf(port().write(start(id)))
    expect(error).toMatchObject({ ecsCode: 'OperationDenied.NoStock', reaction: 'fail', status: 403 })
    expect(error.remedy).toContain('console')
    expect(sent()).toHaveLength(1)
  })
})

describe.each([
  ['stopping', stop, 'Running', 'Starting'],
  ['starting', start, 'Stopped', 'Stopping'],
] as const)('%s', (_, step, status, onItsWay) => {
  test('an instance that does not exist is an error at once', async () => {
    expect(await ecsErrorOf(port().write(step('i-none')))).toMatchObject({ ecsCode: 'InvalidInstanceId.NotFound' })
    expect(sent()).toHaveLength(1)
  })

  test('an instance that is locked is an error at once', async () => {
    const { id } = ecs.seed.instance({ status, locks: ['security'] })
    const error = await ecsErrorOf(port().write(step(id)))
    expect(error).toMatchObject({ ecsCode: 'InstanceLockedForSecurity', reaction: 'fail' })
    expect(sent()).toHaveLength(1)
  })

  test('an instance that is released meanwhile is an error', async () => {
    const { id } = ecs.seed.instance({ status: onItsWay })
    ecs.intercept = (phase, { action }) => {
      if (phase === 'before' && action === 'DescribeInstances') ecs.remove(id)
    }
    expect(await ecsErrorOf(port().write(step(id)))).toMatchObject({ ecsCode: 'IncorrectInstanceStatus' })
    expect(sent()).toHaveLength(2)
  })

  test('an instance that never comes to rest ends with the time limit', async () => {
    const { id } = ecs.seed.instance({ status: onItsWay })
    const took = await timeOf(async () => {
      const error = await ecsErrorOf(port({ limit: 200 }).write(step(id)))
      expect(error).toMatchObject({ ecsCode: 'IncorrectInstanceStatus', reaction: 'poll' })
    })
    expect(took).toBeGreaterThanOrEqual(195)
    expect(took).toBeLessThan(1000)
    expect(sent().length).toBeGreaterThan(10)
  })
})

describe('the instances of images', () => {
  test.each([
    [0, 1],
    [1, 1],
    [100, 1],
    [101, 2],
    [250, 3],
  ])('%i are all named, in %i requests', async (count, requests) => {
    const image = ecs.seed.image({})
    const running = Array.from({ length: count }, () => ecs.seed.instance({ imageId: image.id }).id)
    ecs.seed.instance({ imageId: ecs.seed.image({}).id })
    expect(await port().instancesOf(region, [image.id])).toEqual(running)
    expect(sent()).toHaveLength(requests)
  })

  test('of several images are named together, in every status', async () => {
    const images = [ecs.seed.image({}).id, ecs.seed.image({}).id, ecs.seed.image({}).id]
    const first = Array.from({ length: 120 }, () => ecs.seed.instance({ imageId: images[0], status: 'Stopped' }).id)
    const third = ecs.seed.instance({ imageId: images[2], status: 'Pending' }).id
    expect(await port().instancesOf(region, images)).toEqual([...first, third])
    expect(sent()).toHaveLength(4)
  })

  test('of no image are none, without a request', async () => {
    ecs.seed.instance()
    expect(await port().instancesOf(region, [])).toEqual([])
    expect(sent()).toEqual([])
  })

  test('are all named, although requests fail on the way', async () => {
    const image = ecs.seed.image({})
    const running = Array.from({ length: 250 }, () => ecs.seed.instance({ imageId: image.id }).id)
    ecs.faults.add({ kind: 'throttling', nth: 2 })
    ecs.faults.add({ kind: 'reset-after', nth: 4 })
    expect(await port().instancesOf(region, [image.id])).toEqual(running)
    expect(sent()).toHaveLength(5)
  })
})
