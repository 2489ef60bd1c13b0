import { describe, expect, test } from 'vitest'
import type { RunContext } from '../../src/github/context.ts'
import { accepted, bakeOf, context, type Inputs, least, promoteOf, resolveOf, rollbackOf } from './parsed.ts'

describe('the least that a mode needs', () => {
  test('bake', () => {
    const { run, ...request } = bakeOf()
    expect(request).toEqual({
      mode: 'bake',
      region: 'cn-hangzhou',
      dryRun: false,
      family: 'web',
      source: { kind: 'snapshot', snapshot: 's-1' },
      imageName: undefined,
      imageVersion: undefined,
      description: 'Baked from snapshot s-1 by octo/web run 42',
      platform: undefined,
      architecture: undefined,
      bootMode: undefined,
      detectionStrategy: undefined,
      imdsSupport: undefined,
      resourceGroupId: undefined,
      replicas: [],
      copyKmsKeyIds: {},
      shareWith: [],
      keep: undefined,
      tags: {
        'image-family:run': run.key,
        'image-family:source': 'snapshot',
        'github:repository': 'octo/web',
        'github:sha': context.sha,
        'github:run': '17230001',
      },
      stopInstance: 'no',
      wait: true,
      unshare: false,
    })
  })

  test('promote', () => {
    expect(promoteOf()).toMatchObject({
      mode: 'promote',
      image: 'm-1',
      fromFamily: undefined,
      deprecateNewer: false,
      unshare: false,
      quarantineFamily: undefined,
      expectedImage: undefined,
      reason: undefined,
      replicas: [],
      resourceGroupId: undefined,
      copyKmsKeyIds: {},
      shareWith: [],
      keep: undefined,
      tags: {},
      requireTags: {},
      maxAgeDays: undefined,
    })
  })

  test('rollback', () => {
    expect(rollbackOf()).toMatchObject({
      mode: 'rollback',
      toImage: undefined,
      allowEmpty: false,
      withdrawPending: false,
      unshare: false,
      expectedImage: undefined,
      replicas: [],
      shareWith: [],
    })
  })

  test('resolve', () => {
    expect(resolveOf()).toMatchObject({
      mode: 'resolve',
      replicas: [],
      subject: { kind: 'family', family: 'web' },
      ifMissing: 'error',
    })
    expect(accepted({ mode: 'resolve', 'region-id': 'cn-hangzhou', 'image-id': 'm-1' }).request).toMatchObject({
      subject: { kind: 'image', image: 'm-1' },
    })
  })

  test('two hours, five seconds, and the SDK’s own chain and endpoint', () => {
    expect(accepted(least.resolve).settings).toEqual({
      keys: undefined,
      endpoint: undefined,
      interval: 5000,
      limit: 7_200_000,
    })
  })

  test('blanks around a value mean nothing', () => {
    expect(promoteOf({ family: ' web\n', 'image-id': '\tm-1 ' })).toMatchObject({ family: 'web', image: 'm-1' })
  })
})

describe('the identity of a run', () => {
  const keyOf = (inputs: Inputs, more: Partial<RunContext> = {}) => accepted(inputs, more).request.run.key
  const key = keyOf(least.bake)

  test.each<[string, Inputs, Partial<RunContext>]>([
    ['attempt', {}, { attempt: 2 }],
    ['commit', {}, { sha: 'f'.repeat(40) }],
    ['run number', {}, { number: 43 }],
    ['reading of the environment', {}, { regionId: 'cn-beijing' }],
    ['tags', { tags: 'a=b' }, {}],
    ['waiting', { wait: 'false' }, {}],
    ['replica region', { 'replica-region-ids': 'cn-shanghai', 'copy-kms-key-ids': 'cn-shanghai=key' }, {}],
    ['number of images to keep', { keep: '5', unshare: 'true' }, {}],
    ['share', { 'share-with': '1234567890123456' }, {}],
  ])('is the same for another %s', (_, inputs, more) => {
    expect(keyOf({ ...least.bake, ...inputs }, more)).toBe(key)
  })

  test.each<[string, Inputs, Partial<RunContext>]>([
    ['repository', {}, { repositoryId: '1' }],
    ['workflow run', {}, { workflowRun: '1' }],
    ['job', {}, { job: 'x' }],
    ['step', {}, { step: '__run_2' }],
    ['leg of a matrix', { matrix: '{"a":1}' }, {}],
    ['region', { 'region-id': 'cn-beijing' }, {}],
    ['family', { family: 'api' }, {}],
    ['source', { 'snapshot-id': 's-2' }, {}],
  ])('is another one for another %s', (_, inputs, more) => {
    expect(keyOf({ ...least.bake, ...inputs }, more)).not.toBe(key)
  })

  test('with idempotency-key knows neither job, step, matrix nor source, but the rest', () => {
    const keyed = { ...least.bake, 'idempotency-key': 'k' }
    const same = keyOf(keyed)
    expect(same).not.toBe(key)
    expect(keyOf({ ...keyed, matrix: '{"a":1}', 'snapshot-id': 's-2' }, { job: 'x', step: 'y' })).toBe(same)
    expect(keyOf({ ...keyed, 'idempotency-key': 'l' })).not.toBe(same)
    expect(keyOf({ ...keyed, family: 'api' })).not.toBe(same)
    expect(keyOf(keyed, { workflowRun: '1' })).not.toBe(same)
  })
})
