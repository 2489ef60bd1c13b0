/** The pages and examples of the documents, as far as that can be checked without playing them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { actionFile } from '../action/runner.ts'
import {
  allSteps,
  drift,
  examples,
  listed,
  pages,
  promote,
  read,
  readme,
  readmeWorkflows,
  regions,
  release,
  rollback,
  snippets,
  stepsIn,
} from './reading.ts'
import { evaluate, isThisAction, readWorkflow } from './workflow.ts'
import { exampleFaults } from './workflow-rules.ts'

const planSource = readFileSync(join(import.meta.dirname, '../../src/family/plan/plan.ts'), 'utf8')

// Parts of five-regions.yml that a test takes away.
const permissionsText = part(/^permissions:\n(?: {2}.*\n)+/m)
const credentialsText = part(/ {6}- uses: aliyun\/.*\n(?: {8}.*\n)+\n(?= {6}- uses: \.\/\n)/)
const groupText = part(/ {4}concurrency:.*\n {6}group: image-family-web\n {6}queue: max\n/)

function part(pattern: RegExp): string {
  const [found] = pattern.exec(read('examples/five-regions.yml')) ?? []
  if (found === undefined) throw new Error(`five-regions.yml has no ${pattern}.`)
  return found
}

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

describe('the README', () => {
  const [releasing = '', rollingBack = ''] = readmeWorkflows

  test('has two workflows, and steps for other workflows', () => {
    expect(readmeWorkflows.map((text) => Object.keys(readWorkflow(text).jobs))).toEqual([
      ['bake', 'promote'],
      ['rollback'],
    ])
    expect(stepsIn(readme).length).toBeGreaterThan(0)
  })

  test.each(readmeWorkflows.map((text, index) => ({ name: /^name: (.*)$/m.exec(text)?.[1] ?? `${index + 1}`, text })))(
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
})

describe('the pages', () => {
  const codes = [...planSource.matchAll(/^\s+\| '([a-z-]+)'$/gm)].map(([, code = '']) => code)
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
