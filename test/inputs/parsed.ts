/** Inputs of every mode, and what they are parsed to. */
import { createHash } from 'node:crypto'
import type {
  BakeRequest,
  Mode,
  PromoteRequest,
  ResolveRequest,
  RollbackRequest,
} from '../../src/family/model/request.ts'
import type { RunContext } from '../../src/github/context.ts'
import type { GivenInputs } from '../../src/github/given-inputs.ts'
import { parseInputs } from '../../src/inputs/parse.ts'
import { type InputName, inputNames, inputRows } from '../../src/inputs/schema.ts'

export type Inputs = Partial<Record<InputName, string>>

export const context: RunContext = {
  repositoryId: '4711',
  repository: 'octo/web',
  sha: '0123456789abcdef0123456789abcdef01234567',
  workflowRun: '17230001',
  job: 'deploy',
  step: '__run',
  attempt: 1,
  number: 42,
  regionId: '',
  sha256: (text) => createHash('sha256').update(text).digest('hex'),
}

/** As the runner gives them: with the defaults of action.yml, and empty where there is none. */
export const given = (inputs: Readonly<Record<string, string>>): GivenInputs =>
  new Map(Object.entries({ ...defaults, ...inputs }))
const defaults = Object.fromEntries(inputNames.map((name) => [name, inputRows[name].default ?? '']))

export const parse = (inputs: Inputs, more: Partial<RunContext> = {}) =>
  parseInputs(given(inputs), { ...context, ...more })

export function accepted(inputs: Inputs, more: Partial<RunContext> = {}) {
  const parsed = parse(inputs, more)
  if (!parsed.ok) throw new Error(parsed.errors.join('\n'))
  return { ...parsed.value, warnings: parsed.warnings }
}

/** Empty where the inputs are accepted. */
export function errorsOf(inputs: Inputs, more: Partial<RunContext> = {}): readonly string[] {
  const parsed = parse(inputs, more)
  return parsed.ok ? [] : parsed.errors
}

export const least: Readonly<Record<Mode, Inputs>> = {
  bake: { mode: 'bake', 'region-id': 'cn-hangzhou', family: 'web', 'snapshot-id': 's-1' },
  promote: { mode: 'promote', 'region-id': 'cn-hangzhou', family: 'web', 'image-id': 'm-1' },
  rollback: { mode: 'rollback', 'region-id': 'cn-hangzhou', family: 'web' },
  resolve: { mode: 'resolve', 'region-id': 'cn-hangzhou', family: 'web' },
}

export const bakeOf = (inputs: Inputs = {}) => accepted({ ...least.bake, ...inputs }).request as BakeRequest
export const promoteOf = (inputs: Inputs = {}) => accepted({ ...least.promote, ...inputs }).request as PromoteRequest
export const rollbackOf = (inputs: Inputs = {}) => accepted({ ...least.rollback, ...inputs }).request as RollbackRequest
export const resolveOf = (inputs: Inputs = {}) => accepted({ ...least.resolve, ...inputs }).request as ResolveRequest
