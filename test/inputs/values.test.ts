import { describe, expect, test } from 'vitest'
import type { BakeRequest } from '../../src/family/model/request.ts'
import { accepted, bakeOf, errorsOf, type Inputs, least, promoteOf, resolveOf, rollbackOf } from './parsed.ts'

describe('region', () => {
  test('comes from the input, else from the environment', () => {
    const { 'region-id': _, ...without } = least.rollback
    expect(accepted(without, { regionId: 'cn-beijing' }).request.region).toBe('cn-beijing')
    expect(accepted(least.rollback, { regionId: 'cn-beijing' }).request.region).toBe('cn-hangzhou')
    expect(errorsOf(without)).toEqual([expect.stringMatching(/`region-id`.*ALIBABA_CLOUD_REGION_ID/)])
  })

  test.each(['cn-hangzhou', 'ap-southeast-1', 'cn-zhangjiakou-na62-a01', 'rus-west-1-pop'])('%s', (region) => {
    expect(rollbackOf({ 'region-id': region }).region).toBe(region)
  })

  test.each([
    'hangzhou',
    'CN-Hangzhou',
    'cn_hangzhou',
    'cn-hangzhou.example.com',
    'cn-hangzhou/x',
    '-cn',
    'cn-',
    'cn-a@b',
  ])('%s is none: it becomes part of a host name', (region) => {
    expect(errorsOf({ ...least.rollback, 'region-id': region })).toEqual([expect.stringContaining('`region-id`')])
    expect(errorsOf({ ...least.rollback, 'region-id': '' }, { regionId: region })).toHaveLength(1)
  })
})

describe('keep', () => {
  test('a whole number of at least two', () => {
    expect(bakeOf({ keep: '2' }).keep).toBe(2)
    expect(promoteOf({ keep: ' 30 ' }).keep).toBe(30)
  })

  test.each(['0', '1', '-3', '2.5', '3.0', '1e3', 'two', '0x10', 'Infinity'])('%s is none', (keep) => {
    for (const mode of ['bake', 'promote'] as const) {
      expect(errorsOf({ ...least[mode], keep })).toEqual([
        expect.stringMatching(/^`keep` should be a whole number of at least 2 \(.*\), not '/),
      ])
    }
  })
})

describe('shares', () => {
  const [one, two] = ['1234567890123456', '1234567890123457']
  const many = (count: number) => Array.from({ length: count }, (_, index) => `${10_000 + index}`).join('\n')

  test('accounts, comma or newline separated, each once', () => {
    const given: Inputs = { 'share-with': `${one}, ${two}\n\n${one},` }
    for (const { shareWith } of [bakeOf(given), promoteOf(given), rollbackOf(given)]) {
      expect(shareWith).toEqual([one, two])
    }
  })

  test.each(['1234', '1'.repeat(21), 'acs:1234567890123456', '1234-5678', 'group', `${one} ${two}`, '１２３４５６'])(
    '%s is none',
    (account) => {
      expect(errorsOf({ ...least.rollback, 'share-with': `${one},${account}` })).toEqual([
        `\`share-with\`: expected account IDs such as 1234567890123456, comma or newline separated, not '${account}'.`,
      ])
    },
  )

  test('a number that the runner has rounded is told for what it is', () => {
    expect(errorsOf({ ...least.rollback, 'share-with': '1.23456789012346E+15' })).toEqual([
      expect.stringMatching(/not '1\.23456789012346E\+15': put it in quotes/),
    ])
  })

  test('fifty at most', () => {
    expect(bakeOf({ 'share-with': many(50) }).shareWith).toHaveLength(50)
    expect(bakeOf({ 'share-with': `${many(50)},10000` }).shareWith).toHaveLength(50)
    expect(errorsOf({ ...least.bake, 'share-with': many(51) })).toEqual([
      expect.stringMatching(/`share-with`.* 51 .*50/),
    ])
  })

  test('taken back when baking only from what keep deletes', () => {
    expect(bakeOf({ unshare: 'true', keep: '5' }).unshare).toBe(true)
    expect(bakeOf({ keep: '5' }).unshare).toBe(false)
    expect(errorsOf({ ...least.bake, unshare: 'true' })).toEqual([expect.stringMatching(/`unshare`.*`keep`/)])
    expect(errorsOf({ ...least.bake, unshare: 'true', keep: '1' })).toEqual([expect.stringMatching(/^`keep`/)])
    expect(promoteOf({ unshare: 'true' }).unshare).toBe(true)
    expect(rollbackOf({ unshare: 'true' }).unshare).toBe(true)
  })
})

describe('booleans', () => {
  test.each(['true', 'True', 'TRUE'])('%s', (text) => {
    expect(rollbackOf({ 'dry-run': text }).dryRun).toBe(true)
  })

  test.each(['false', 'False', 'FALSE', ''])('%s is not', (text) => {
    expect(rollbackOf({ 'dry-run': text }).dryRun).toBe(false)
  })

  test.each(['yes', '1', 'on', 'truee'])('%s is neither: nothing is guessed', (text) => {
    expect(errorsOf({ ...least.rollback, 'dry-run': text })).toEqual([
      `\`dry-run\` should be true or false, not '${text}'.`,
    ])
  })

  test('wait is on unless it is switched off', () => {
    expect(bakeOf({ wait: '' }).wait).toBe(true)
    expect(bakeOf({ wait: 'false' }).wait).toBe(false)
  })
})

describe('IDs', () => {
  test.each([
    ['promote', 'image-id', 'i-1'],
    ['promote', 'image-id', 'ubuntu_24_04_x64_20G_alibase_20260810.vhd'],
    ['promote', 'expected-image-id', 'web-1'],
    ['rollback', 'to-image-id', 'm-1; rm'],
    ['rollback', 'to-image-id', 'm-'],
    ['bake', 'snapshot-id', 'd-1'],
    ['bake', 'resource-group-id', '1'],
    ['resolve', 'image-id', 'm 1'],
  ] as const)('%s: %s cannot be %s', (mode, name, value) => {
    const { family, ...resolveById } = least.resolve
    const base = mode === 'resolve' ? resolveById : least[mode]
    expect(errorsOf({ ...base, [name]: value })).toEqual([
      expect.stringMatching(`^\`${name}\` should be an ID such as`),
    ])
  })

  test('resolve takes public images, whose IDs are names', () => {
    const { family, ...byId } = least.resolve
    const id = 'ubuntu_24_04_x64_20G_alibase_20260810.vhd'
    expect(accepted({ ...byId, 'image-id': id }).request).toMatchObject({ subject: { kind: 'image', image: id } })
  })
})

describe('family', () => {
  test.each(['bake', 'promote', 'rollback'] as const)('%s needs one', (mode) => {
    expect(errorsOf({ ...least[mode], family: '' })).toEqual(['`family` is required.'])
  })

  test.each(['bake', 'promote', 'rollback'] as const)('%s takes none of another account', (mode) => {
    expect(errorsOf({ ...least[mode], family: 'acs:123:web' })).toEqual([expect.stringContaining('`family`')])
  })

  test('resolve takes those of other accounts and public ones', () => {
    for (const family of ['acs:1234567890123456:web', 'acs:ubuntu_24_04_x64']) {
      expect(resolveOf({ family }).subject).toEqual({ kind: 'family', family })
    }
  })

  test('a doubtful name is allowed with a warning', () => {
    expect(accepted({ ...least.rollback, family: 'web-1.2' }).warnings).toEqual([expect.stringContaining('web-1.2')])
    expect(accepted({ ...least.promote, 'quarantine-family': 'acsold' }).warnings).toHaveLength(1)
    expect(accepted(least.rollback).warnings).toEqual([])
  })

  test.each([
    ['quarantine-family', 'rollback'],
    ['quarantine-family', 'promote'],
    ['from-family', 'promote'],
  ] as const)('%s of %s must be another one', (name, mode) => {
    const { 'image-id': _, ...base } = least[mode]
    const needed = mode === 'promote' && name === 'quarantine-family' ? { 'image-id': 'm-1' } : {}
    expect(errorsOf({ ...base, ...needed, [name]: 'web' })).toEqual([
      expect.stringMatching(`\`${name}\` must differ from \`family\``),
    ])
  })
})

describe('what is passed to CreateImage', () => {
  test.each([
    ['architecture', 'arm64', 'riscv'],
    ['boot-mode', 'UEFI-Preferred', 'uefi'],
    ['detection-strategy', 'Standard', 'standard'],
    ['imds-support', 'v2', '2'],
  ] as const)('%s: %s, not %s', (name, allowed, other) => {
    expect(errorsOf({ ...least.bake, [name]: allowed })).toEqual([])
    expect(errorsOf({ ...least.bake, [name]: other })).toEqual([
      expect.stringContaining(`\`${name}\` should be one of`),
    ])
  })

  test.each([
    ['image-version', 'v'.repeat(40), 'v'.repeat(41)],
    ['image-version', '1.2 (rc)', '版本'],
    ['description', 'ab', 'a'],
    ['description', '网'.repeat(256), '网'.repeat(257)],
    ['description', 'see https://x', 'https://x'],
    ['image-name', 'web-1.2', 'aliyun-web'],
    ['image-name', 'w'.repeat(128), 'w'.repeat(129)],
  ] as const)('%s: %s, not %s', (name, allowed, other) => {
    expect(errorsOf({ ...least.bake, [name]: allowed })).toEqual([])
    expect(errorsOf({ ...least.bake, [name]: other })).toHaveLength(1)
  })

  test('the generated description is one that ECS takes', () => {
    const repository = `octo/${'r'.repeat(300)}`
    const { description } = accepted(least.bake, { repository }).request as BakeRequest
    expect(description.length).toBeLessThanOrEqual(256)
    expect((accepted(least.bake, { repository: '' }).request as BakeRequest).description).toBe(
      'Baked from snapshot s-1',
    )
  })
})
