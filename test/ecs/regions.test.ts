import dns from 'node:dns'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { connectEcs } from '../../src/ecs/adapter.ts'
import { describeCurrent } from '../../src/ecs/images.ts'
import { type LocalEcs, startLocalEcs } from '../local-ecs/server.ts'
import { connectTo, holdUntil, type Retry, region } from './connection.ts'

const regions = [region, ...Array.from({ length: 24 }, (_, number) => `far-away-${number + 1}`)]

let ecs: LocalEcs
beforeEach(async () => {
  ecs = await startLocalEcs({ regions })
})
afterEach(async () => {
  vi.restoreAllMocks()
  await ecs.close()
})

describe('many regions', () => {
  test('are asked side by side, each about itself', async () => {
    const images = regions.map((home) => ecs.seed.image({ family: 'web', region: home }).id)
    const warned = vi.fn()
    process.on('warning', warned)
    holdUntil(ecs, 'DescribeImageFromFamily', regions.length)
    const { client, retries } = connectTo(ecs, { interval: 1000 })
    const seen = await Promise.all(regions.map((home) => describeCurrent(client, { region: home, family: 'web' })))
    expect(seen.map((image) => image?.id)).toEqual(images)
    expect(retries).toEqual([])
    process.off('warning', warned)
    expect(warned.mock.calls).toEqual([])
  })

  test('are written to side by side', async () => {
    const images = regions.map((home) => ({ image: ecs.seed.image({ region: home }).id, region: home }))
    holdUntil(ecs, 'ModifyImageAttribute', regions.length)
    const ecsPort = connectEcs(connectTo(ecs, { interval: 1000 }).client)
    await Promise.all(images.map((image) => ecsPort.write({ action: 'join-family', ...image, family: 'web' })))
    expect(regions.map((home) => ecs.current('web', home))).toEqual(images.map(({ image }) => image))
  })

  test('wait each for itself: one that does not answer holds up no other', async () => {
    const others = regions.slice(1)
    for (const home of regions) ecs.seed.image({ family: 'web', region: home })
    const othersAnswered = Promise.withResolvers<void>()
    ecs.intercept = async (phase, { parameters }) => {
      if (phase === 'before' && parameters.RegionId === region) await othersAnswered.promise
    }
    const { client } = connectTo(ecs, { interval: 1000 })
    const ask = (home: string) => describeCurrent(client, { region: home, family: 'web' })
    const slow = ask(region)
    const seen = await Promise.all(others.map(ask))
    othersAnswered.resolve()
    expect(seen.map((image) => image?.region)).toEqual(others)
    expect(await slow).toMatchObject({ region })
  })
})

describe('an endpoint for each region', () => {
  /** Every name leads to the local ECS. */
  function resolveHere(): void {
    vi.spyOn(dns, 'lookup').mockImplementation(((_: string, options: { all?: boolean }, done: unknown) => {
      const found = done as (error: null, address: unknown, family?: number) => void
      if (options.all) found(null, [{ address: '127.0.0.1', family: 4 }])
      else found(null, '127.0.0.1', 4)
    }) as never)
  }

  const connected = () => {
    resolveHere()
    const { client, retries }: { client: Parameters<typeof connectEcs>[0]; retries: Retry[] } = connectTo(ecs, {
      endpoint: `http://ecs.{region}.test:${ecs.port}`,
    })
    return { ecsPort: connectEcs(client), retries }
  }

  const hosts = () => ecs.requests.map(({ action, headers }) => `${action} ${headers.host}`)
  const hostOf = (home: string) => `ecs.${home}.test:${ecs.port}`

  test('has the requests that name no region themselves', async () => {
    const [, away = ''] = regions
    const { id } = ecs.seed.instance({ region: away })
    const run = '17-0123456789'
    const snapshot = ecs.seed.snapshot({ region: away }).id
    ecs.change(snapshot, { tags: { 'image-family:run': run, 'image-family:snapshot': snapshot } })
    const { ecsPort } = connected()
    await ecsPort.write({ action: 'stop', region: away, instance: id })
    ecs.clock.advance(10)
    await ecsPort.write({ action: 'start', region: away, instance: id })
    await ecsPort.write({ action: 'delete-snapshots', region: away, snapshots: [snapshot], run })
    expect(ecs.requests.flatMap(({ action, parameters }) => ('RegionId' in parameters ? [action] : []))).toEqual([
      'ListTagResources',
    ])
    const sent = ['StopInstance', 'StartInstance', 'ListTagResources', 'DeleteSnapshot']
    expect(hosts()).toEqual(sent.map((action) => `${action} ${hostOf(away)}`))
    expect(ecs.snapshot(snapshot)).toBeUndefined()
  })

  test('has the deletion of an image and of its snapshots', async () => {
    const [, away = ''] = regions
    const { id, snapshotIds } = ecs.seed.image({ region: away })
    const { ecsPort } = connected()
    const run = '17-0123456789'
    await ecsPort.write({ action: 'claim-snapshots', region: away, snapshots: snapshotIds, run })
    await ecsPort.write({
      action: 'delete',
      region: away,
      image: id,
      family: 'web',
      accounts: [],
      snapshots: snapshotIds,
      decision: undefined,
      run,
    })
    const sent = ['TagResources', 'ListTagResources', 'DeleteImage', 'ListTagResources', 'DeleteSnapshot']
    expect(hosts()).toEqual(sent.map((action) => `${action} ${hostOf(away)}`))
    expect(ecs.images(away)).toEqual([])
  })

  test('is signed for, and used by all regions side by side', async () => {
    for (const home of regions) ecs.seed.image({ family: 'web', region: home })
    const { ecsPort, retries } = connected()
    const seen = await Promise.all(regions.map((home) => ecsPort.look({ ask: 'current', region: home, family: 'web' })))
    expect(seen.map((image) => image?.region)).toEqual(regions)
    expect(new Set(hosts())).toEqual(new Set(regions.map((home) => `DescribeImageFromFamily ${hostOf(home)}`)))
    expect(ecs.requests.every(({ verified }) => verified)).toBe(true)
    expect(retries).toEqual([])
  })
})
