import { describe, expect, test } from 'vitest'
import { type BakeRequest, modes, type PromoteRequest } from '../../src/family/model/request.ts'
import { parseInputs } from '../../src/inputs/parse.ts'
import type { InputName } from '../../src/inputs/schema.ts'
import { accepted, bakeOf, context, errorsOf, type Inputs, least, promoteOf, resolveOf, rollbackOf } from './parsed.ts'

describe('exactly one', () => {
  const { 'snapshot-id': _, ...sourceless } = least.bake
  const disks = '[{snapshot-id: s-1}]'

  test('source: none', () => {
    expect(errorsOf(sourceless)).toEqual([
      'Exactly one of `instance-id`, `snapshot-id`, `disk-device-mappings` is required.',
    ])
  })

  test.each([
    [{ 'instance-id': 'i-1', 'snapshot-id': 's-1' }],
    [{ 'instance-id': 'i-1', 'disk-device-mappings': disks }],
    [{ 'snapshot-id': 's-1', 'disk-device-mappings': disks }],
    [{ 'instance-id': 'i-1', 'snapshot-id': 's-1', 'disk-device-mappings': disks }],
  ])('source: %j', (given) => {
    const [error, ...others] = errorsOf({ ...sourceless, ...given })
    expect(others).toEqual([])
    for (const name of Object.keys(given)) expect(error).toContain(`\`${name}\``)
  })

  test('each source alone', () => {
    expect(bakeOf({ 'snapshot-id': '', 'instance-id': 'i-1' }).source).toEqual({ kind: 'instance', instance: 'i-1' })
    expect(bakeOf({ 'snapshot-id': '', 'disk-device-mappings': disks }).source).toEqual({
      kind: 'disks',
      disks: [{ snapshotId: 's-1' }],
    })
  })

  test('resolve: family or image', () => {
    expect(errorsOf({ ...least.resolve, family: '' })).toEqual(['Exactly one of `family`, `image-id` is required.'])
    expect(errorsOf({ ...least.resolve, 'image-id': 'm-1' })).toEqual([expect.stringContaining('Only one of')])
  })

  test('promote: image, family, or both', () => {
    const { 'image-id': _, ...neither } = least.promote
    expect(errorsOf(neither)).toEqual([expect.stringMatching(/`image-id` or `from-family`/)])
    const none = { image: undefined, fromFamily: 'candidate' }
    expect(accepted({ ...neither, 'from-family': 'candidate' }).request).toMatchObject(none)
    expect(promoteOf({ 'image-id': '(none)', 'from-family': 'candidate' })).toMatchObject(none)
    expect(promoteOf({ 'from-family': 'candidate' })).toMatchObject({ image: 'm-1', fromFamily: 'candidate' })
  })
})

describe('an image-id that is given, but empty', () => {
  const says = /^`image-id` is given but empty\. Usually the step output .* does not exist: check the ID of the step/
  const instead = /leave `image-id` out or write `\(none\)`\.$/

  test.each(['', ' ', '\n'])('%j: promote does not take what from-family serves instead', (empty) => {
    const errors = errorsOf({ ...least.promote, 'image-id': empty, 'from-family': 'candidate' })
    expect(errors).toEqual([expect.stringMatching(says)])
    expect(errors[0]).toMatch(instead)
  })

  test('promote without from-family needs one: the error does not advise to leave it out', () => {
    const errors = errorsOf({ ...least.promote, 'image-id': '' })
    expect(errors).toEqual([expect.stringMatching(says)])
    expect(errors[0]).not.toMatch(instead)
  })

  test('resolve says so where there is no family either', () => {
    expect(errorsOf({ ...least.resolve, family: '', 'image-id': '' })).toEqual([expect.stringMatching(says)])
    expect(errorsOf({ ...least.resolve, family: '', 'image-id': '(none)' })).toEqual([
      'Exactly one of `family`, `image-id` is required.',
    ])
  })

  test('resolve takes the family that is named: an empty image-id changes nothing of that', () => {
    const subject = { kind: 'family', family: 'web' }
    for (const image of ['', '(none)']) expect(resolveOf({ 'image-id': image })).toMatchObject({ subject })
  })

  test.each(['bake', 'rollback'] as const)('%s does not use it: neither empty nor (none) is an error', (mode) => {
    for (const image of ['', '(none)']) expect(errorsOf({ ...least[mode], 'image-id': image })).toEqual([])
  })

  test('is told apart from one that is not given, also where no runner has applied the defaults', () => {
    const inputs = { mode: 'promote', family: 'web', 'from-family': 'candidate' }
    const parsed = (more = {}) =>
      parseInputs(new Map(Object.entries({ ...inputs, ...more })), { ...context, regionId: 'cn-hangzhou' })
    expect(parsed()).toMatchObject({ ok: true, value: { request: { image: undefined, fromFamily: 'candidate' } } })
    expect(parsed({ 'image-id': '' })).toMatchObject({ ok: false, errors: [expect.stringMatching(says)] })
  })
})

describe('exclusions', () => {
  test.each([
    ['promote', { 'deprecate-newer': 'true', 'from-family': 'candidate' }],
    ['rollback', { 'allow-empty': 'true', 'to-image-id': 'm-1' }],
    ['rollback', { unshare: 'true', 'quarantine-family': 'bad' }],
    ['promote', { unshare: 'true', 'quarantine-family': 'bad' }],
    ['bake', { 'snapshot-id': '', 'instance-id': 'i-1', 'force-stop': 'true' }],
    ['bake', { 'stop-instance': 'true' }],
  ] as const)('%s: %j', (mode, given: Inputs) => {
    expect(errorsOf({ ...least[mode], ...given })).toHaveLength(1)
  })

  test('stopping', () => {
    const from: Inputs = { 'snapshot-id': '', 'instance-id': 'i-1' }
    expect(bakeOf({ ...from }).stopInstance).toBe('no')
    expect(bakeOf({ ...from, 'stop-instance': 'true' }).stopInstance).toBe('orderly')
    expect(bakeOf({ ...from, 'stop-instance': 'true', 'force-stop': 'true' }).stopInstance).toBe('by-force')
  })
})

describe('wait: false', () => {
  const rows: readonly (readonly [InputName, Inputs])[] = [
    ['replica-region-ids', { 'replica-region-ids': 'cn-shanghai' }],
    ['share-with', { 'share-with': '1234567890123456' }],
    ['keep', { keep: '5' }],
    ['stop-instance', { 'snapshot-id': '', 'instance-id': 'i-1', 'stop-instance': 'true' }],
  ]

  test.each(rows)('cannot be used with %s', (name, given) => {
    const both = { ...least.bake, ...given, wait: 'false' }
    expect(errorsOf(both)).toEqual([expect.stringMatching(`^\`${name}\` cannot be used with \`wait: false\``)])
    expect(errorsOf({ ...both, wait: 'False' })).toHaveLength(1)
    expect(errorsOf({ ...both, wait: 'true' })).toEqual([])
  })

  test('is not what a value that is neither means', () => {
    expect(errorsOf({ ...least.bake, wait: 'no', keep: '5' })).toEqual(["`wait` should be true or false, not 'no'."])
  })

  test('is told for each', () => {
    expect(
      errorsOf({ ...least.bake, ...Object.assign({}, ...rows.map(([, given]) => given)), wait: 'false' }),
    ).toHaveLength(4)
  })
})

describe('replica regions', () => {
  const replicas: Inputs = { 'replica-region-ids': 'cn-shanghai, cn-beijing' }

  test.each(modes)('of %s, in the given order', (mode) => {
    expect(accepted({ ...least[mode], ...replicas }).request.replicas).toEqual(['cn-shanghai', 'cn-beijing'])
  })

  test.each([
    ['newlines', 'cn-shanghai\ncn-beijing'],
    ['carriage returns', 'cn-shanghai\r\ncn-beijing\r\n'],
    ['commas and newlines', 'cn-shanghai,\ncn-beijing,'],
    ['empty entries', ',, cn-shanghai ,\n\n, cn-beijing\n'],
  ])('separated by %s', (_, text) => {
    expect(rollbackOf({ 'replica-region-ids': text }).replicas).toEqual(['cn-shanghai', 'cn-beijing'])
  })

  test('none at all: all entries are empty', () => {
    expect(bakeOf({ 'replica-region-ids': ' ,\n,', wait: 'false' }).replicas).toEqual([])
  })

  test.each(['shanghai', 'CN-Shanghai', 'cn-shanghai.example.com', 'cn-a@b', 'cn-shanghai cn-beijing', 'cn-a;cn-b'])(
    '%s is none: it becomes part of a host name',
    (region) => {
      expect(errorsOf({ ...least.resolve, 'replica-region-ids': `cn-beijing,${region}` })).toEqual([
        expect.stringMatching(/^`replica-region-ids`: expected region IDs .*cn-shanghai/),
      ])
    },
  )

  test('the home region is none of them, whichever way it is given', () => {
    const named: Inputs = { ...least.rollback, 'replica-region-ids': 'cn-hangzhou,cn-beijing' }
    const expected = ['`replica-region-ids`: cn-hangzhou is already the home region: leave it out.']
    expect(errorsOf(named)).toEqual(expected)
    expect(errorsOf({ ...named, 'region-id': '' }, { regionId: 'cn-hangzhou' })).toEqual(expected)
  })

  test('a region is listed once', () => {
    expect(errorsOf({ ...least.bake, 'replica-region-ids': 'cn-shanghai,cn-beijing\ncn-shanghai' })).toEqual([
      '`replica-region-ids`: cn-shanghai is listed twice: remove one.',
    ])
  })

  test('an image is looked up at home alone', () => {
    const { family, ...byId } = { ...least.resolve, 'image-id': 'm-1', ...replicas }
    expect(errorsOf(byId)).toEqual([expect.stringMatching(/`image-id`.*`replica-region-ids`.*`family`/)])
  })

  test('may share an endpoint', () => {
    expect(accepted({ ...least.resolve, ...replicas, endpoint: 'http://127.0.0.1:1' }).warnings).toEqual([])
  })

  test('what is for copies needs some', () => {
    expect(errorsOf({ ...least.promote, 'resource-group-id': 'rg-1' })).toEqual([
      expect.stringMatching(/`resource-group-id`.*`replica-region-ids`/),
    ])
    expect(promoteOf({ ...replicas, 'resource-group-id': 'rg-1' }).resourceGroupId).toBe('rg-1')
    expect(bakeOf({ 'resource-group-id': 'rg-1' }).resourceGroupId).toBe('rg-1')
    for (const mode of ['bake', 'promote'] as const) {
      expect(errorsOf({ ...least[mode], 'copy-kms-key-ids': 'cn-shanghai=key' })).toEqual([
        expect.stringMatching(/^`copy-kms-key-ids`: cn-shanghai is not in `replica-region-ids`/),
      ])
    }
  })

  test('keys of copies, by region', () => {
    const keys = { 'copy-kms-key-ids': 'cn-beijing = 0e478b7a-4262-4802-b8cb-00d3fb408fa1\ncn-shanghai=alias/web' }
    for (const { copyKmsKeyIds } of [bakeOf({ ...replicas, ...keys }), promoteOf({ ...replicas, ...keys })]) {
      expect(copyKmsKeyIds).toEqual({
        'cn-beijing': '0e478b7a-4262-4802-b8cb-00d3fb408fa1',
        'cn-shanghai': 'alias/web',
      })
    }
  })

  test('a region that is wrong is told once, not also for its key', () => {
    const given: Inputs = { 'replica-region-ids': 'Shanghai', 'copy-kms-key-ids': 'Shanghai=key' }
    expect(errorsOf({ ...least.bake, ...given })).toEqual([expect.stringContaining('`replica-region-ids`')])
  })
})

describe('tags', () => {
  const lines = (count: number) => Array.from({ length: count }, (_, index) => `team-${index}=x`).join('\n')

  test('are added to those of the action, which they cannot replace', () => {
    const { tags } = bakeOf({ tags: 'team=core' })
    expect(tags).toMatchObject({ team: 'core', 'image-family:source': 'snapshot' })
  })

  test.each(['image-family:run', 'image-family:decision', 'image-family:source', 'github:sha', 'github:anything'])(
    'the key %s belongs to the action',
    (key) => {
      for (const mode of ['bake', 'promote'] as const) {
        expect(errorsOf({ ...least[mode], tags: `${key}=x` })).toEqual([expect.stringContaining(`'${key}'`)])
      }
    },
  )

  test.each(['image-family:protect', 'image-family:origin'])('%s may be set by people, so also here', (key) => {
    expect(bakeOf({ tags: `${key}=x` }).tags).toHaveProperty([key], 'x')
    expect(promoteOf({ tags: `${key}=x` }).tags).toEqual({ [key]: 'x' })
  })

  test('image-family:origin is the action’s own where it makes copies', () => {
    for (const mode of ['bake', 'promote'] as const) {
      const given: Inputs = { ...least[mode], 'replica-region-ids': 'cn-shanghai' }
      expect(errorsOf({ ...given, tags: 'image-family:origin=x' })).toEqual([
        expect.stringMatching(/^`tags`: the key 'image-family:origin'/),
      ])
      expect(errorsOf({ ...given, tags: 'image-family:protect=x' })).toEqual([])
    }
  })

  test('of a promotion’s copies say which run made them', () => {
    const { run, copyTags, tags } = promoteOf({ 'replica-region-ids': 'cn-shanghai', tags: 'tested=true' })
    expect(tags).toEqual({ tested: 'true' })
    expect(copyTags).toEqual({
      'image-family:run': run.key,
      'github:repository': 'octo/web',
      'github:sha': context.sha,
      'github:run': '17230001',
    })
    const local = accepted(least.promote, { repository: '' }).request as PromoteRequest
    expect(local.copyTags).toEqual({ 'image-family:run': local.run.key })
  })

  test('leave room for what the action needs, now and later: twenty in all', () => {
    expect(Object.keys(bakeOf({ tags: lines(13) }).tags)).toHaveLength(18)
    expect(errorsOf({ ...least.bake, tags: lines(14) })).toEqual([expect.stringMatching(/14 tags.*room for 13/)])
    expect(
      Object.keys((accepted({ ...least.bake, tags: lines(16) }, { repository: '' }).request as BakeRequest).tags),
    ).toHaveLength(18)
  })

  test('that can fit on no image are refused when promoting, too', () => {
    expect(errorsOf({ ...least.promote, tags: lines(18) })).toEqual([])
    expect(errorsOf({ ...least.promote, tags: lines(19) })).toEqual([expect.stringMatching(/19 tags.*room for 18/)])
  })

  test('leave room on copies, too', () => {
    const copied: Inputs = { 'replica-region-ids': 'cn-shanghai' }
    for (const mode of ['bake', 'promote'] as const) {
      expect(errorsOf({ ...least[mode], ...copied, tags: lines(13) })).toEqual([])
      expect(errorsOf({ ...least[mode], ...copied, tags: lines(14) })).toEqual([
        expect.stringMatching(/14 tags.*room for 13/),
      ])
      const local = { repository: '' }
      expect(errorsOf({ ...least[mode], ...copied, tags: lines(16) }, local)).toEqual([])
      expect(errorsOf({ ...least[mode], ...copied, tags: lines(17) }, local)).toHaveLength(1)
    }
  })

  test('that are wrong are told under the name of their input', () => {
    expect(errorsOf({ ...least.promote, 'require-tags': 'a' })).toEqual([expect.stringContaining('`require-tags`')])
    expect(errorsOf({ ...least.promote, tags: 'a=https://x' })).toEqual([expect.stringContaining('`tags`')])
  })

  test('required of an image may be any, the action’s own too', () => {
    expect(resolveOf({ 'require-tags': 'github:run=1\ntested=true' }).requireTags).toEqual({
      'github:run': '1',
      tested: 'true',
    })
  })
})
