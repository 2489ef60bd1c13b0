import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connectEcs } from '../../src/ecs/adapter.ts'
import type { EcsClient } from '../../src/ecs/client.ts'
import { EcsError } from '../../src/ecs/errors.ts'
import { describeCurrent } from '../../src/ecs/images.ts'
import { withRetry } from '../../src/ecs/retry.ts'
import { Cancelled, Clock, consistencyIntervals, TimeLimit } from '../../src/engine/clock.ts'
import { type LocalEcs, startLocalEcs } from '../local-ecs/server.ts'
import { actionsOf, connectTo, ecsErrorOf, failureOf, region, timeOf } from './connection.ts'

let ecs: LocalEcs
let stop: AbortController
beforeEach(async () => {
  ecs = await startLocalEcs()
  stop = new AbortController()
})
afterEach(() => ecs.close())

const forEver = Number.POSITIVE_INFINITY
const look = (client: EcsClient) => describeCurrent(client, { region, family: 'web' })
const cancelIn = (milliseconds: number): void => {
  setTimeout(() => stop.abort(), milliseconds)
}

describe('a cancellation', () => {
  test.each(['throttling', 'throttling-retry-after', 'unavailable', 'reset-before', 'html'] as const)(
    'breaks off a pause at once: %s',
    async (kind) => {
      ecs.faults.add({ kind, retryAfter: 60_000, times: forEver })
      const { client } = connectTo(ecs, { interval: 60_000, limit: 3_600_000, signal: stop.signal })
      cancelIn(150)
      const took = await timeOf(async () => expect(await failureOf(look(client))).toBeInstanceOf(Cancelled))
      expect(took).toBeGreaterThanOrEqual(145)
      expect(took).toBeLessThan(1000)
      expect(ecs.requests).toHaveLength(1)
    },
  )

  test('breaks off the waiting for a state at once', async () => {
    const { id } = ecs.seed.instance({ status: 'Starting' })
    const { client } = connectTo(ecs, { interval: 60_000, limit: 3_600_000, signal: stop.signal })
    cancelIn(150)
    const took = await timeOf(async () => {
      const write = connectEcs(client).write({ action: 'stop', region, instance: id })
      expect(await failureOf(write)).toBeInstanceOf(Cancelled)
    })
    expect(took).toBeLessThan(1000)
    expect(actionsOf(ecs)).toEqual(['StopInstance', 'DescribeInstances'])
  })

  test('gives a request that is under way three seconds to be answered, and no more', async () => {
    ecs.faults.add({ kind: 'slow', seconds: 30, times: 2 })
    // Once within the time limit, and once beyond: it is a cancellation in either case, and nothing is sent again.
    const connections = [20_000, 1000].map((limit) => connectTo(ecs, { limit, signal: stop.signal }))
    cancelIn(100)
    await Promise.all(
      connections.map(async ({ client, retries }) => {
        const took = await timeOf(async () => expect(await failureOf(look(client))).toBeInstanceOf(Cancelled))
        expect(took).toBeGreaterThanOrEqual(3000)
        expect(took).toBeLessThan(3900)
        expect(retries).toEqual([])
      }),
    )
    expect(ecs.requests).toHaveLength(2)
  })

  test('leaves an answer in that time its effect: it can be reported', async () => {
    const image = ecs.seed.image({ family: 'web' }).id
    ecs.faults.add({ kind: 'slow', seconds: 0.3 })
    const { client } = connectTo(ecs, { signal: stop.signal })
    cancelIn(100)
    expect(await look(client)).toMatchObject({ id: image })
  })

  test('leaves a refusal in that time as it is', async () => {
    ecs.faults.add({ kind: 'error', code: 'Forbidden.RAM' })
    const { client } = connectTo(ecs, { signal: stop.signal })
    ecs.intercept = async (phase) => {
      if (phase === 'before') stop.abort()
      await sleep(100)
    }
    expect(await ecsErrorOf(look(client))).toMatchObject({ ecsCode: 'Forbidden.RAM' })
  })

  test('has no failed request repeated', async () => {
    ecs.faults.add({ kind: 'unavailable', times: forEver })
    ecs.intercept = (phase) => {
      if (phase === 'before') stop.abort()
    }
    const { client } = connectTo(ecs, { signal: stop.signal })
    expect(await failureOf(look(client))).toBeInstanceOf(Cancelled)
    expect(ecs.requests).toHaveLength(1)
  })

  test('before the first request leaves ECS alone', async () => {
    stop.abort()
    const { client } = connectTo(ecs, { signal: stop.signal })
    const took = await timeOf(async () => expect(await failureOf(look(client))).toBeInstanceOf(Cancelled))
    expect(took).toBeLessThan(500)
    expect(ecs.requests).toEqual([])
  })

  test('between two requests of one write lets no further one begin', async () => {
    const sharees = Array.from({ length: 30 }, () => ecs.addAccount().uid)
    const { id } = ecs.seed.image({ sharedWith: sharees })
    ecs.intercept = (phase, { index }) => {
      if (phase === 'after' && index === 1) stop.abort()
    }
    const { client } = connectTo(ecs, { signal: stop.signal })
    const write = connectEcs(client).write({ action: 'unshare', region, image: id, accounts: sharees })
    expect(await failureOf(write)).toBeInstanceOf(Cancelled)
    expect(ecs.image(id)?.sharedWith).toEqual(sharees.slice(20))
  })

  test('ends many requests side by side together', async () => {
    ecs.faults.add({ kind: 'throttling', times: forEver })
    const { client } = connectTo(ecs, { interval: 60_000, limit: 3_600_000, signal: stop.signal })
    cancelIn(150)
    const took = await timeOf(async () => {
      const ended = await Promise.all(Array.from({ length: 30 }, () => failureOf(look(client))))
      expect(ended.every((failure) => failure instanceof Cancelled)).toBe(true)
    })
    expect(took).toBeLessThan(1500)
  })
})

describe('the time limit', () => {
  test('ends the waiting for a state, with what ECS answered last', async () => {
    const { id } = ecs.seed.image({ status: 'Creating' })
    const { client } = connectTo(ecs, { limit: 250 })
    const took = await timeOf(async () => {
      const error = await ecsErrorOf(connectEcs(client).write({ action: 'deprecate', region, image: id }))
      expect(error).toMatchObject({ ecsCode: 'InvalidStatus.ImageIsCreating', reaction: 'poll', status: 403 })
      expect(error.remedy).toContain('`wait-timeout-minutes`')
    })
    expect(took).toBeGreaterThanOrEqual(245)
    expect(took).toBeLessThan(1200)
    expect(ecs.requests.length).toBeGreaterThan(10)
  })

  test('lets a request that fails after it not be repeated', async () => {
    ecs.faults.add({ kind: 'unavailable', times: forEver })
    const { client, retries } = connectTo(ecs, { limit: 0 })
    expect(await ecsErrorOf(look(client))).toMatchObject({ ecsCode: 'ServiceUnavailable' })
    expect(ecs.requests).toHaveLength(1)
    expect(retries).toEqual([])
  })

  test('lets a request that succeeds after it count', async () => {
    const image = ecs.seed.image({ family: 'web' }).id
    expect(await look(connectTo(ecs, { limit: 0 }).client)).toMatchObject({ id: image })
  })

  test('ends a pause that would last longer', async () => {
    ecs.faults.add({ kind: 'throttling', times: forEver })
    const { client } = connectTo(ecs, { interval: 60_000, limit: 200 })
    const took = await timeOf(async () => {
      expect(await ecsErrorOf(look(client))).toMatchObject({ ecsCode: 'Throttling.User' })
    })
    expect(took).toBeGreaterThanOrEqual(195)
    expect(took).toBeLessThan(1000)
    // A timer of Node may come a millisecond early, and leave time for one more.
    expect(ecs.requests.length).toBeLessThanOrEqual(2)
  })

  test('that comes while a failure is told of leaves what ECS answered last', async () => {
    const clock = new Clock({ interval: 1, limit: 20, signal: stop.signal })
    const error = new EcsError({
      operation: 'DescribeImages',
      region,
      ecsCode: 'Throttling',
      status: 400,
      reason: 'Slowly.',
    })
    const onRetry = () => {
      while (!clock.isOver);
    }
    const request = withRetry(async () => Promise.reject(error), { clock, onRetry, handled: [] })
    expect(await failureOf(request)).toBe(error)
  })

  test('is said by a look that goes on too long', async () => {
    const clock = new Clock({ interval: 1, limit: 60, signal: stop.signal })
    const failure = await failureOf(
      clock.poll(
        async () => 1,
        () => false,
      ),
    )
    expect(failure).toBeInstanceOf(TimeLimit)
    expect(failure.message).toContain('0.001 minutes')
  })
})

describe('a look that is repeated', () => {
  const clock = () => new Clock({ interval: 1, limit: 20_000, signal: stop.signal })

  test('ends with the first that is good', async () => {
    let looks = 0
    const seen = await clock().poll(
      async () => ++looks,
      (count) => count === 5,
    )
    expect([seen, looks]).toEqual([5, 5])
  })

  test.each([
    ['good', 1, true],
    ['over', 1, false],
    ['hopeless', consistencyIntervals + 1, false],
  ] as const)('that is judged %s ends after %i looks', async (verdict, wanted, isGood) => {
    let looks = 0
    const end = await clock().pollUntilStable(
      async () => ++looks,
      () => verdict,
    )
    expect(end).toEqual({ seen: wanted, isGood })
  })

  test.each([
    [0, 1],
    [3, 4],
  ])('within %i intervals looks %i times, and says what it saw last', async (maxIntervals, wanted) => {
    let looks = 0
    const seen = await clock().poll(
      async () => ++looks,
      () => false,
      maxIntervals,
    )
    expect([seen, looks]).toEqual([wanted, wanted])
  })
})

describe('what is repeated', () => {
  const ecsError = (code: string | undefined, status?: number) =>
    new EcsError({ operation: 'StopInstance', region, ecsCode: code, status, reason: 'No.' })

  async function attempts(error: Error, handled: readonly string[] = []): Promise<number> {
    let made = 0
    const clock = new Clock({ interval: 0.01, limit: 150, signal: stop.signal })
    const request = async () => {
      made += 1
      throw error
    }
    expect(await failureOf(withRetry(request, { clock, onRetry: () => undefined, handled }))).toBe(error)
    return made
  }

  test.each([
    ['a refusal', ecsError('Forbidden.RAM', 403), 1],
    ['an unknown refusal', ecsError('NobodyKnowsThis', 400), 1],
    ['trouble at ECS', ecsError('InternalError', 500), 10],
    ['trouble on the way', ecsError(undefined), 10],
    ["a bug, or somebody's decision", new TypeError('x is not a function'), 1],
    ['a cancellation', new Cancelled('The step was cancelled.'), 1],
    ['the time limit', new TimeLimit('The time limit is over.'), 1],
  ])('%s is sent so many times in all', async (_, error, times) => {
    expect(await attempts(error)).toBe(times)
  })

  test('throttling, and what passes by itself, has only the time limit', async () => {
    expect(await attempts(ecsError('Throttling', 400))).toBeGreaterThan(10)
    expect(await attempts(ecsError('IncorrectInstanceStatus', 403))).toBeGreaterThan(10)
  })

  test('what the caller sees to itself is not repeated', async () => {
    expect(await attempts(ecsError('IncorrectInstanceStatus', 403), ['IncorrectInstanceStatus'])).toBe(1)
    expect(await attempts(ecsError('IncorrectInstanceStatus', 403), ['Another'])).toBeGreaterThan(1)
    expect(await attempts(ecsError(undefined), ['IncorrectInstanceStatus'])).toBe(10)
  })

  test('each failure is told once, with its number, before the pause', async () => {
    ecs.faults.add({ kind: 'throttling', times: 2 })
    ecs.faults.add({ kind: 'html' })
    const { client, retries } = connectTo(ecs)
    await look(client)
    expect(retries.map(({ error: { ecsCode }, failures }) => [ecsCode, failures])).toEqual([
      ['Throttling.User', 1],
      ['Throttling.User', 2],
      [undefined, 3],
    ])
  })
})
