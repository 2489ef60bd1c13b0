/** Requests as their inputs parse, each with what a test changes of it. */
import { createHash } from 'node:crypto'
import type {
  BakeRequest,
  Mode,
  PromoteRequest,
  Request,
  ResolveRequest,
  RollbackRequest,
} from '../../src/family/model/request.ts'
import { createRun, type Run } from '../../src/family/model/run.ts'
import { region } from './images.ts'

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

interface Who {
  readonly workflowRun?: string
  readonly step?: string
  readonly attempt?: number
}

export const runFor = (mode: Mode, { workflowRun = '17230001', step = 'step', attempt = 1 }: Who = {}): Run =>
  createRun(
    { repositoryId: '4711', workflowRun, scope: ['deploy', step, 'null', ''], mode, region, family: 'web' },
    { attempt, number: 42, sha256 },
  )

type Asked<R> = Partial<Omit<R, 'mode' | 'run'>> & Who

const withRun = <R extends Request>(base: Omit<R, 'run'>, { workflowRun, step, attempt, ...given }: Asked<R>): R =>
  ({
    ...base,
    ...given,
    run: runFor(base.mode, {
      ...(workflowRun === undefined ? {} : { workflowRun }),
      ...(step === undefined ? {} : { step }),
      ...(attempt === undefined ? {} : { attempt }),
    }),
  }) as unknown as R

export const bake = (given: Asked<BakeRequest> = {}): BakeRequest => {
  const request = withRun<BakeRequest>(
    {
      mode: 'bake',
      region,
      replicas: [],
      dryRun: false,
      family: 'web',
      source: { kind: 'snapshot', snapshot: 's-1' },
      imageName: undefined,
      imageVersion: undefined,
      description: 'Baked from snapshot s-1',
      platform: undefined,
      architecture: undefined,
      bootMode: undefined,
      detectionStrategy: undefined,
      imdsSupport: undefined,
      resourceGroupId: undefined,
      tags: {},
      stopInstance: 'no',
      wait: true,
      unshare: false,
      copyKmsKeyIds: {},
      shareWith: [],
      keep: undefined,
    },
    given,
  )
  return { ...request, tags: { ...request.tags, 'image-family:run': request.run.key } }
}

export const promote = (given: Asked<PromoteRequest> = {}): PromoteRequest =>
  withRun<PromoteRequest>(
    {
      mode: 'promote',
      region,
      replicas: [],
      dryRun: false,
      family: 'web',
      image: undefined,
      fromFamily: undefined,
      deprecateNewer: false,
      tags: {},
      expectedImage: undefined,
      unshare: false,
      quarantineFamily: undefined,
      reason: undefined,
      requireTags: {},
      maxAgeDays: undefined,
      copyTags: {},
      copyKmsKeyIds: {},
      resourceGroupId: undefined,
      shareWith: [],
      keep: undefined,
    },
    given,
  )

export const rollback = (given: Asked<RollbackRequest> = {}): RollbackRequest =>
  withRun<RollbackRequest>(
    {
      mode: 'rollback',
      region,
      replicas: [],
      dryRun: false,
      family: 'web',
      toImage: undefined,
      allowEmpty: false,
      withdrawPending: false,
      shareWith: [],
      expectedImage: undefined,
      unshare: false,
      quarantineFamily: undefined,
      reason: undefined,
    },
    given,
  )

export const resolve = (given: Asked<ResolveRequest> = {}): ResolveRequest =>
  withRun<ResolveRequest>(
    {
      mode: 'resolve',
      region,
      replicas: [],
      dryRun: false,
      subject: { kind: 'family', family: 'web' },
      ifMissing: 'error',
      requireTags: {},
      maxAgeDays: undefined,
    },
    given,
  )

/** The same run, later. */
export const again = <R extends Request>(request: R, attempt = 2): R => ({
  ...request,
  run: { ...request.run, attempt },
})
