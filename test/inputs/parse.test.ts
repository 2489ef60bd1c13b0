import { describe, expect, test } from 'vitest'
import type {
  BakeRequest,
  Mode,
  PromoteRequest,
  ResolveRequest,
  RollbackRequest,
} from '../../src/family/model/request.ts'
import type { RunContext } from '../../src/github/context.ts'
import { parseInputs, parseSettings } from '../../src/inputs/parse.ts'
import { type InputName, inputNames, inputRows } from '../../src/inputs/schema.ts'
import { sha256 } from '../family/situation.ts'

type Inputs = Partial<Record<InputName, string>>

const context: RunContext = {
  repositoryId: '4711',
  repository: 'octo/web',
  sha: '0123456789abcdef0123456789abcdef01234567',
  workflowRun: '17230001',
  job: 'deploy',
  step: '__run',
  attempt: 1,
  number: 42,
  regionId: '',
  sha256,
}

/** As the runner gives them: the defaults of action.yml for what is not set. */
const reading = (inputs: Inputs) => (name: InputName) => inputs[name] ?? inputRows[name].default ?? ''
const parse = (inputs: Inputs, more: Partial<RunContext> = {}) => parseInputs(reading(inputs), { ...context, ...more })

function good(inputs: Inputs, more: Partial<RunContext> = {}) {
  const parsed = parse(inputs, more)
  if (!parsed.ok) throw new Error(parsed.errors.join('\n'))
  return { ...parsed.value, warnings: parsed.warnings }
}

function errors(inputs: Inputs, more: Partial<RunContext> = {}): readonly string[] {
  const parsed = parse(inputs, more)
  return parsed.ok ? [] : parsed.errors
}

const least: Readonly<Record<Mode, Inputs>> = {
  bake: { mode: 'bake', 'region-id': 'cn-hangzhou', family: 'web', 'snapshot-id': 's-1' },
  promote: { mode: 'promote', 'region-id': 'cn-hangzhou', family: 'web', 'image-id': 'm-1' },
  rollback: { mode: 'rollback', 'region-id': 'cn-hangzhou', family: 'web' },
  resolve: { mode: 'resolve', 'region-id': 'cn-hangzhou', family: 'web' },
}
const modes = ['bake', 'promote', 'rollback', 'resolve'] as const

const bakeOf = (inputs: Inputs = {}) => good({ ...least.bake, ...inputs }).request as BakeRequest
const promoteOf = (inputs: Inputs = {}) => good({ ...least.promote, ...inputs }).request as PromoteRequest
const rollbackOf = (inputs: Inputs = {}) => good({ ...least.rollback, ...inputs }).request as RollbackRequest
const resolveOf = (inputs: Inputs = {}) => good({ ...least.resolve, ...inputs }).request as ResolveRequest

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
      of: { kind: 'family', family: 'web' },
      ifMissing: 'error',
    })
    expect(good({ mode: 'resolve', 'region-id': 'cn-hangzhou', 'image-id': 'm-1' }).request).toMatchObject({
      of: { kind: 'image', image: 'm-1' },
    })
  })

  test('two hours, five seconds, and the SDK’s own chain and endpoint', () => {
    expect(good(least.resolve).settings).toEqual({
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

describe('errors', () => {
  test('are told all at once', () => {
    const found = errors({
      mode: 'bake',
      family: 'aliyun-web',
      'instance-id': 'x',
      'stop-instance': 'perhaps',
      'image-version': '版本',
      'access-key-id': 'id',
      tags: 'image-family:run=1',
      'wait-timeout-minutes': 'long',
      endpoint: 'ftp://x',
    })
    const about = ['region-id', 'family', 'instance-id', 'stop-instance', 'image-version', 'access-key-secret', 'tags']
    for (const input of [...about, 'wait-timeout-minutes', 'endpoint']) {
      expect(
        found.filter((error) => error.includes(`\`${input}\``)),
        input,
      ).toHaveLength(1)
    }
    expect(found).toHaveLength(9)
  })

  test('are sentences', () => {
    const found = errors({ mode: 'bake', family: '1', keep: '1', wait: 'x', 'to-image-id': 'm-1' })
    expect(found.length).toBeGreaterThan(4)
    for (const error of found) expect(error).toMatch(/^[A-Z`].*[.]$/)
  })
})

describe('mode', () => {
  test.each([
    ['nothing', ''],
    ['another word', 'deploy'],
    ['other letters', 'Bake'],
  ])('%s: refused once, naming all four', (_, mode) => {
    const found = errors({ ...least.rollback, mode }).filter((error) => error.includes('`mode`'))
    expect(found).toHaveLength(1)
    expect(found[0]).toContain('bake, promote, rollback, resolve')
  })

  test('none or a wrong one does not make the other inputs wrong', () => {
    expect(errors({ ...least.bake, mode: 'bak' })).toHaveLength(1)
    expect(errors({ ...least.bake, mode: '' })).toHaveLength(1)
  })
})

describe('region', () => {
  test('comes from the input, else from the environment', () => {
    const { 'region-id': _, ...without } = least.rollback
    expect(good(without, { regionId: 'cn-beijing' }).request.region).toBe('cn-beijing')
    expect(good(least.rollback, { regionId: 'cn-beijing' }).request.region).toBe('cn-hangzhou')
    expect(errors(without)).toEqual([expect.stringMatching(/`region-id`.*ALIBABA_CLOUD_REGION_ID/)])
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
    expect(errors({ ...least.rollback, 'region-id': region })).toEqual([expect.stringContaining('`region-id`')])
    expect(errors({ ...least.rollback, 'region-id': '' }, { regionId: region })).toHaveLength(1)
  })
})

describe('an input that the mode does not use', () => {
  /** Something that is not the default, for every input. */
  const set = (name: InputName): string => {
    const standard = inputRows[name].default
    if (standard === 'false') return 'true'
    if (standard === 'true') return 'false'
    return name === 'if-missing' ? 'ignore' : 'm-1'
  }
  const rows = modes.flatMap((mode) =>
    inputNames
      .filter((name) => !inputRows[name].unsupported && !inputRows[name].modes.includes(mode))
      .map((name) => [mode, name] as const),
  )

  test.each(rows)('%s: %s is an error that names the modes which use it', (mode, name) => {
    const found = errors({ ...least[mode], [name]: set(name) }).filter((error) => error.startsWith(`\`${name}\``))
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(
      new RegExp(`is not used by mode ${mode} \\(only by ${inputRows[name].modes.join('(, | and )')}\\)[.]$`),
    )
  })

  test.each(rows)('%s: %s empty or at its default is none', (mode, name) => {
    expect(errors({ ...least[mode], [name]: '' })).toEqual([])
    expect(errors({ ...least[mode], [name]: inputRows[name].default ?? '' })).toEqual([])
  })
})

describe('an input that is not supported yet', () => {
  const unsupported = inputNames.filter((name) => inputRows[name].unsupported)

  test.each(unsupported)('%s is an error in every mode, and nothing else', (name) => {
    for (const mode of modes) {
      expect(errors({ ...least[mode], [name]: 'x' })).toEqual([
        `\`${name}\` is not supported by this version yet: leave it out.`,
      ])
    }
  })
})

describe('replica regions', () => {
  const replicas: Inputs = { 'replica-region-ids': 'cn-shanghai, cn-beijing' }

  test.each(modes)('of %s, in the given order', (mode) => {
    expect(good({ ...least[mode], ...replicas }).request.replicas).toEqual(['cn-shanghai', 'cn-beijing'])
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
      expect(errors({ ...least.resolve, 'replica-region-ids': `cn-beijing,${region}` })).toEqual([
        expect.stringMatching(/^`replica-region-ids`: expected region IDs .*cn-shanghai/),
      ])
    },
  )

  test('the home region is none of them, whichever way it is given', () => {
    const named: Inputs = { ...least.rollback, 'replica-region-ids': 'cn-hangzhou,cn-beijing' }
    const expected = ['`replica-region-ids`: cn-hangzhou is already the home region: leave it out.']
    expect(errors(named)).toEqual(expected)
    expect(errors({ ...named, 'region-id': '' }, { regionId: 'cn-hangzhou' })).toEqual(expected)
  })

  test('a region is listed once', () => {
    expect(errors({ ...least.bake, 'replica-region-ids': 'cn-shanghai,cn-beijing\ncn-shanghai' })).toEqual([
      '`replica-region-ids`: cn-shanghai is listed twice: remove one.',
    ])
  })

  test('an image is looked up at home alone', () => {
    const { family, ...byId } = { ...least.resolve, 'image-id': 'm-1', ...replicas }
    expect(errors(byId)).toEqual([expect.stringMatching(/`image-id`.*`replica-region-ids`.*`family`/)])
  })

  test('may share an endpoint', () => {
    expect(good({ ...least.resolve, ...replicas, endpoint: 'http://127.0.0.1:1' }).warnings).toEqual([])
  })

  test('what is for copies needs some', () => {
    expect(errors({ ...least.promote, 'resource-group-id': 'rg-1' })).toEqual([
      expect.stringMatching(/`resource-group-id`.*`replica-region-ids`/),
    ])
    expect(promoteOf({ ...replicas, 'resource-group-id': 'rg-1' }).resourceGroupId).toBe('rg-1')
    expect(bakeOf({ 'resource-group-id': 'rg-1' }).resourceGroupId).toBe('rg-1')
    for (const mode of ['bake', 'promote'] as const) {
      expect(errors({ ...least[mode], 'copy-kms-key-ids': 'cn-shanghai=key' })).toEqual([
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
    expect(errors({ ...least.bake, ...given })).toEqual([expect.stringContaining('`replica-region-ids`')])
  })
})

describe('keep', () => {
  test('a whole number of at least two', () => {
    expect(bakeOf({ keep: '2' }).keep).toBe(2)
    expect(promoteOf({ keep: ' 30 ' }).keep).toBe(30)
  })

  test.each(['0', '1', '-3', '2.5', '3.0', '1e3', 'two', '0x10', 'Infinity'])('%s is none', (keep) => {
    for (const mode of ['bake', 'promote'] as const) {
      expect(errors({ ...least[mode], keep })).toEqual([
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
      expect(errors({ ...least.rollback, 'share-with': `${one},${account}` })).toEqual([
        `\`share-with\`: expected account IDs such as 1234567890123456, comma or newline separated, not '${account}'.`,
      ])
    },
  )

  test('a number that the runner has rounded is told for what it is', () => {
    expect(errors({ ...least.rollback, 'share-with': '1.23456789012346E+15' })).toEqual([
      expect.stringMatching(/not '1\.23456789012346E\+15': put it in quotes/),
    ])
  })

  test('fifty at most', () => {
    expect(bakeOf({ 'share-with': many(50) }).shareWith).toHaveLength(50)
    expect(bakeOf({ 'share-with': `${many(50)},10000` }).shareWith).toHaveLength(50)
    expect(errors({ ...least.bake, 'share-with': many(51) })).toEqual([expect.stringMatching(/`share-with`.* 51 .*50/)])
  })

  test('taken back when baking only from what keep deletes', () => {
    expect(bakeOf({ unshare: 'true', keep: '5' }).unshare).toBe(true)
    expect(bakeOf({ keep: '5' }).unshare).toBe(false)
    expect(errors({ ...least.bake, unshare: 'true' })).toEqual([expect.stringMatching(/`unshare`.*`keep`/)])
    expect(errors({ ...least.bake, unshare: 'true', keep: '1' })).toEqual([expect.stringMatching(/^`keep`/)])
    expect(promoteOf({ unshare: 'true' }).unshare).toBe(true)
    expect(rollbackOf({ unshare: 'true' }).unshare).toBe(true)
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
    expect(errors(both)).toEqual([expect.stringMatching(`^\`${name}\` cannot be used with \`wait: false\``)])
    expect(errors({ ...both, wait: 'False' })).toHaveLength(1)
    expect(errors({ ...both, wait: 'true' })).toEqual([])
  })

  test('is not what a value that is neither means', () => {
    expect(errors({ ...least.bake, wait: 'no', keep: '5' })).toEqual(["`wait` should be true or false, not 'no'."])
  })

  test('is told for each', () => {
    expect(
      errors({ ...least.bake, ...Object.assign({}, ...rows.map(([, given]) => given)), wait: 'false' }),
    ).toHaveLength(4)
  })
})

describe('credentials', () => {
  const keys: Inputs = { 'access-key-id': 'the-key-id', 'access-key-secret': 'the-secret' }

  test('a key, with and without a token', () => {
    expect(good({ ...least.resolve, ...keys }).settings.keys).toEqual({
      accessKeyId: 'the-key-id',
      accessKeySecret: 'the-secret',
      securityToken: undefined,
    })
    expect(good({ ...least.resolve, ...keys, 'security-token': 'the-token' }).settings.keys).toMatchObject({
      securityToken: 'the-token',
    })
  })

  test.each([
    ['the ID alone', { 'access-key-id': 'the-key-id' }, ['access-key-secret']],
    ['the secret alone', { 'access-key-secret': 'the-secret' }, ['access-key-id']],
    ['the token alone', { 'security-token': 'the-token' }, ['access-key-id', 'access-key-secret']],
    ['ID and token', { 'access-key-id': 'the-key-id', 'security-token': 'the-token' }, ['access-key-secret']],
    ['secret and token', { 'access-key-secret': 'the-secret', 'security-token': 'the-token' }, ['access-key-id']],
    ['a secret that is blank', { 'access-key-id': 'the-key-id', 'access-key-secret': '  ' }, ['access-key-secret']],
  ])('%s is incomplete: names what is missing', (_, given, missing) => {
    const [error, ...others] = errors({ ...least.resolve, ...given })
    expect(others).toEqual([])
    expect(error).toMatch(/^Incomplete credentials: .* (is|are) empty \(.*\)\.$/)
    for (const name of ['access-key-id', 'access-key-secret']) {
      expect(error?.includes(`\`${name}\``), name).toBe(missing.includes(name))
    }
  })

  test('are never echoed, whatever else is wrong', () => {
    const found = errors({
      mode: 'nonsense',
      'access-key-id': 'the-key-id',
      'security-token': 'the-token',
      'github-token': 'the-github-token',
      endpoint: 'https://user:the-password@example.com',
    })
    expect(found.length).toBeGreaterThan(2)
    expect(found.join('\n')).not.toMatch(/the-key-id|the-token|the-github-token|the-password/)
    const half = errors({ ...least.bake, 'access-key-secret': 'the-secret' })
    expect(half.join('\n')).not.toContain('the-secret')
  })

  test('are all that the post step reads, with endpoint and waiting', () => {
    expect(parseSettings(reading({ ...keys, endpoint: 'http://localhost:1' }))).toEqual({
      ok: true,
      warnings: [],
      value: expect.objectContaining({ endpoint: 'http://localhost:1', interval: 5000 }),
    })
    expect(parseSettings(reading({ 'access-key-id': 'x' }))).toMatchObject({ ok: false })
  })
})

describe('endpoint', () => {
  test.each(['ecs.example.com', 'http://127.0.0.1:1', 'https://ecs.{region}.example.com'])('%s', (endpoint) => {
    expect(good({ ...least.resolve, endpoint }).settings.endpoint).toBe(endpoint)
  })

  test.each(['ftp://x', 'https://x/path', 'http://a b', '{zone}.x', 'http://u:p@x'])('%s is none', (endpoint) => {
    expect(errors({ ...least.resolve, endpoint })).toEqual([expect.stringContaining('`endpoint`')])
  })
})

describe('numbers', () => {
  test.each([
    ['0.5', 30_000],
    ['1', 60_000],
    ['120', 7_200_000],
    ['.01', 600],
  ])('%s minutes', (text, limit) => {
    expect(good({ ...least.resolve, 'wait-timeout-minutes': text }).settings.limit).toBe(limit)
  })

  test.each(['0', '-1', 'NaN', 'Infinity', '5s', '1,5', 'five', '1e3', '0x10', '5.'])('%s is none', (text) => {
    for (const name of ['wait-timeout-minutes', 'poll-interval-seconds', 'max-age-days'] as const) {
      const found = errors({ ...least.resolve, [name]: text })
      expect(found).toEqual([expect.stringContaining(`\`${name}\` should be a number above 0, not '${text}'`)])
    }
  })

  test('days may be parts of one', () => {
    expect(resolveOf({ 'max-age-days': '0.25' }).maxAgeDays).toBe(0.25)
    expect(promoteOf({ 'max-age-days': '30' }).maxAgeDays).toBe(30)
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
    expect(errors({ ...least.rollback, 'dry-run': text })).toEqual([
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
    expect(errors({ ...base, [name]: value })).toEqual([expect.stringMatching(`^\`${name}\` should be an ID such as`)])
  })

  test('resolve takes public images, whose IDs are names', () => {
    const { family, ...byId } = least.resolve
    const id = 'ubuntu_24_04_x64_20G_alibase_20260810.vhd'
    expect(good({ ...byId, 'image-id': id }).request).toMatchObject({ of: { kind: 'image', image: id } })
  })
})

describe('family', () => {
  test.each(['bake', 'promote', 'rollback'] as const)('%s needs one', (mode) => {
    expect(errors({ ...least[mode], family: '' })).toEqual(['`family` is required.'])
  })

  test.each(['bake', 'promote', 'rollback'] as const)('%s takes none of another account', (mode) => {
    expect(errors({ ...least[mode], family: 'acs:123:web' })).toEqual([expect.stringContaining('`family`')])
  })

  test('resolve takes those of other accounts and public ones', () => {
    for (const family of ['acs:1234567890123456:web', 'acs:ubuntu_24_04_x64']) {
      expect(resolveOf({ family }).of).toEqual({ kind: 'family', family })
    }
  })

  test('a doubtful name is allowed with a warning', () => {
    expect(good({ ...least.rollback, family: 'web-1.2' }).warnings).toEqual([expect.stringContaining('web-1.2')])
    expect(good({ ...least.promote, 'quarantine-family': 'acsold' }).warnings).toHaveLength(1)
    expect(good(least.rollback).warnings).toEqual([])
  })

  test.each([
    ['quarantine-family', 'rollback'],
    ['quarantine-family', 'promote'],
    ['from-family', 'promote'],
  ] as const)('%s of %s must be another one', (name, mode) => {
    const { 'image-id': _, ...base } = least[mode]
    const needed = mode === 'promote' && name === 'quarantine-family' ? { 'image-id': 'm-1' } : {}
    expect(errors({ ...base, ...needed, [name]: 'web' })).toEqual([
      expect.stringMatching(`\`${name}\` must differ from \`family\``),
    ])
  })
})

describe('exactly one', () => {
  const { 'snapshot-id': _, ...sourceless } = least.bake
  const disks = '[{snapshot-id: s-1}]'

  test('source: none', () => {
    expect(errors(sourceless)).toEqual([
      'Exactly one of `instance-id`, `snapshot-id`, `disk-device-mappings` is required.',
    ])
  })

  test.each([
    [{ 'instance-id': 'i-1', 'snapshot-id': 's-1' }],
    [{ 'instance-id': 'i-1', 'disk-device-mappings': disks }],
    [{ 'snapshot-id': 's-1', 'disk-device-mappings': disks }],
    [{ 'instance-id': 'i-1', 'snapshot-id': 's-1', 'disk-device-mappings': disks }],
  ])('source: %j', (given) => {
    const [error, ...others] = errors({ ...sourceless, ...given })
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
    expect(errors({ ...least.resolve, family: '' })).toEqual(['Exactly one of `family`, `image-id` is required.'])
    expect(errors({ ...least.resolve, 'image-id': 'm-1' })).toEqual([expect.stringContaining('Only one of')])
  })

  test('promote: image, family, or both', () => {
    expect(errors({ ...least.promote, 'image-id': '' })).toEqual([expect.stringMatching(/`image-id` or `from-family`/)])
    expect(promoteOf({ 'image-id': '', 'from-family': 'candidate' })).toMatchObject({
      image: undefined,
      fromFamily: 'candidate',
    })
    expect(promoteOf({ 'from-family': 'candidate' })).toMatchObject({ image: 'm-1', fromFamily: 'candidate' })
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
    expect(errors({ ...least[mode], ...given })).toHaveLength(1)
  })

  test('stopping', () => {
    const from: Inputs = { 'snapshot-id': '', 'instance-id': 'i-1' }
    expect(bakeOf({ ...from }).stopInstance).toBe('no')
    expect(bakeOf({ ...from, 'stop-instance': 'true' }).stopInstance).toBe('orderly')
    expect(bakeOf({ ...from, 'stop-instance': 'true', 'force-stop': 'true' }).stopInstance).toBe('by-force')
  })
})

describe('what is passed to CreateImage', () => {
  test.each([
    ['architecture', 'arm64', 'riscv'],
    ['boot-mode', 'UEFI-Preferred', 'uefi'],
    ['detection-strategy', 'Standard', 'standard'],
    ['imds-support', 'v2', '2'],
  ] as const)('%s: %s, not %s', (name, allowed, other) => {
    expect(errors({ ...least.bake, [name]: allowed })).toEqual([])
    expect(errors({ ...least.bake, [name]: other })).toEqual([expect.stringContaining(`\`${name}\` should be one of`)])
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
    expect(errors({ ...least.bake, [name]: allowed })).toEqual([])
    expect(errors({ ...least.bake, [name]: other })).toHaveLength(1)
  })

  test('the generated description is one that ECS takes', () => {
    const repository = `octo/${'r'.repeat(300)}`
    const { description } = good(least.bake, { repository }).request as BakeRequest
    expect(description.length).toBeLessThanOrEqual(256)
    expect((good(least.bake, { repository: '' }).request as BakeRequest).description).toBe('Baked from snapshot s-1')
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
        expect(errors({ ...least[mode], tags: `${key}=x` })).toEqual([expect.stringContaining(`'${key}'`)])
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
      expect(errors({ ...given, tags: 'image-family:origin=x' })).toEqual([
        expect.stringMatching(/^`tags`: the key 'image-family:origin'/),
      ])
      expect(errors({ ...given, tags: 'image-family:protect=x' })).toEqual([])
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
    const local = good(least.promote, { repository: '' }).request as PromoteRequest
    expect(local.copyTags).toEqual({ 'image-family:run': local.run.key })
  })

  test('leave room for what the action needs, now and later: twenty in all', () => {
    expect(Object.keys(bakeOf({ tags: lines(13) }).tags)).toHaveLength(18)
    expect(errors({ ...least.bake, tags: lines(14) })).toEqual([expect.stringMatching(/14 tags.*room for 13/)])
    expect(
      Object.keys((good({ ...least.bake, tags: lines(16) }, { repository: '' }).request as BakeRequest).tags),
    ).toHaveLength(18)
  })

  test('that can fit on no image are refused when promoting, too', () => {
    expect(errors({ ...least.promote, tags: lines(18) })).toEqual([])
    expect(errors({ ...least.promote, tags: lines(19) })).toEqual([expect.stringMatching(/19 tags.*room for 18/)])
  })

  test('leave room on copies, too', () => {
    const copied: Inputs = { 'replica-region-ids': 'cn-shanghai' }
    for (const mode of ['bake', 'promote'] as const) {
      expect(errors({ ...least[mode], ...copied, tags: lines(13) })).toEqual([])
      expect(errors({ ...least[mode], ...copied, tags: lines(14) })).toEqual([
        expect.stringMatching(/14 tags.*room for 13/),
      ])
      const local = { repository: '' }
      expect(errors({ ...least[mode], ...copied, tags: lines(16) }, local)).toEqual([])
      expect(errors({ ...least[mode], ...copied, tags: lines(17) }, local)).toHaveLength(1)
    }
  })

  test('that are wrong are told under the name of their input', () => {
    expect(errors({ ...least.promote, 'require-tags': 'a' })).toEqual([expect.stringContaining('`require-tags`')])
    expect(errors({ ...least.promote, tags: 'a=https://x' })).toEqual([expect.stringContaining('`tags`')])
  })

  test('required of an image may be any, the action’s own too', () => {
    expect(resolveOf({ 'require-tags': 'github:run=1\ntested=true' }).requireTags).toEqual({
      'github:run': '1',
      tested: 'true',
    })
  })
})

describe('the identity of a run', () => {
  const keyOf = (inputs: Inputs, more: Partial<RunContext> = {}) => good(inputs, more).request.run.key
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
