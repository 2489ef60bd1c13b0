/**
 * Reads a workflow file and plays it as GitHub does, job by job, as far as the examples of the documents need it: steps
 * that use this action run the built bundle, scripts run in bash. What it does not know is an error, never a guess.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseWorkflow } from '@actions/workflow-parser'
import { convertWorkflowTemplate } from '@actions/workflow-parser/model/convert'
import { NoOperationTraceWriter } from '@actions/workflow-parser/templates/trace-writer'
import { parse } from 'yaml'
import { actionFile, runStep, type Step } from '../action/runner.ts'
import type { LocalEcs } from '../local-ecs/server.ts'

type Scalar = string | number | boolean | null
type Texts = Readonly<Record<string, string>>
type Scalars = Readonly<Record<string, Scalar>>

export interface WorkflowStep {
  readonly id?: string
  readonly if?: string
  readonly uses?: string
  readonly with?: Scalars
  readonly run?: string
  readonly env?: Scalars
}

export interface Job {
  readonly needs?: string | readonly string[]
  readonly outputs?: Scalars
  readonly strategy?: { readonly matrix: Readonly<Record<string, readonly Scalar[]>> }
  readonly env?: Scalars
  readonly environment?: string
  readonly concurrency?: Scalars
  readonly permissions?: Texts
  readonly 'timeout-minutes'?: number
  readonly steps: readonly WorkflowStep[]
}

interface DispatchInput {
  readonly type: string
  readonly required?: boolean
  readonly default?: string
  readonly options?: readonly string[]
}

export interface Workflow {
  readonly on: Readonly<Record<string, { readonly inputs?: Readonly<Record<string, DispatchInput>> } | null>>
  readonly permissions?: Texts
  readonly concurrency?: Scalars | string
  readonly env?: Scalars
  readonly jobs: Readonly<Record<string, Job>>
}

export const readWorkflow = (text: string): Workflow => parse(text) as Workflow

/** Of a step that uses this action from its own repository. */
export const isThisAction = ({ uses }: WorkflowStep): boolean => uses === './'

const needsOf = ({ needs = [] }: Job): readonly string[] => (typeof needs === 'string' ? [needs] : needs)

// ── What is wrong with a file ────────────────────────────────────────────────

/** Inputs of the actions that the examples use besides this one. */
const otherActions: Readonly<Record<string, readonly string[]>> = {
  'actions/checkout': ['ref', 'fetch-depth', 'persist-credentials'],
  'aliyun/configure-aliyun-credentials-action': [
    ...['role-to-assume', 'oidc-provider-arn', 'role-session-name', 'role-session-expiration', 'audience'],
    'role-chaining',
  ],
}

/** What GitHub's own parser of workflows finds. */
async function syntaxFaults(text: string): Promise<string[]> {
  const { context, value } = parseWorkflow({ name: 'workflow.yml', content: text }, new NoOperationTraceWriter())
  if (value) await convertWorkflowTemplate(context, value)
  return context.errors.getErrors().map(({ message }) => message)
}

/** Names that nothing has: inputs and outputs of this action, steps and jobs that come too late or not at all. */
function nameFaults({ jobs, on }: Workflow): string[] {
  const given = Object.keys(on.workflow_dispatch?.inputs ?? {})
  return Object.entries(jobs).flatMap(([id, job]) => {
    const before = (index: number) => job.steps.slice(0, index)
    const inSteps = job.steps.flatMap((step, index) => [
      ...inputFaults(step),
      ...setUpFaults(step, before(index)),
      ...referenceFaults(JSON.stringify(step), { given, jobs, needs: needsOf(job), steps: before(index) }),
    ])
    const { steps, ...rest } = job
    const context = referenceFaults(JSON.stringify(rest), { given, jobs, needs: needsOf(job), steps })
    return [...context, ...inSteps].map((fault) => `${id}: ${fault}`)
  })
}

function inputFaults(step: WorkflowStep): string[] {
  if (!step.uses) return []
  const known = isThisAction(step) ? Object.keys(actionFile.inputs) : otherActions[step.uses.replace(/@.*$/, '')]
  if (!known) return [`nothing is known of ${step.uses}`]
  return Object.keys(step.with ?? {}).flatMap((name) =>
    known.includes(name) ? [] : [`${step.uses} has no input ${name}`],
  )
}

/** `./` is what was checked out. */
const setUpFaults = (step: WorkflowStep, before: readonly WorkflowStep[]): string[] =>
  isThisAction(step) && !before.some(({ uses }) => uses?.startsWith('actions/checkout@'))
    ? ['uses ./ without a checkout before']
    : []

interface Around {
  /** Names of the inputs of workflow_dispatch. */
  readonly given: readonly string[]
  readonly jobs: Workflow['jobs']
  readonly needs: readonly string[]
  readonly steps: readonly WorkflowStep[]
}

function referenceFaults(text: string, { given, jobs, needs, steps }: Around): string[] {
  const steppedTo = [...text.matchAll(/\bsteps\.([\w-]+)\.outputs\.([\w-]+)/g)].flatMap(([, id, output = '']) => {
    const step = steps.find((each) => each.id === id)
    if (!step) return [`there is no step ${id} before`]
    return isThisAction(step) && !(output in actionFile.outputs) ? [`this action has no output ${output}`] : []
  })
  const needed = [...text.matchAll(/\bneeds\.([\w-]+)\.outputs\.([\w-]+)/g)].flatMap(([, id = '', output = '']) => {
    if (!needs.includes(id)) return [`it does not need ${id}`]
    return output in (jobs[id]?.outputs ?? {}) ? [] : [`job ${id} has no output ${output}`]
  })
  const asked = [...text.matchAll(/\binputs\.([\w-]+)/g)].flatMap(([, name = '']) =>
    given.includes(name) ? [] : [`the workflow has no input ${name}`],
  )
  return [...steppedTo, ...needed, ...asked]
}

export async function faultsOf(text: string): Promise<string[]> {
  const faults = await syntaxFaults(text)
  return faults.length > 0 ? faults : nameFaults(readWorkflow(text))
}

// ── Expressions ──────────────────────────────────────────────────────────────

type Contexts = Readonly<Record<string, unknown>>

const tokens = /\s*(?:('(?:[^']|'')*')|(\d+)|([A-Za-z_][\w-]*)|(==|!=|&&|\|\||[()[\].!]))/y

function tokensOf(text: string): string[] {
  const found: string[] = []
  const end = text.trimEnd().length
  tokens.lastIndex = 0
  while (tokens.lastIndex < end) {
    const from = tokens.lastIndex
    const match = tokens.exec(text)
    if (!match) throw new Error(`What is ${text.slice(from)} in the expression ${text}?`)
    found.push(match[0].trim())
  }
  return found
}

const truth = (value: unknown): boolean => !['', 0, false, null, undefined].includes(value as Scalar)

function within(value: unknown, key: string): unknown {
  if (typeof value === 'object' && value !== null && Object.hasOwn(value, key)) return Reflect.get(value, key)
  throw new Error(`There is no ${key} in ${JSON.stringify(value)}.`)
}

/** A name that GitHub would quietly take for empty is an error here. */
export function evaluate(expression: string, contexts: Contexts): unknown {
  const left = tokensOf(expression)
  const next = (): string => left.shift() ?? ''
  const expect = (token: string): void => {
    const found = next()
    if (found !== token) throw new Error(`${token} expected, not '${found}', in ${expression}`)
  }
  const enclosed = (close: string): unknown => {
    const value = either()
    expect(close)
    return value
  }
  const call = (name: string): unknown => {
    expect('(')
    const argument = enclosed(')')
    if (name === 'fromJSON') return JSON.parse(String(argument))
    if (name === 'toJSON') return JSON.stringify(argument, null, 2)
    throw new Error(`What does ${name}() do?`)
  }
  const primary = (): unknown => {
    const token = next()
    if (token === '(') return enclosed(')')
    if (token.startsWith("'")) return token.slice(1, -1).replaceAll("''", "'")
    if (/^\d/.test(token)) return Number(token)
    if (token === 'true' || token === 'false') return token === 'true'
    if (left[0] === '(') return call(token)
    return within(contexts, token)
  }
  const path = (): unknown => {
    let value = primary()
    while (left[0] === '.' || left[0] === '[') {
      value = next() === '.' ? within(value, next()) : within(value, String(enclosed(']')))
    }
    return value
  }
  const not = (): unknown => {
    if (left[0] !== '!') return path()
    next()
    return !truth(not())
  }
  const equal = (): unknown => {
    const value = not()
    if (left[0] !== '==' && left[0] !== '!=') return value
    return (next() === '==') === (value === not())
  }
  const both = (): unknown => {
    let value = equal()
    while (left[0] === '&&') {
      next()
      const other = equal()
      value = truth(value) ? other : value
    }
    return value
  }
  const either = (): unknown => {
    let value = both()
    while (left[0] === '||') {
      next()
      const other = both()
      value = truth(value) ? value : other
    }
    return value
  }
  const value = either()
  if (left.length > 0) throw new Error(`What is ${left.join(' ')} in ${expression}?`)
  return value
}

/** As the runner makes text of it: it would round a long number. */
function textOf(value: unknown): string {
  if (value === null) return ''
  if (typeof value === 'number' && String(value).length > 15) throw new Error(`${value} needs quotes.`)
  if (typeof value === 'object') throw new Error(`${JSON.stringify(value)} is no text.`)
  return String(value)
}

const fill = (text: Scalar, contexts: Contexts): string =>
  textOf(text).replaceAll(/\$\{\{(.*?)\}\}/gs, (_, expression) => textOf(evaluate(expression, contexts)))

const fillAll = (texts: Scalars | undefined, contexts: Contexts): Texts =>
  Object.fromEntries(Object.entries(texts ?? {}).map(([name, text]) => [name, fill(text, contexts)]))

// ── A run ────────────────────────────────────────────────────────────────────

export interface PlayOptions {
  readonly ecs: LocalEcs
  /** Of workflow_dispatch, as somebody gives them. */
  readonly inputs?: Texts
  readonly vars?: Texts
  /** ID of the workflow run. */
  readonly id: number
  /** The repository's own scripts, by name. */
  readonly scripts?: Texts
}

export interface PlayedStep {
  readonly step: WorkflowStep
  readonly outcome: 'success' | 'failure' | 'skipped'
  readonly outputs: Texts
  readonly stdout: string
  /** Of steps that use this action. */
  readonly action: Step | undefined
}

export interface PlayedJob {
  readonly id: string
  readonly matrix: Scalars | undefined
  readonly result: 'success' | 'failure' | 'skipped'
  readonly outputs: Texts
  readonly steps: readonly PlayedStep[]
}

export interface Played {
  readonly result: 'success' | 'failure'
  readonly jobs: readonly PlayedJob[]
  /** Steps that used this action. */
  readonly actions: readonly Step[]
}

/** What GitHub's form accepts, with its defaults. */
function givenInputs({ on }: Workflow, given: Texts): Texts {
  const asked = on.workflow_dispatch?.inputs ?? {}
  const strange = Object.keys(given).find((name) => !(name in asked))
  if (strange) throw new Error(`The workflow does not ask for ${strange}.`)
  return Object.fromEntries(
    Object.entries(asked).map(([name, { required, options, ...input }]) => {
      const value = given[name] ?? input.default ?? ''
      if (required && value === '') throw new Error(`The form is not sent without ${name}.`)
      if (options && !options.includes(value)) throw new Error(`${value} is no choice for ${name}.`)
      return [name, value]
    }),
  )
}

const legsOf = ({ strategy }: Job): (Scalars | undefined)[] =>
  strategy
    ? Object.entries(strategy.matrix).reduce<Scalars[]>(
        (legs, [name, values]) => legs.flatMap((leg) => values.map((value) => ({ ...leg, [name]: value }))),
        [{}],
      )
    : [undefined]

export async function play(workflow: Workflow, options: PlayOptions): Promise<Played> {
  const inputs = givenInputs(workflow, options.inputs ?? {})
  const done: PlayedJob[] = []
  const left = Object.entries(workflow.jobs)
  while (left.length > 0) {
    const ready = left.findIndex(([, job]) => needsOf(job).every((id) => done.some((each) => each.id === id)))
    const [entry] = left.splice(ready, 1)
    if (ready === -1 || !entry) throw new Error('Jobs need each other in a circle.')
    const [id, job] = entry
    const needed = done.filter((each) => needsOf(job).includes(each.id))
    const isOff = needed.some(({ result }) => result !== 'success')
    for (const matrix of legsOf(job)) {
      const leg = { id, matrix, result: 'skipped', outputs: {}, steps: [] } as const
      done.push(isOff ? leg : await new Leg(workflow, job, { ...options, inputs, leg, needed }).play())
    }
  }
  const steps = done.flatMap((job) => job.steps)
  return {
    result: done.some(({ result }) => result === 'failure') ? 'failure' : 'success',
    jobs: done,
    actions: steps.flatMap(({ action }) => action ?? []),
  }
}

interface LegOptions extends PlayOptions {
  readonly leg: PlayedJob
  readonly needed: readonly PlayedJob[]
}

/** One job, or one leg of its matrix, on a runner of its own. */
class Leg {
  readonly #workflow: Workflow
  readonly #job: Job
  readonly #options: LegOptions
  readonly #played: PlayedStep[] = []
  /** What steps have exported to those that follow. */
  #exported: Texts = {}

  constructor(workflow: Workflow, job: Job, options: LegOptions) {
    this.#workflow = workflow
    this.#job = job
    this.#options = options
  }

  async play(): Promise<PlayedJob> {
    for (const step of this.#job.steps) this.#played.push(await this.#step(step))
    const result = this.#hasFailed() ? 'failure' : 'success'
    const outputs = result === 'success' ? fillAll(this.#job.outputs, this.#contexts()) : {}
    return { ...this.#options.leg, result, outputs, steps: this.#played }
  }

  #hasFailed(): boolean {
    return this.#played.some(({ outcome }) => outcome === 'failure')
  }

  #contexts(): Contexts {
    const { inputs, vars = {}, leg, needed, id } = this.#options
    const steps = this.#played.flatMap(({ step, outputs }) => (step.id ? [[step.id, { outputs }]] : []))
    const needs = needed.map((job) => [job.id, { outputs: job.outputs, result: job.result }])
    const github = { run_number: id - 1000, run_id: id }
    const common = { github, inputs, vars, needs: Object.fromEntries(needs), ...(leg.matrix && { matrix: leg.matrix }) }
    const env = {
      ...fillAll(this.#workflow.env, common),
      ...fillAll(this.#job.env, common),
      ...this.#exported,
    }
    return { ...common, steps: Object.fromEntries(steps), env }
  }

  async #step(step: WorkflowStep): Promise<PlayedStep> {
    const contexts = this.#contexts()
    const idle = { step, outcome: 'skipped', outputs: {}, stdout: '', action: undefined } as const
    if (step.if !== undefined && /\b(always|failure|cancelled|success)\(/.test(step.if)) {
      throw new Error(`if: ${step.if} is not played here.`)
    }
    const isOn = !this.#hasFailed() && (step.if === undefined || truth(evaluate(step.if, contexts)))
    if (!isOn) return idle
    const env = { ...(contexts.env as Texts), ...fillAll(step.env, contexts) }
    if (step.run !== undefined) return { ...idle, ...(await this.#script(fill(step.run, contexts), env)) }
    const given = fillAll(step.with, contexts)
    if (isThisAction(step)) return { ...idle, ...(await this.#action(step, given, env)) }
    if (step.uses?.startsWith('aliyun/configure-aliyun-credentials-action@')) this.#signIn()
    return { ...idle, outcome: 'success' }
  }

  /** What the credentials action does: it exports keys that hold for the rest of the job. */
  #signIn(): void {
    const permissions = this.#job.permissions ?? this.#workflow.permissions
    if (permissions?.['id-token'] !== 'write') throw new Error('No identity token without `id-token: write`.')
    const { accessKeyId, accessKeySecret } = this.#options.ecs.account
    this.#exported = {
      ...this.#exported,
      ALIBABA_CLOUD_ACCESS_KEY_ID: accessKeyId,
      ALIBABA_CLOUD_ACCESS_KEY_SECRET: accessKeySecret,
    }
  }

  async #action(step: WorkflowStep, given: Texts, env: Texts) {
    const { ecs, leg, id } = this.#options
    // What a test would otherwise give is the example's own to say: where, and with which keys.
    const unset = { 'region-id': '', 'access-key-id': '', 'access-key-secret': '' }
    const inputs = { ...unset, ...given, ...(leg.matrix && { matrix: JSON.stringify(leg.matrix) }) }
    const run = { id, number: id - 1000, job: leg.id, step: step.id ?? '__self' }
    const action = await runStep(ecs, inputs, { run, env })
    const outcome = action.exitCode === 0 ? 'success' : 'failure'
    return { outcome, outputs: action.outputs, stdout: action.stdout, action } as const
  }

  /** As the runner does without `shell:`. */
  async #script(script: string, env: Texts) {
    const folder = mkdtempSync(join(tmpdir(), 'workflow-'))
    const output = join(folder, 'github-output')
    writeFileSync(output, '')
    for (const [name, text] of Object.entries(this.#options.scripts ?? {})) {
      writeFileSync(join(folder, name), text, { mode: 0o755 })
    }
    const file = join(folder, 'script.sh')
    writeFileSync(file, script)
    const child = spawn('bash', ['-e', file], {
      cwd: folder,
      env: { PATH: process.env.PATH ?? '', ...env, GITHUB_OUTPUT: output },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const said: string[] = []
    child.stdout.on('data', (data) => said.push(String(data)))
    child.stderr.on('data', (data) => said.push(String(data)))
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    const lines = readFileSync(output, 'utf8').split('\n')
    rmSync(folder, { recursive: true, force: true })
    const outputs = Object.fromEntries(
      lines.filter((line) => line !== '').map((line) => [line.replace(/=.*$/, ''), line.replace(/^[^=]*=/, '')]),
    )
    return { outcome: code === 0 ? 'success' : 'failure', outputs, stdout: said.join('') } as const
  }
}
