/**
 * Runs the built action as GitHub's runner does: a process of its own for each stage, inputs and defaults as
 * variables, commands and files read back, the post step after whatever became of the main step.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { LocalEcs } from '../local-ecs/server.ts'

const root = join(import.meta.dirname, '../..')

interface ActionFile {
  readonly inputs: Readonly<Record<string, { description: string; default?: string; required?: boolean }>>
  readonly outputs: Readonly<Record<string, { description: string }>>
  readonly runs: { readonly using: string; readonly main: string; readonly post: string }
}

export const actionFile = parse(readFileSync(join(root, 'action.yml'), 'utf8')) as ActionFile

export type Inputs = Readonly<Record<string, string>>

export interface StageOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Told the process as soon as it runs: to kill it, or to send it a signal. */
  readonly onStart?: (child: ChildProcess) => void
}

export interface Stage {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly outputs: Readonly<Record<string, string>>
  readonly state: Readonly<Record<string, string>>
  readonly summary: string
  /** Everything printed, commands included. */
  readonly stdout: string
  readonly stderr: string
  /** What a person reads: groups as chapters, without the runner's other commands. */
  readonly log: string
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
  readonly notices: readonly string[]
  readonly masks: readonly string[]
  /** Milliseconds. */
  readonly took: number
}

/** Files that the runner hands to a step, with a heredoc for each value. */
function readCommandFile(path: string): Record<string, string> {
  const values: Record<string, string> = {}
  const text = readFileSync(path, 'utf8')
  for (const [, name = '', , value = ''] of text.matchAll(/^(.+?)<<(ghadelimiter_\S+)\n([\s\S]*?)\n?\2$/gm)) {
    values[name] = value
  }
  return values
}

const unescaped = (text: string): string => text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%')

const commands = (stdout: string, name: string): string[] =>
  [...stdout.matchAll(new RegExp(`^::${name}(?: [^:]*)?::(.*)$`, 'gm'))].map(([, text = '']) => unescaped(text))

/** What stands in a group, set in under its title. */
const setIn = (stdout: string): string =>
  stdout.replaceAll(
    /^::group::(.*)\n([\s\S]*?)^::endgroup::\n/gm,
    (_, title, body) => `▼ ${title}\n${body.replaceAll(/^(?=.)/gm, '  ')}`,
  )

const readable = (stdout: string): string =>
  setIn(stdout)
    .replaceAll(/^::(endgroup|add-mask|debug)::.*\n/gm, '')
    .replaceAll(/^::(error|warning|notice)(?: [^:]*)?::(.*)$/gm, (_, level, text) => `${level}: ${unescaped(text)}`)

/** The defaults of action.yml with its expressions evaluated. */
export function inputDefaults(): Inputs {
  const defaults = Object.entries(actionFile.inputs).map(([name, input]) => {
    const value = String(input.default ?? '')
    return [name, value.startsWith('${{') ? (value.includes('matrix') ? 'null' : '') : value] as const
  })
  return Object.fromEntries(defaults)
}

const inputVariables = (inputs: Inputs): Record<string, string> =>
  Object.fromEntries(
    Object.entries({ ...inputDefaults(), ...inputs }).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]),
  )

export async function runStage(
  script: string,
  inputs: Inputs,
  { env = {}, onStart }: StageOptions = {},
): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'runner-'))
  const file = (name: string): string => {
    const path = join(folder, name)
    writeFileSync(path, '')
    return path
  }
  const [output, state, summary] = [file('output'), file('state'), file('summary')]
  const began = performance.now()
  const child = spawn(process.execPath, [join(root, script)], {
    cwd: folder,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: folder,
      GITHUB_OUTPUT: output,
      GITHUB_STATE: state,
      GITHUB_STEP_SUMMARY: summary,
      ALIBABA_CLOUD_ECS_METADATA_DISABLED: 'true',
      ...inputVariables(inputs),
      ...env,
    },
  })
  const [out, err]: [string[], string[]] = [[], []]
  child.stdout.on('data', (data) => out.push(String(data)))
  child.stderr.on('data', (data) => err.push(String(data)))
  onStart?.(child)
  const [exitCode, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, ended) => resolve([code, ended]))
  })
  const took = performance.now() - began
  const stdout = out.join('')
  const stage: Stage = {
    exitCode,
    signal,
    outputs: readCommandFile(output),
    state: readCommandFile(state),
    summary: readFileSync(summary, 'utf8'),
    stdout,
    stderr: err.join(''),
    log: readable(stdout),
    errors: commands(stdout, 'error'),
    warnings: commands(stdout, 'warning'),
    notices: commands(stdout, 'notice'),
    masks: commands(stdout, 'add-mask'),
    took,
  }
  rmSync(folder, { recursive: true, force: true })
  return stage
}

/** One workflow run of one repository, as far as a step can tell. */
export interface WorkflowRun {
  readonly id?: number
  readonly attempt?: number
  readonly number?: number
  readonly job?: string
  /** ID of the step. */
  readonly step?: string
}

export const gitHubVariables = ({
  id = 1001,
  attempt = 1,
  number = 7,
  job = 'release',
  step = '__self',
}: WorkflowRun) => ({
  GITHUB_ACTIONS: 'true',
  GITHUB_REPOSITORY: 'octo-org/images',
  GITHUB_REPOSITORY_ID: '4711',
  GITHUB_RUN_ID: String(id),
  GITHUB_RUN_ATTEMPT: String(attempt),
  GITHUB_RUN_NUMBER: String(number),
  GITHUB_JOB: job,
  GITHUB_ACTION: step,
  GITHUB_SHA: '0f3c2b1a0f3c2b1a0f3c2b1a0f3c2b1a0f3c2b1a',
  GITHUB_SERVER_URL: 'https://github.com',
})

/** How to reach the local ECS, at a pace of milliseconds. */
export const connectionTo = ({ url, account }: Pick<LocalEcs, 'url' | 'account'>): Inputs => ({
  'region-id': 'cn-hangzhou',
  endpoint: url,
  'access-key-id': account.accessKeyId,
  'access-key-secret': account.accessKeySecret,
  'poll-interval-seconds': '0.005',
  'wait-timeout-minutes': '1',
})

export interface Step extends Stage {
  /** The post step; the runner runs it whatever became of the main step. */
  readonly post: Stage
}

export interface StepOptions extends StageOptions {
  readonly run?: WorkflowRun
  /** False: the whole runner is lost, and no post step runs. */
  readonly post?: boolean
}

/** A step with `uses:` this action: main, then post. */
export async function runStep(
  ecs: Pick<LocalEcs, 'url' | 'account'>,
  inputs: Inputs,
  { run = {}, env = {}, onStart, post = true }: StepOptions = {},
): Promise<Step> {
  const all = { ...connectionTo(ecs), ...inputs }
  const variables = { ...gitHubVariables(run), ...env }
  const main = await runStage(actionFile.runs.main, all, { env: variables, ...(onStart ? { onStart } : {}) })
  const state = Object.fromEntries(Object.entries(main.state).map(([name, value]) => [`STATE_${name}`, value]))
  return {
    ...main,
    post: post ? await runStage(actionFile.runs.post, all, { env: { ...variables, ...state } }) : main,
  }
}
