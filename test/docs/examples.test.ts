/** The examples of documents and README, played one after the other against the local ECS, as a runner would play them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LocalEcs, startLocalEcs } from '../local-ecs/server.ts'
import {
  dispatched,
  drift,
  elsewhere,
  home,
  promote,
  read,
  readme,
  readmeWorkflows,
  regions,
  release,
  rollback,
  snippetWith,
  stepsIn,
} from './reading.ts'
import { type Played, play, readWorkflow, type Workflow } from './workflow.ts'

describe('five regions, from release to release', () => {
  let ecs: LocalEcs
  let tenant: string
  let lost: string
  const history: Record<string, string[]> = {}
  const played: Record<string, Played> = {}
  const requested: Record<string, { action: string; region: string | undefined; write: boolean }[]> = {}

  const served = (family = 'web') => Object.fromEntries(regions.map((region) => [region, ecs.current(family, region)]))
  /** What the image of a region is a copy of. */
  const originIn = (region: string, family = 'web'): string | undefined => {
    const id = ecs.current(family, region)
    const image = id === undefined ? undefined : ecs.image(id)
    return image?.tags['image-family:origin'] ?? `${region}/${id}`
  }
  const inFamily = (region: string) => ecs.images(region).filter(({ family }) => family === 'web')

  const scripts = {
    'provision.sh': '#!/bin/sh\necho "provisioned $1"\n',
    'smoke-test.sh': '#!/bin/sh\necho "tested $1 $2"\n',
  }

  async function playing(name: string, workflow: Workflow, { inputs = {}, id }: { inputs?: object; id: number }) {
    const before = ecs.requests.length
    const vars = { GOLDEN_INSTANCE: 'i-golden', TENANT_ACCOUNTS: tenant }
    const result = await play(workflow, { ecs, id, inputs: { ...inputs }, vars, scripts })
    played[name] = result
    requested[name] = ecs.requests
      .slice(before)
      .map(({ action, parameters, write }) => ({ action, region: parameters.RegionId, write }))
    return result
  }

  const faults = ({ actions }: Played): string[] => actions.flatMap(({ errors }) => errors)
  const outputsOf = ({ actions }: Played) => actions.at(-1)?.outputs ?? {}

  beforeAll(async () => {
    ecs = await startLocalEcs()
    tenant = ecs.addAccount('tenant').uid
    ecs.seed.instance({ id: 'i-golden' })
    // What nine releases have left, each shared, in all five regions.
    for (let number = 1; number <= 9; number++) {
      const createdAt = `2026-01-0${number}T00:00:00Z`
      const seed = { family: 'web', name: `web-old-${number}`, createdAt, sharedWith: [tenant] }
      const first = ecs.seed.image({ ...seed, region: home, tags: { 'image-family:run': 'a-run-of-old' } })
      history[home] = [...(history[home] ?? []), first.id]
      for (const region of regions.slice(1)) {
        const tags = { 'image-family:run': 'a-run-of-old', 'image-family:origin': `${home}/${first.id}` }
        const copy = ecs.seed.image({ ...seed, region, tags, copyOf: { region: home, id: first.id } })
        history[region] = [...(history[region] ?? []), copy.id]
      }
    }
  })
  afterAll(() => ecs.close())

  test('a push makes an image current in all five, once it is tested there', async () => {
    const result = await playing('first release', release, { id: 1001 })
    expect(faults(result)).toEqual([])
    expect(result.result).toBe('success')
    const tested = result.jobs.filter(({ id }) => id === 'test')
    const images = JSON.parse(outputsOf(result)['image-ids'] ?? '{}')
    expect(Object.keys(images)).toEqual(regions)
    expect(tested.map(({ steps }) => steps.at(-1)?.stdout)).toEqual(
      regions.map((region) => `tested ${region} ${images[region]}\n`),
    )
    expect(served()).toEqual(images)
    expect(outputsOf(result)).toMatchObject({ 'in-sync': 'true', 'previous-image-id': history[home]?.at(-1) })
    expect(ecs.instance('i-golden')?.status).toBe('Running')
    for (const region of regions) {
      expect(inFamily(region).length).toBe(10)
      expect(ecs.image(images[region])?.sharedWith).toEqual([tenant])
    }
  })

  test('no family is switched before a person has approved it', async () => {
    const jobs = played['first release']?.jobs.map(({ id }) => id) ?? []
    expect(jobs.indexOf('approve')).toBeGreaterThan(jobs.lastIndexOf('test'))
    expect(jobs.indexOf('promote')).toBeGreaterThan(jobs.indexOf('approve'))
  })

  test('a second push does it again, and the oldest image goes in every region', async () => {
    const result = await playing('second release', release, { id: 1002 })
    expect(faults(result)).toEqual([])
    expect(result.result).toBe('success')
    expect(served()).toEqual(JSON.parse(outputsOf(result)['image-ids'] ?? '{}'))
    expect(outputsOf(result)).toMatchObject({ 'in-sync': 'true', 'image-version': '2' })
    for (const region of regions) {
      expect(ecs.image(history[region]?.[0] ?? '')).toBeUndefined()
      expect(inFamily(region).length).toBe(10)
    }
    // That the tenant loses it is what `unshare` says.
    const warnings = result.actions.flatMap((step) => step.warnings)
    expect(warnings.filter((text) => !/Shared images are deleted: \d+ loses web-old-1 /.test(text))).toEqual([])
  })

  test('the hourly check is content', async () => {
    const result = await playing('check', drift, { id: 1003 })
    expect([result.result, faults(result)]).toEqual(['success', []])
    expect(requested.check?.filter(({ write }) => write)).toEqual([])
  })

  test('a candidate that fails its test in one region goes nowhere', async () => {
    const before = served()
    const failing = { ...scripts, 'smoke-test.sh': '#!/bin/sh\n[ "$1" != cn-shenzhen ]\n' }
    const vars = { GOLDEN_INSTANCE: 'i-golden', TENANT_ACCOUNTS: tenant }
    const result = await play(release, { ecs, id: 1004, vars, scripts: failing })
    expect(result.jobs.map(({ id, result: each }) => `${id} ${each}`)).toEqual([
      'bake success',
      ...regions.map((region) => `test ${region === 'cn-shenzhen' ? 'failure' : 'success'}`),
      'approve skipped',
      'promote skipped',
    ])
    expect(served()).toEqual(before)
  })

  test('with the home region down, the other four roll back from one of them', async () => {
    const good = JSON.parse(played['first release']?.actions.at(-1)?.outputs['image-ids'] ?? '{}')
    const bad = served()
    lost = home
    const inputs = { reason: 'Broken', 'home-region': 'cn-shanghai', regions: elsewhere(lost) }
    const result = await playing('rollback', rollback, { id: 1005, inputs })
    expect(faults(result)).toEqual([])
    expect(result.result).toBe('success')
    expect(served()).toEqual({ ...good, [lost]: bad[lost] })
    expect(requested.rollback?.filter(({ region }) => region === lost)).toEqual([])
    expect(outputsOf(result)).toMatchObject({ 'in-sync': 'true', 'image-id': good['cn-shanghai'] })
    for (const region of regions.filter((each) => each !== lost)) {
      const withdrawn = ecs.image(bad[region] ?? '')
      expect(withdrawn).toMatchObject({ family: 'web-withdrawn', status: 'Available', sharedWith: [tenant] })
      expect(withdrawn?.tags['image-family:reason']).toBe('Broken')
    }
  })

  test('the hourly check fails, and names what each region serves', async () => {
    const result = await playing('check after', drift, { id: 1006 })
    expect(result.result).toBe('failure')
    expect(outputsOf(result)['in-sync']).toBe('false')
    const said = result.jobs[0]?.steps.at(-1)?.stdout ?? ''
    for (const id of Object.values(served())) expect(said).toContain(id)
    expect(result.actions[0]?.warnings.join('\n')).toContain(`${lost} serves`)
  })

  test('back again, it is promoted into from one of the four', async () => {
    const image = ecs.current('web', 'cn-shanghai') ?? ''
    const before = served()
    const inputs = { 'image-id': image, reason: 'Back again', 'home-region': 'cn-shanghai' }
    const result = await playing('promote', promote, { id: 1007, inputs })
    expect(faults(result)).toEqual([])
    expect(result.result).toBe('success')
    const first = JSON.parse(played['first release']?.actions.at(-1)?.outputs['image-ids'] ?? '{}')
    expect(served()).toEqual({ ...before, [lost]: first[lost] })
    expect(new Set(regions.map((region) => originIn(region))).size).toBe(1)
    expect((await playing('check at last', drift, { id: 1008 })).result).toBe('success')
  })

  test('the next push goes through as before', async () => {
    const result = await playing('third release', release, { id: 1009 })
    expect([result.result, faults(result)]).toEqual(['success', []])
    expect(served()).toEqual(JSON.parse(outputsOf(result)['image-ids'] ?? '{}'))
  })

  test('a rollback to a named image takes away everything after it', async () => {
    const wanted = played['first release']?.actions.at(-1)?.outputs['image-id'] ?? ''
    const result = await playing('far back', rollback, { id: 1010, inputs: { reason: 'Far', 'to-image-id': wanted } })
    expect([result.result, faults(result)]).toEqual(['success', []])
    expect(new Set(regions.map((region) => originIn(region)))).toEqual(new Set([`${home}/${wanted}`]))
  })

  test('the page says how to go forward again, out of quarantine', async () => {
    const wanted = played['third release']?.actions.at(-1)?.outputs['image-id'] ?? ''
    const step = snippetWith('from-family')
    const result = await playing('forward', dispatched(step), { id: 1011, inputs: { 'image-id': wanted } })
    expect([result.result, faults(result)]).toEqual(['success', []])
    expect(new Set(regions.map((region) => originIn(region)))).toEqual(new Set([`${home}/${wanted}`]))
  })

  test('the RAM actions of the document are all that was asked of ECS', () => {
    const asked = new Set(ecs.requests.map(({ action }) => action))
    const page = read('regions.md')
    expect([...asked].filter((action) => !page.includes(`\`ecs:${action}\``))).toEqual([])
  })
})

describe('the README', () => {
  const [releasing = '', rollingBack = ''] = readmeWorkflows
  const vars = { GOLDEN_INSTANCE: 'i-golden' }

  test('its workflows run as they stand: two pushes, and back to the first image', async () => {
    const ecs = await startLocalEcs()
    ecs.seed.instance({ id: 'i-golden' })
    const scripts = { 'smoke-test.sh': '#!/bin/sh\necho "tested $1"\n' }
    const push = (id: number) => play(readWorkflow(releasing), { ecs, id, vars, scripts })
    const errorsOf = ({ actions }: Played) => actions.flatMap(({ errors }) => errors)
    const first = await push(1001)
    const image = ecs.current('web')
    expect([first.result, errorsOf(first)]).toEqual(['success', []])
    expect(first.jobs[0]?.steps.at(-1)?.stdout).toBe(`tested ${image}\n`)
    expect((await push(1002)).result).toBe('success')
    expect(ecs.current('web')).not.toBe(image)
    const inputs = { reason: 'Does not boot' }
    const back = await play(readWorkflow(rollingBack), { ecs, id: 1003, inputs })
    expect([back.result, errorsOf(back)]).toEqual(['success', []])
    expect(ecs.current('web')).toBe(image)
    expect(ecs.instance('i-golden')?.status).toBe('Running')
    await ecs.close()
  })

  test('its step for several regions runs as it stands', async () => {
    const [step = {}, ...others] = stepsIn(readme)
    expect(others).toEqual([])
    const ecs = await startLocalEcs()
    const TENANT_ACCOUNTS = ecs.addAccount('tenant').uid
    ecs.seed.image({ family: 'web-candidate' })
    const result = await play(dispatched(step), { ecs, id: 1001, vars: { TENANT_ACCOUNTS } })
    expect(result.result).toBe('success')
    expect(result.actions[0]?.outputs).toMatchObject({ family: 'web', 'in-sync': 'true' })
    await ecs.close()
  })
})
