/**
 * Two models of ECS, held equal: the fake of the planner tests, and the local ECS behind the real adapter. Both start
 * from the same images, are asked the same questions and told the same steps; what one refuses the other refuses, with
 * the same code, and both answer the same afterwards.
 */

import { asyncProperty, check, defaultReportMessage, shuffledSubarray } from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connectEcs } from '../../src/ecs/adapter.ts'
import type { Ecs, Write } from '../../src/engine/ports.ts'
import type { Image } from '../../src/family/model/image.ts'
import type { Permission, Query } from '../../src/family/plan/query.ts'
import type { Step } from '../../src/family/plan/steps.ts'
import { hasDryRun } from '../../src/family/plan/steps.ts'
import { connectTo } from '../ecs/connection.ts'
import { type FakeEcs, there } from '../family/fake-ecs.ts'
import { image, instance, noon, region, shanghai } from '../family/images.ts'
import { times } from '../soak.ts'
import { creations, friend, old, own, run, told } from './contract-steps.ts'
import { type LocalEcs, startLocalEcs, steppedClock } from './server.ts'

let ecs: LocalEcs
let adapter: Ecs
let fake: FakeEcs
/** IDs of what steps have made in the local ECS, by their label. */
const made = new Map<string, string>()

async function begin(): Promise<void> {
  made.clear()
  const clock = steppedClock({ start: new Date(noon).toISOString(), secondsPerRequest: 0 })
  const lasting = { creationSeconds: 1e6, copySeconds: 1e6, stoppingSeconds: 0, startingSeconds: 0 }
  ecs = await startLocalEcs({ clock, switches: lasting })
  adapter = connectEcs(connectTo(ecs, { limit: 500 }).client)
  const owner = ecs.addAccount()
  expect(owner.uid).toBe(friend)
  for (const { creationTime, ...each } of own) {
    const origin = each.isCopied ? { copyOf: { region, id: old.id } } : {}
    const sharedWith = each.id === 'm-shared' ? [friend] : []
    ecs.seed.image({ ...each, ...origin, sharedWith, tags: { ...each.tags }, createdAt: creationTime })
  }
  ecs.seed.image({ account: owner, id: 'm-theirs', name: 'theirs', family: 'web', sharedWith: [ecs.account.uid] })
  ecs.seed.instance({ id: 'i-golden', startTime: noon - 3_600_000 })
  ecs.seed.instance({ id: 'i-user', imageId: 'm-used' })
  ecs.seed.snapshot({ id: 's-1' })
  const theirs = image('m-theirs', 9, { name: 'theirs', family: `acs:${friend}:web`, ownerAlias: 'others' })
  fake = there(...own, theirs)
    .sharing('m-shared', friend)
    .using('m-used')
    .running(instance('i-golden'))
}

// ── Questions ────────────────────────────────────────────────────────────────

/** By name: what steps make has an ID of its own in each model. */
const brief = ({ region: where, name, family, status, isCopied, ownerAlias, tags }: Image) =>
  JSON.stringify([where, name, family, status, isCopied, ownerAlias, Object.entries(tags).sort()])
const isImage = (thing: unknown): thing is Image =>
  typeof thing === 'object' && thing !== null && 'creationTime' in thing
const comparable = (answer: unknown): unknown => {
  if (Array.isArray(answer)) return answer.map((each) => (isImage(each) ? brief(each) : each)).sort()
  return isImage(answer) ? brief(answer) : (answer ?? 'nothing')
}

type Asked = Extract<Query, { ask: Parameters<Ecs['look']>[0]['ask'] }>

const questions = (): Asked[] => {
  const places = [region, shanghai].flatMap((where): Asked[] => [
    ...['web', 'api', 'web-bad', `acs:${friend}:web`].flatMap((family): Asked[] => [
      { ask: 'current', region: where, family },
      { ask: 'members', region: where, family },
      { ask: 'used', region: where, family },
    ]),
    ...['name-of-m-old', 'new', 'copy'].map((name): Asked => ({ ask: 'named', region: where, name })),
    { ask: 'visible', region: where, family: `acs:${friend}:web` },
    { ask: 'made', region: where, run: run['image-family:run'] },
    { ask: 'copies', region: where, origin: `${region}/${old.id}` },
    { ask: 'own', region: where },
  ])
  const known = own.filter(({ id }) => fake.state.images.some((each) => each.id === id))
  return [
    ...places,
    ...[...own.map(({ id }) => id), 'm-theirs', 'm-none'].map((id): Asked => ({ ask: 'image', region, image: id })),
    ...known.map(({ id, region: where }): Asked => ({ ask: 'shares', region: where, image: id })),
    ...['i-golden', 'i-none'].map((id): Asked => ({ ask: 'instance', region, instance: id })),
  ]
}

/** The planners ask it of images that a family may serve. */
const permissions = (): Step[] =>
  fake.state.images
    .filter(({ ownerAlias, status }) => ownerAlias === 'self' && status === 'Available')
    .filter(({ id }) => own.some((each) => each.id === id))
    .flatMap(({ id, region: where }): Step[] => [
      { action: 'deprecate', region: where, image: id },
      { action: 'join-family', region: where, image: id, family: 'web-bad' },
      { action: 'share', region: where, image: id, accounts: [friend] },
    ])

const obstacleIn = (answer: Permission): string => (answer.granted ? 'none' : answer.obstacle)

async function expectSameAnswers(): Promise<void> {
  for (const question of questions()) {
    const [local, planned] = [await adapter.look(question), fake.answer(question)].map(comparable)
    expect(local, JSON.stringify(question)).toEqual(planned)
  }
  for (const step of permissions().filter(hasDryRun)) {
    const planned = fake.answer({ ask: 'permitted', step }) as Permission
    expect((await adapter.wouldPermit(step)).granted, JSON.stringify(step)).toBe(planned.granted)
  }
  for (const step of creations().filter(hasDryRun)) {
    const [local, planned] = [await adapter.wouldPermit(step, { once: true }), fake.answer({ ask: 'permitted', step })]
    expect(obstacleIn(local), JSON.stringify(step)).toBe(obstacleIn(planned as Permission))
  }
}

// ── Steps ────────────────────────────────────────────────────────────────────

const resolved = (step: Step): Step =>
  JSON.parse([...made].reduce((text, [label, id]) => text.replaceAll(label, id), JSON.stringify(step)))

/** @returns the code that ECS refuses with, whatever the adapter makes of it */
async function tellLocal(step: Step): Promise<string | undefined> {
  const before = ecs.requests.length
  try {
    if (step.action === 'await') ecs.clock.advance(1e7)
    else if (step.action !== 'create' && step.action !== 'copy') await adapter.write(resolved(step) as Write)
    else {
      const answer = await adapter.create(step, 0)
      if (answer.kind === 'accepted') made.set(step.image, answer.image)
    }
  } catch {
    // Its code is on record.
  }
  return ecs.requests.slice(before).find(({ code }) => code !== undefined)?.code
}

function tellFake(step: Step): string | undefined {
  try {
    fake = fake.after([step])
    return undefined
  } catch (error) {
    return (error as Error).message.split(':')[0]
  }
}

/** What takes time is waited for, and each step is a minute after the one before: as ECS dates images, no two alike. */
async function tell(step: Step): Promise<string | undefined> {
  const [local, planned] = [await tellLocal(step), tellFake(step)]
  expect(local, JSON.stringify(step)).toBe(planned)
  const isMade = local === undefined && (step.action === 'create' || step.action === 'copy')
  if (isMade) await tell({ action: 'await', region: step.region, image: step.image })
  ecs.clock.advance(60)
  fake = fake.at(ecs.clock.now())
  await expectSameAnswers()
  return local
}

async function tellAll(steps: readonly Step[]): Promise<string | undefined> {
  const codes: (string | undefined)[] = []
  for (const step of steps) codes.push(await tell(step))
  return codes.find((code) => code !== undefined)
}

describe('the fake and the local ECS', () => {
  beforeEach(begin)
  afterEach(() => ecs.close())

  test('answer the same', async () => {
    await expectSameAnswers()
  })

  test.each(Object.entries(told))('do the same when %s', async (_, [steps, code]) => {
    expect(await tellAll(steps())).toBe(code)
  })
})

test('the fake and the local ECS do the same in any order', async () => {
  const sequences = shuffledSubarray(Object.values(told), { minLength: 2, maxLength: 8 })
  const isEqual = asyncProperty(sequences, async (all) => {
    await begin()
    try {
      for (const [steps] of all) await tellAll(steps())
    } finally {
      await ecs.close()
    }
  })
  const result = await check(isEqual, { numRuns: times(5) })
  expect(result.failed, `${defaultReportMessage(result)}\n${result.errorInstance}`).toBe(false)
})
