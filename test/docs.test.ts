/** The examples of the documents, played against the local ECS; and the documents themselves, as far as that can be checked. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { actionFile, type Inputs, runStep, type Step } from './action/runner.ts'
import { rawCall } from './local-ecs/sdk.ts'
import { type LocalEcs, startLocalEcs } from './local-ecs/server.ts'
import { errorOf } from './scene.ts'
import {
  evaluate,
  isThisAction,
  type Played,
  play,
  readWorkflow,
  type Workflow,
  type WorkflowStep,
} from './workflow.ts'
import { exampleFaults } from './workflow-rules.ts'

const docs = join(import.meta.dirname, '../docs')
const read = (path: string): string => readFileSync(join(docs, path), 'utf8')
const examples = readdirSync(join(docs, 'examples')).map((name) => ({ name, text: read(`examples/${name}`) }))
const pages = readdirSync(docs)
  .filter((name) => name.endsWith('.md'))
  .map((name) => ({ name, text: read(name) }))
const example = (name: string): Workflow => readWorkflow(read(`examples/${name}.yml`))

const source = (name: string): string => readFileSync(join(docs, `../src/family/${name}.ts`), 'utf8')

const release = example('five-regions')
const rollback = example('five-regions-rollback')
const promote = example('five-regions-promote')
const drift = example('five-regions-drift')

const listed = (text = ''): string[] => text.split(',').map((entry) => entry.trim())
const home = String(release.env?.HOME_REGION)
const regions = [home, ...listed(String(release.env?.REPLICA_REGIONS))]
const elsewhere = (without: string): string => regions.filter((region) => region !== without).join(', ')

const allSteps = (workflow: Workflow) => Object.values(workflow.jobs).flatMap(({ steps }) => steps)

const yamlIn = (text: string): string[] => [...text.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, yaml = '']) => yaml)
const isWorkflow = (yaml: string): boolean => /^jobs:$/m.test(yaml)
const stepsIn = (text: string): WorkflowStep[] =>
  yamlIn(text).flatMap((yaml) => (isWorkflow(yaml) ? [] : (parse(yaml) as WorkflowStep[])))

/** The steps in YAML that stand in the pages. */
const snippets = pages.flatMap(({ text }) => stepsIn(text))

function snippetWith(input: string): WorkflowStep {
  const [found, ...others] = snippets.filter((step) => input in (step.with ?? {}))
  if (!found || others.length > 0) throw new Error(`One step with ${input} should stand in the pages.`)
  return found
}

/** A workflow of nothing but this step, started by hand. */
const dispatched = (step: WorkflowStep): Workflow => ({
  on: { workflow_dispatch: { inputs: { 'image-id': { type: 'string' } } } },
  permissions: { 'id-token': 'write' },
  jobs: { only: { steps: [...(promote.jobs.promote?.steps.slice(0, 2) ?? []), step] } },
})

// Parts of five-regions.yml that a test takes away.
const permissionsText = part(/^permissions:\n(?: {2}.*\n)+/m)
const credentialsText = part(/ {6}- uses: aliyun\/.*\n(?: {8}.*\n)+\n(?= {6}- uses: \.\/\n)/)
const groupText = part(/ {4}concurrency:.*\n {6}group: image-family-web\n {6}queue: max\n/)

function part(pattern: RegExp): string {
  const [found] = pattern.exec(read('examples/five-regions.yml')) ?? []
  if (found === undefined) throw new Error(`five-regions.yml has no ${pattern}.`)
  return found
}

// ── The files ────────────────────────────────────────────────────────────────

describe('the examples', () => {
  test('are found', () => {
    expect(examples.length).toBeGreaterThanOrEqual(4)
    expect(new Set(regions).size).toBe(5)
  })

  test.each(examples)('$name has no faults', async ({ text }) => {
    expect(await exampleFaults(text)).toEqual([])
    expect(allSteps(readWorkflow(text)).some(isThisAction)).toBe(true)
  })

  test.each([
    ['an input that does not exist', 'share-with:', 'share-to:', './ has no input share-to'],
    ['an output that does not exist', 'bake.outputs.image-id }', 'bake.outputs.image }', 'no output image'],
    ['an output of no action', 'steps.bake.outputs.image-ids', 'steps.bake.outputs.images', 'no output images'],
    ['a step that is not there', 'steps.bake.outputs.image-ids', 'steps.make.outputs.image-ids', 'no step make'],
    ['a job that is not needed', 'needs: [bake, approve]', 'needs: [approve]', 'does not need bake'],
    ['a key that workflows do not have', 'runs-on:', 'run-on:', 'run-on'],
    ['an expression that cannot be read', 'fromJSON(', 'fromJson((', ''],
    ['a context that is not there', 'matrix.region }}', 'matricks.region }}', 'matricks'],
    ['another action’s input', 'role-to-assume', 'role-to-take', 'no input role-to-take'],
    ['no checkout', '      - uses: actions/checkout@v5\n', '', 'without a checkout'],
    ['a job that nobody has', 'needs: test', 'needs: tests', 'tests'],
    ['no permission for the checkout', '  contents: read\n', '', 'no contents: read'],
    ['no permission for an identity token', 'id-token: write', 'id-token: none', 'no id-token: write'],
    ['no permission for this action', 'actions: read', 'checks: read', 'no actions: read'],
    ['no permissions at all', permissionsText, '', 'no permissions'],
    ['a job without a time limit', '    timeout-minutes: 30\n', '', 'test: no timeout-minutes'],
    ['a job shorter than the action waits', 'timeout-minutes: 150', 'timeout-minutes: 120', 'waits for 120 minutes'],
    ['a session shorter than the job', '          role-session-expiration: 9000\n', '', 'a session of 1800 seconds'],
    ['a session that no role allows', 'expiration: 9000', 'expiration: 43201', 'a session of 43201 seconds'],
    ['no credentials', credentialsText, '', 'uses ./ without credentials'],
    ['no group around the promotion', groupText, '', 'promote: no concurrency group'],
    ['a bake in the group of the promotion', 'group: golden-instance', 'group: image-family-web', 'in their group'],
    ['a group that drops what waits', '      queue: max\n', '', 'without queue: max'],
    ['a group on the workflow', '\njobs:', '\nconcurrency: image-family-web\n\njobs:', 'on the whole workflow'],
    ['an expression in a script', '"$REGION"', '$'.concat('{{ matrix.region }}'), 'an expression inside run'],
    ['a script without a checkout', "echo 'Approved.'", './approve.sh', 'a script without a checkout'],
  ])('%s would be found out', async (_, from, to, says) => {
    const text = read('examples/five-regions.yml')
    expect(text).toContain(from)
    const faults = await exampleFaults(text.replaceAll(from, to))
    expect(faults.join('\n')).toContain(says)
    expect(faults).not.toEqual([])
  })

  test('agree on the five regions', () => {
    expect(release.jobs.test?.strategy?.matrix.region).toEqual(regions)
    for (const { on } of [rollback, promote]) {
      const { 'home-region': choice, regions: all } = on.workflow_dispatch?.inputs ?? {}
      expect(choice?.options).toEqual(regions)
      expect(listed(all?.default)).toEqual(regions)
    }
    const [look] = allSteps(drift).filter(isThisAction)
    expect([look?.with?.['region-id'], ...listed(String(look?.with?.['replica-region-ids']))]).toEqual(regions)
  })

  test('what changes the family runs one at a time, and what waits for a person holds nobody up', () => {
    const changing = [release.jobs.promote, rollback.jobs.rollback, promote.jobs.promote]
    expect(changing.map((job) => job?.concurrency)).toEqual(
      changing.map(() => ({ group: 'image-family-web', queue: 'max' })),
    )
    const jobs = [release, rollback, promote, drift].flatMap((workflow) => Object.values(workflow.jobs))
    expect(jobs.filter(({ environment }) => environment !== undefined)).toEqual([release.jobs.approve])
    expect(release.jobs.approve?.concurrency).toBeUndefined()
  })
})

test.each([
  ["a.b == 'x' && !c", { a: { b: 'x' }, c: '' }, true],
  ["fromJSON(a)['x-y'] || 'none'", { a: '{"x-y":"z"}' }, 'z'],
  ["(a.b != 'x') || a['b']", { a: { b: 'x' } }, 'x'],
])('the expression %s', (expression, contexts, value) => {
  expect(evaluate(expression, contexts)).toEqual(value)
})

test.each(['a.c', 'b', 'format(a)', 'a.b +', 'a.b a.b', "a.b == 'x"])('the expression %s is no guess', (expression) => {
  expect(() => evaluate(expression, { a: { b: 'x' } })).toThrow()
})

// ── The examples, one after the other ────────────────────────────────────────

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

// ── The README ───────────────────────────────────────────────────────────────

describe('the README', () => {
  const readme = read('../README.md')
  const workflows = yamlIn(readme).filter(isWorkflow)
  const [releasing = '', rollingBack = ''] = workflows
  const vars = { GOLDEN_INSTANCE: 'i-golden' }

  test('has two workflows, and steps for other workflows', () => {
    expect(workflows.map((text) => Object.keys(readWorkflow(text).jobs))).toEqual([['bake', 'promote'], ['rollback']])
    expect(stepsIn(readme).length).toBeGreaterThan(0)
  })

  test.each(workflows.map((text, index) => ({ name: /^name: (.*)$/m.exec(text)?.[1] ?? `${index + 1}`, text })))(
    'the workflow $name has no faults',
    async ({ text }) => {
      expect(await exampleFaults(text)).toEqual([])
    },
  )

  test('its workflows share one group', () => {
    const groups = [readWorkflow(releasing).jobs.promote, readWorkflow(rollingBack).jobs.rollback].map(
      (job) => job?.concurrency?.group,
    )
    expect(groups).toEqual(['image-family-web', 'image-family-web'])
  })

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

// ── The pages ────────────────────────────────────────────────────────────────

describe('the pages', () => {
  const codes = [...source('plan/plan').matchAll(/^\s+\| '([a-z-]+)'$/gm)].map(([, code = '']) => code)
  const workflows = examples.map(({ text }) => readWorkflow(text))
  const steps = [...workflows.flatMap(allSteps), ...snippets]

  /** Every key of the examples, however deep. */
  const keysIn = (value: unknown): string[] =>
    typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([key, inner]) => [...(Array.isArray(value) ? [] : [key]), ...keysIn(inner)])
      : []

  const families = steps.flatMap(({ with: given = {} }) =>
    ['family', 'from-family', 'quarantine-family'].flatMap((name) => (name in given ? [String(given[name])] : [])),
  )
  const inputs = Object.keys(actionFile.inputs)
  const known = new Set([...inputs, ...Object.keys(actionFile.outputs), ...codes, ...regions, ...families])
  const keys = new Set([...inputs, ...workflows.flatMap(keysIn)])

  /** What stands in backticks and is no name that exists. */
  function strangersIn(text: string): string[] {
    const spans = [...text.replaceAll(/^```.*?^```$/gms, '').matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span)
    return spans.filter((span) => {
      const [, key] = /^([a-z][a-z-]*): /.exec(span) ?? []
      if (key !== undefined) return !keys.has(key)
      return /^[a-z]+(-[a-z0-9]+)+$/.test(span) && !known.has(span) && !keys.has(span)
    })
  }

  test('are found', () => {
    expect(pages.map(({ name }) => name)).toContain('regions.md')
    expect(snippets.length).toBeGreaterThanOrEqual(3)
    expect(codes.length).toBeGreaterThan(20)
  })

  test.each(pages)('$name names only inputs, outputs and refusals that exist', ({ text }) => {
    expect(strangersIn(text)).toEqual([])
  })

  test('others would be found out', () => {
    expect(strangersIn('Set `share-to`, or `keep-all: 3`. `keep: 3` and `share-with` are good.')).toEqual([
      'share-to',
      'keep-all: 3',
    ])
  })

  test('the steps in the pages have inputs that exist', () => {
    expect(snippets.filter((step) => !isThisAction(step))).toEqual([])
    const names = snippets.flatMap(({ with: given = {} }) => Object.keys(given))
    expect(names.filter((name) => !inputs.includes(name))).toEqual([])
  })

  test('the page on regions lists the examples, and links to nothing else that is missing', () => {
    const page = read('regions.md')
    const linked = [...page.matchAll(/\]\((?!https:)([^)#]+)\)/g)].map(([, path = '']) => path)
    expect([...linked].sort()).toEqual(examples.map(({ name }) => `examples/${name}`).sort())
  })

  test('lines are not too long to read in an editor, tables and commands aside', () => {
    const long = pages.flatMap(({ text }) =>
      text.split('\n').filter((line) => line.length > 150 && !/^(\||aliyun )/.test(line)),
    )
    expect(long).toEqual([])
  })
})

// ── What the page on regions says ────────────────────────────────────────────

describe('what the page on regions says', () => {
  const replicas = ['cn-shanghai', 'cn-beijing']

  /** Three images, the last one bad, with copies in the replica regions. */
  async function scene({ without, copied = replicas }: { without?: string; copied?: readonly string[] } = {}) {
    const ecs = await startLocalEcs()
    const run = (inputs: Inputs, id: number): Promise<Step> =>
      runStep(ecs, { family: 'web', ...inputs }, { run: { id }, post: false })
    const seed = (name: string, day: number, places: readonly string[]) => {
      const createdAt = `2026-01-0${day}T00:00:00Z`
      const first = ecs.seed.image({ family: 'web', name, createdAt })
      const tags = { 'image-family:origin': `cn-hangzhou/${first.id}` }
      for (const region of places) ecs.seed.image({ region, family: 'web', name, createdAt, tags })
      return first
    }
    seed('older', 1, copied)
    const good = seed(
      'good',
      2,
      copied.filter((region) => region !== without),
    )
    const bad = seed('bad', 3, copied)
    return { ecs, run, good, bad }
  }
  const nameIn = (ecs: LocalEcs, region: string) => ecs.image(ecs.current('web', region) ?? '')?.name

  test('the command adopts a copy made by hand', async () => {
    const [line = ''] = /^aliyun ecs TagResources .*$/m.exec(read('regions.md')) ?? []
    const given = Object.fromEntries(
      [...line.matchAll(/ --(\S+) (\S+)/g)].map(([, name = '', value = '']) => [name, value]),
    )
    const ecs = await startLocalEcs()
    const [homeRegion = '', id = ''] = (given['Tag.1.Value'] ?? '').split('/')
    const copyRegion = given.RegionId ?? ''
    ecs.seed.image({ region: homeRegion, id, family: 'web' })
    const copy = ecs.seed.image({
      region: copyRegion,
      id: given['ResourceId.1'],
      family: 'web',
      copyOf: { region: homeRegion, id },
    })
    const look = () =>
      runStep(ecs, { mode: 'resolve', family: 'web', 'replica-region-ids': copyRegion }, { post: false })
    expect((await look()).outputs['in-sync']).toBe('false')
    expect((await rawCall(ecs, 'TagResources', given)).status).toBe(200)
    expect((await look()).outputs['in-sync']).toBe('true')
    const promoted = await runStep(
      ecs,
      { mode: 'promote', family: 'web', 'image-id': id, 'replica-region-ids': copyRegion },
      { run: { id: 1 }, post: false },
    )
    expect(promoted.outputs).toMatchObject({ changed: 'false', 'in-sync': 'true' })
    expect(ecs.current('web', copyRegion)).toBe(copy.id)
    await ecs.close()
  })

  test('the two steps for a region that is down, one after the other', async () => {
    const { ecs } = await scene({ copied: regions.slice(1) })
    const [back, into] = snippets
    const step = async (which: WorkflowStep | undefined, id: number, inputs: Record<string, string>) =>
      await play(dispatched(which ?? {}), { ecs, id, inputs })
    expect((await step(back, 1001, {})).result).toBe('success')
    expect(regions.map((region) => nameIn(ecs, region))).toEqual(['bad', 'good', 'good', 'good', 'good'])
    const image = ecs.current('web', String(into?.with?.['region-id'])) ?? ''
    expect((await step(into, 1002, { 'image-id': image })).result).toBe('success')
    expect(regions.map((region) => nameIn(ecs, region))).toEqual(regions.map(() => 'good'))
    await ecs.close()
  })

  test('the rollback once more takes the region along, with `to-image-id` and not without', async () => {
    const { ecs, run } = await scene()
    const inputs = { mode: 'rollback', 'region-id': 'cn-shanghai' }
    expect((await run({ ...inputs, 'replica-region-ids': 'cn-beijing' }, 1)).exitCode).toBe(0)
    const all = { ...inputs, 'replica-region-ids': 'cn-hangzhou,cn-beijing' }
    expect(errorOf(await run(all, 2))).toContain('[just-rolled-back]')
    expect(nameIn(ecs, 'cn-hangzhou')).toBe('bad')
    expect((await run({ ...all, 'to-image-id': ecs.current('web', 'cn-shanghai') ?? '' }, 3)).exitCode).toBe(0)
    expect(['cn-hangzhou', ...replicas].map((region) => nameIn(ecs, region))).toEqual(['good', 'good', 'good'])
    await ecs.close()
  })

  test('where a region has no copy, two runs do it, and the message has them', async () => {
    const { ecs, run, good } = await scene({ without: 'cn-beijing' })
    const refused = await run({ mode: 'rollback', 'replica-region-ids': replicas.join(',') }, 1)
    expect(errorOf(refused)).toContain('[copy-missing]')
    expect([nameIn(ecs, 'cn-hangzhou'), nameIn(ecs, 'cn-shanghai')]).toEqual(['bad', 'bad'])
    const [first = '', second = ''] = (errorOf(refused).split('First, run with ')[1] ?? '').split('Then run with ')
    const pasted = (text: string): Inputs =>
      Object.fromEntries([...text.matchAll(/`([a-z-]+): ([^`]+)`/g)].map(([, name = '', value = '']) => [name, value]))
    expect(pasted(first)).toMatchObject({ mode: 'rollback', 'to-image-id': good.id })
    expect((await run(pasted(first), 2)).exitCode).toBe(0)
    expect(['cn-hangzhou', ...replicas].map((region) => nameIn(ecs, region))).toEqual(['good', 'good', 'bad'])
    expect(pasted(second)).toMatchObject({ mode: 'promote', 'image-id': good.id, 'deprecate-newer': 'true' })
    expect((await run(pasted(second), 3)).exitCode).toBe(0)
    const look = await run({ mode: 'resolve', 'replica-region-ids': replicas.join(',') }, 4)
    expect(look.outputs).toMatchObject({ 'in-sync': 'true', 'image-id': good.id })
    await ecs.close()
  })

  test.each([
    ['bake', { mode: 'bake', 'instance-id': 'i-golden' }],
    ['promote', { mode: 'promote', 'image-id': 'm-next' }],
  ])('a %s while a region is down switches no family', async (_, inputs) => {
    const { ecs, run } = await scene()
    ecs.seed.instance({ id: 'i-golden', status: 'Stopped' })
    ecs.seed.image({ id: 'm-next', name: 'next' })
    let isDown = true
    ecs.intercept = (_phase, { parameters: { RegionId, DestinationRegionId } }) => {
      if (isDown && [RegionId, DestinationRegionId].includes('cn-beijing')) throw new Error('cn-beijing is down.')
    }
    const given = { ...inputs, 'replica-region-ids': replicas.join(',') }
    const step = await run({ ...given, 'wait-timeout-minutes': '0.02' }, 1)
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toContain('cn-beijing')
    expect(['cn-hangzhou', ...replicas].map((region) => nameIn(ecs, region))).toEqual(['bad', 'bad', 'bad'])
    isDown = false
    const again = await runStep(ecs, { family: 'web', ...given }, { run: { id: 1, attempt: 2 }, post: false })
    expect([again.errors, again.outputs['in-sync']]).toEqual([[], 'true'])
    expect(ecs.current('web')).toBe(again.outputs['image-id'])
    await ecs.close()
  })

  test('a shared image is rolled back by one of two ways out', async () => {
    for (const [way, status, shares] of [
      [{ unshare: 'true' }, 'Deprecated', 0],
      [{ 'quarantine-family': 'web-withdrawn' }, 'Available', 1],
    ] as const) {
      const { ecs, run, bad } = await scene()
      const tenant = ecs.addAccount().uid
      ecs.change(bad.id, { sharedWith: [tenant] })
      const inputs = { mode: 'rollback', 'replica-region-ids': replicas.join(',') }
      const refused = await run(inputs, 1)
      expect(errorOf(refused)).toContain('[already-shared]')
      for (const said of [tenant, ...Object.keys(way)]) expect(errorOf(refused)).toContain(said)
      expect(nameIn(ecs, 'cn-shanghai')).toBe('bad')
      const step = await run({ ...inputs, ...way }, 2)
      expect(step.warnings.join('\n')).toContain(tenant)
      expect(ecs.image(bad.id)).toMatchObject({ status })
      expect(ecs.image(bad.id)?.sharedWith.length).toBe(shares)
      expect(['cn-hangzhou', ...replicas].map((region) => nameIn(ecs, region))).toEqual(['good', 'good', 'good'])
      await ecs.close()
    }
  })
})
