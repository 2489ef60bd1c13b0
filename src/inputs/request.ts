/** The request of each mode, made of inputs that have passed every check. */
import {
  type BakeRequest,
  describeSource,
  type Mode,
  type PromoteRequest,
  type Request,
  type ResolveRequest,
  type RollbackRequest,
  type Source,
} from '../family/model/request.ts'
import { createRun, type Run } from '../family/model/run.ts'
import { tag } from '../family/model/tags.ts'
import type { RunContext } from '../github/context.ts'
import { provenanceTags } from './own-tags.ts'
import { type Fields, type InputOf, inputRows, inputsOf, type Values } from './schema.ts'

type ValuesOf<M extends Mode> = Pick<Values, InputOf<M>>
type Builder<M extends Mode> = (values: ValuesOf<M>, context: RunContext) => Extract<Request, { readonly mode: M }>

const builders: { readonly [M in Mode]: Builder<M> } = {
  bake: buildBake,
  promote: buildPromote,
  rollback: buildRollback,
  resolve: buildResolve,
}

export const buildRequest = <M extends Mode>(mode: M, values: ValuesOf<M>, context: RunContext): Request =>
  builders[mode](values, context)

/** The values that the request has as they are. */
function takeFields<M extends Mode>(mode: M, values: ValuesOf<M>): Fields<M> {
  const fields = inputsOf(mode).flatMap((name) => {
    const { field } = inputRows[name]
    return field === undefined ? [] : [[field, values[name]]]
  })
  return Object.fromEntries(fields) as Fields<M>
}

function buildBake(values: ValuesOf<'bake'>, context: RunContext): BakeRequest {
  const source = chooseSource(values)
  const run = identifyRun(values, context, { mode: 'bake', source: JSON.stringify(source) })
  return {
    ...takeFields('bake', values),
    mode: 'bake',
    family: values.family,
    run,
    source,
    description: values.description ?? describeBake(source, context, run),
    tags: { ...values.tags, [tag.source]: source.kind, ...provenanceTags(context, run.key) },
    stopInstance: values['stop-instance'] ? (values['force-stop'] ? 'by-force' : 'orderly') : 'no',
  }
}

function chooseSource(values: ValuesOf<'bake'>): Source {
  const { 'instance-id': instance, 'snapshot-id': snapshot } = values
  if (instance !== undefined) return { kind: 'instance', instance }
  if (snapshot !== undefined) return { kind: 'snapshot', snapshot }
  return { kind: 'disks', disks: values['disk-device-mappings'] }
}

const describeBake = (source: Source, { repository }: RunContext, run: Run): string =>
  [`Baked from ${describeSource(source)}`, ...(repository ? [`by ${repository} run ${run.number}`] : [])]
    .join(' ')
    .slice(0, 256)

function buildPromote(values: ValuesOf<'promote'>, context: RunContext): PromoteRequest {
  const run = identifyRun(values, context, { mode: 'promote' })
  return {
    ...takeFields('promote', values),
    mode: 'promote',
    family: values.family,
    run,
    image: values['image-id'],
    copyTags: provenanceTags(context, run.key),
  }
}

function buildRollback(values: ValuesOf<'rollback'>, context: RunContext): RollbackRequest {
  return {
    ...takeFields('rollback', values),
    mode: 'rollback',
    family: values.family,
    run: identifyRun(values, context, { mode: 'rollback' }),
  }
}

function buildResolve(values: ValuesOf<'resolve'>, context: RunContext): ResolveRequest {
  const { family, 'image-id': image = '' } = values
  return {
    ...takeFields('resolve', values),
    mode: 'resolve',
    run: identifyRun({ ...values, family: family || image }, context, { mode: 'resolve' }),
    subject: family === '' ? { kind: 'image', image } : { kind: 'family', family },
  }
}

/** A run is one step of one workflow run; `idempotency-key` says which where job, step, matrix and source cannot. */
function identifyRun(
  values: ValuesOf<Mode>,
  { repositoryId, workflowRun, job, step, attempt, number, sha256 }: RunContext,
  { mode, source = '' }: { mode: Mode; source?: string },
): Run {
  const { 'region-id': region, family, matrix = '', 'idempotency-key': key } = values
  const scope = key === undefined ? [job, step, matrix, source] : ['idempotency-key', key]
  return createRun({ repositoryId, workflowRun, scope, mode, region, family }, { attempt, number, sha256 })
}
