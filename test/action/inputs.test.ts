import { describe, expect } from 'vitest'
import { errorOf, localEcs, seedFamily, writesTo } from '../scene.ts'
import type { Inputs } from './runner.ts'
import { everythingOf, runMain, test } from './scene.ts'

/** One message, no request, exit code 1. */
async function refused(inputs: Inputs, env = {}): Promise<string> {
  const ecs = await localEcs()
  const step = await runMain(ecs, inputs, { env })
  expect(step.exitCode).toBe(1)
  expect(step.errors).toHaveLength(1)
  expect(ecs.requests).toEqual([])
  expect(errorOf(step)).toMatch(/^Invalid inputs:\n/)
  expect(errorOf(step)).toContain('No request was made')
  expect(step.summary).toContain('### ❌ Invalid inputs')
  expect(step.summary).toContain('No request was made.')
  return errorOf(step)
}

const instance = 'i-bp117mtgmllecpwl0000'
const bake = { mode: 'bake', family: 'web', 'instance-id': instance }
const promote = { mode: 'promote', family: 'web', 'image-id': 'm-bp146shijn7hujku9oo9' }
const rollback = { mode: 'rollback', family: 'web' }
const resolve = { mode: 'resolve', family: 'web' }

describe('errors are told all at once, before the first request', () => {
  test('every one of a dozen', async () => {
    const error = await refused({
      mode: 'bake',
      family: 'http://web',
      'region-id': 'CN Hangzhou',
      'instance-id': 'bp117',
      'image-name': '1st',
      'image-version': '版本',
      description: 'x',
      'boot-mode': 'Legacy',
      'imds-support': 'v3',
      tags: 'aliyun=1',
      'stop-instance': 'yes',
      'wait-timeout-minutes': '-1',
      'poll-interval-seconds': 'often',
      endpoint: 'ftp://ecs.example.com',
      'to-image-id': 'm-1',
      keep: '1',
      'share-with': 'everybody',
      'replica-region-ids': 'cn-shanghai,cn-shanghai',
      'copy-kms-key-ids': 'cn-beijing=key',
    })
    const named = ['family', 'region-id', 'instance-id', 'image-name', 'image-version', 'description', 'boot-mode']
    const others = [
      'imds-support',
      'tags',
      'stop-instance',
      'wait-timeout-minutes',
      'poll-interval-seconds',
      'endpoint',
    ]
    const lists = ['share-with', 'replica-region-ids', 'copy-kms-key-ids']
    for (const name of [...named, ...others, ...lists, 'to-image-id', 'keep']) expect(error).toContain(`\`${name}\``)
  })

  const cases: readonly (readonly [what: string, inputs: Inputs, message: RegExp])[] = [
    ['no mode', { family: 'web' }, /`mode` is required: bake, promote, rollback, resolve/],
    ['an unknown mode', { mode: 'delete', family: 'web' }, /`mode` should be one of bake, promote, rollback, resolve/],
    ['no family', { ...bake, family: '' }, /`family` is required/],
    [
      'no source',
      { mode: 'bake', family: 'web' },
      /Exactly one of `instance-id`, `snapshot-id`, `disk-device-mappings`/,
    ],
    ['two sources', { ...bake, 'snapshot-id': 's-1a' }, /Only one of .*, not `instance-id` and `snapshot-id`/],
    ['nothing to promote', { mode: 'promote', family: 'web' }, /`image-id` or `from-family` is required/],
    ['nothing to resolve', { mode: 'resolve' }, /Exactly one of `family`, `image-id`/],
    ['two things to resolve', { ...resolve, 'image-id': 'm-1a' }, /Only one of `family`, `image-id`/],
    ['force-stop alone', { ...bake, 'force-stop': 'true' }, /`stop-instance: true`/],
    [
      'nothing to stop',
      { mode: 'bake', family: 'web', 'snapshot-id': 's-1a', 'stop-instance': 'true' },
      /`instance-id`/,
    ],
    ['a stop without wait', { ...bake, 'stop-instance': 'true', wait: 'false' }, /`wait: false`/],
    ['a copy without wait', { ...bake, 'replica-region-ids': 'cn-shanghai', wait: 'false' }, /`wait: false`/],
    ['a share without wait', { ...bake, 'share-with': '1234567890123456', wait: 'false' }, /`wait: false`/],
    ['keep without wait', { ...bake, keep: '5', wait: 'false' }, /`wait: false`/],
    ['keep of one', { ...bake, keep: '1' }, /`keep` should be a whole number of at least 2/],
    ['unshare without keep', { ...bake, unshare: 'true' }, /`unshare` needs `keep` in mode bake/],
    [
      'the home region among the replicas',
      { ...rollback, 'replica-region-ids': 'cn-shanghai,cn-hangzhou' },
      /cn-hangzhou is already the home region: leave it out/,
    ],
    [
      'a replica region twice',
      { ...resolve, 'replica-region-ids': 'cn-shanghai\ncn-shanghai' },
      /cn-shanghai is listed twice/,
    ],
    [
      'a replica region that would change the host',
      { ...resolve, 'replica-region-ids': 'evil.com/?x=cn-shanghai' },
      /`replica-region-ids`/,
    ],
    [
      'an image in replica regions',
      { mode: 'resolve', 'image-id': 'm-1a', 'replica-region-ids': 'cn-shanghai' },
      /`image-id` cannot be used with `replica-region-ids`/,
    ],
    [
      'a key of no replica region',
      { ...promote, 'replica-region-ids': 'cn-shanghai', 'copy-kms-key-ids': 'cn-beijing=key' },
      /cn-beijing is not in `replica-region-ids`/,
    ],
    [
      'keys on one line',
      { ...bake, 'replica-region-ids': 'cn-shanghai,cn-beijing', 'copy-kms-key-ids': 'cn-shanghai=a,cn-beijing=b' },
      /`copy-kms-key-ids`: expected one `region=key` per line/,
    ],
    [
      'a resource group of no copies',
      { ...promote, 'resource-group-id': 'rg-1a' },
      /`resource-group-id` needs `replica-region-ids` in mode promote/,
    ],
    ['an account that is none', { ...rollback, 'share-with': '1234567890123456,web' }, /not 'web'/],
    [
      'fifty-one accounts',
      { ...bake, 'share-with': Array.from({ length: 51 }, (_, index) => 10_000 + index).join() },
      /51 accounts/,
    ],
    [
      'an origin where copies are made',
      { ...bake, 'replica-region-ids': 'cn-shanghai', tags: 'image-family:origin=cn-hangzhou/m-1a' },
      /'image-family:origin' is set by this action/,
    ],
    [
      'from-family as family',
      { mode: 'promote', family: 'web', 'from-family': 'web' },
      /`from-family` must differ from `family`/,
    ],
    [
      'quarantine as family',
      { ...rollback, 'quarantine-family': 'web' },
      /`quarantine-family` must differ from `family`/,
    ],
    [
      'allow-empty with a target',
      { ...rollback, 'allow-empty': 'true', 'to-image-id': 'm-1a' },
      /cannot be used with `to-image-id`/,
    ],
    [
      'deprecate-newer with from-family',
      { mode: 'promote', family: 'web', 'from-family': 'next', 'deprecate-newer': 'true' },
      /cannot be used with `from-family`/,
    ],
    [
      'a key without its secret',
      { ...resolve, 'access-key-secret': '' },
      /Incomplete credentials: `access-key-secret` is empty/,
    ],
    [
      'a secret without its key',
      { ...resolve, 'access-key-id': '' },
      /Incomplete credentials: `access-key-id` is empty/,
    ],
    [
      'a token alone',
      { ...resolve, 'access-key-id': '', 'access-key-secret': '', 'security-token': 'CAIS' },
      /Incomplete credentials: `access-key-id` and `access-key-secret` are empty/,
    ],
    ['no region', { ...resolve, 'region-id': '' }, /`region-id` is required.*ALIBABA_CLOUD_REGION_ID/],
    ['a region that would change the host', { ...resolve, 'region-id': 'evil.com/?x=cn-hangzhou' }, /`region-id`/],
    ['a password in the endpoint', { ...resolve, endpoint: 'http://me:pass@localhost' }, /`endpoint`/],
    ['a limit of no time', { ...resolve, 'wait-timeout-minutes': '0' }, /number above 0/],
    ['an age of no days', { ...resolve, 'max-age-days': 'a week' }, /`max-age-days`/],
    ['an image ID that is none', { ...promote, 'image-id': 'web-1' }, /`image-id` should be an ID such as m-/],
    ['a tag twice', { ...bake, tags: 'a=1\na=2' }, /`tags`: the key 'a' is given twice/],
    ['a tag of the action', { ...bake, tags: 'image-family:run=1' }, /is reserved for this action/],
    ['a tag of GitHub', { ...promote, tags: 'github:sha=1' }, /is reserved for this action/],
    ['a tag that is a list', { ...bake, tags: 'a: [1, 2]' }, /the value of 'a' should be text/],
    ['tags that are a list', { ...bake, tags: '- a\n- b' }, /`tags`: expected/],
    ['a tag value too long', { ...bake, tags: `a=${'x'.repeat(129)}` }, /129 characters/],
    ['fourteen tags', { ...bake, tags: Array.from({ length: 14 }, (_, i) => `k${i}=v`).join('\n') }, /14 tags/],
    ['disks that are no list', { mode: 'bake', family: 'web', 'disk-device-mappings': 'a: b' }, /list of disks/],
    [
      'disks with an unknown field',
      { mode: 'bake', family: 'web', 'disk-device-mappings': '[{"SnapshotId":"s-1a"}]' },
      /unknown field 'SnapshotId'/,
    ],
    [
      'eighteen disks',
      {
        mode: 'bake',
        family: 'web',
        'disk-device-mappings': JSON.stringify(Array(18).fill({ 'snapshot-id': 's-1a' })),
      },
      /18 disks/,
    ],
    [
      'disks that are a bomb of aliases',
      {
        mode: 'bake',
        family: 'web',
        'disk-device-mappings': `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefgh']
          .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefg'[index]}`).join(',')}]`)
          .join('\n')}`,
      },
      /`disk-device-mappings`/,
    ],
  ]
  test.each(cases)('%s', async (_, inputs, message) => {
    expect(await refused(inputs)).toMatch(message)
  })
})

describe('an input of no use here', () => {
  const foreign: readonly (readonly [Inputs, string, string])[] = [
    [resolve, 'instance-id', instance],
    [resolve, 'reason', 'why not'],
    [resolve, 'stop-instance', 'true'],
    [rollback, 'image-id', 'm-1a'],
    [rollback, 'tags', 'a=1'],
    [promote, 'allow-empty', 'true'],
    [promote, 'wait', 'false'],
    [bake, 'quarantine-family', 'bad'],
    [resolve, 'share-with', '1234567890123456'],
    [resolve, 'unshare', 'true'],
    [rollback, 'keep', '5'],
    [rollback, 'copy-kms-key-ids', 'cn-shanghai=key'],
    [bake, 'if-missing', 'ignore'],
  ]
  test.each(foreign)('%o refuses %s and names the modes that use it', async (inputs, name, value) => {
    const error = await refused({ ...inputs, [name]: value })
    expect(error).toMatch(new RegExp(`\`${name}\` is not used by mode ${inputs.mode} \\(only by \\w+`))
  })

  test('is none when it has its default', async () => {
    const ecs = await localEcs()
    seedFamily(ecs, ['web-1'])
    const defaults = { 'stop-instance': 'false', wait: 'true', unshare: 'false', 'if-missing': 'error' }
    expect((await runMain(ecs, { ...resolve, ...defaults })).exitCode).toBe(0)
  })

  test('is none when it has its default in other letters', async () => {
    const ecs = await localEcs()
    seedFamily(ecs, ['web-1'])
    expect((await runMain(ecs, { ...resolve, 'stop-instance': 'False' })).exitCode).toBe(0)
  })

  const later = {
    'account-id': '1234567890123456',
    'role-to-assume': 'acs:ram::1234567890123456:role/x',
    'oidc-provider-arn': 'acs:ram::1234567890123456:oidc-provider/x',
    'role-session-name': 'other',
    'role-session-expiration': '900',
    audience: 'other',
    'sts-endpoint': 'sts.example.com',
  }
  test('but of a later version is named as such, each of them', async () => {
    const error = await refused({ ...bake, ...later })
    for (const name of Object.keys(later)) expect(error).toContain(`\`${name}\` is not supported by this version yet`)
  })
})

describe('hostile values stay data', () => {
  const hostile = [
    '::set-output name=image-id::m-evil',
    '::add-mask::web',
    '::stop-commands::x',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of GitHub, as data
    '$(touch /tmp/owned) `id` ${{ github.token }} ; rm -rf / "\'',
    '<img src=x onerror=alert(1)> [link](https://evil.example) | cell | **bold**',
  ]

  test('in description, tags and version of an image: ECS gets them as they are', async () => {
    const ecs = await localEcs()
    const { id } = ecs.seed.instance({ status: 'Stopped' })
    const description = hostile.join('\n')
    const tags = JSON.stringify({ one: hostile[0], three: hostile[3], '"\'$(id)': '\n::error::no' })
    const step = await runMain(ecs, { ...bake, 'instance-id': id, description, tags, 'image-version': '$(id) "\'`' })
    expect(step).toMatchObject({ exitCode: 0, errors: [], warnings: [], notices: [] })
    const image = ecs.image(step.outputs['image-id'] ?? '')
    expect(image).toMatchObject({ description, version: '$(id) "\'`' })
    expect(Object.entries(image?.tags ?? {})).toEqual(
      expect.arrayContaining([
        ['one', hostile[0]],
        ['three', hostile[3]],
        ['"\'$(id)', '\n::error::no'],
      ]),
    )
    expect(step.outputs['image-version']).toBe('$(id) "\'`')
    expect(JSON.parse(step.outputs.image ?? '')).toMatchObject({ description })
    expect(step.outputs['image-id']).not.toBe('m-evil')
    expect(step.masks).toEqual([ecs.account.accessKeySecret])
  })

  test('in a reason: the tag keeps it, and neither log nor summary obeys it', async () => {
    const ecs = await localEcs()
    const [older, current] = seedFamily(ecs, ['web-1', 'web-2'])
    const reason = `line one\n${hostile[0]}\n${hostile[1]}\n${hostile[4]}`
    const step = await runMain(ecs, { ...rollback, reason })
    expect(step.exitCode).toBe(0)
    expect(step.outputs['image-id']).toBe(older.id)
    expect(step.masks).toEqual([ecs.account.accessKeySecret])
    expect(step.stdout).not.toMatch(/^::(set-output|stop-commands)/m)
    expect(step.summary).not.toContain('<img src=x')
    expect(ecs.image(current.id)?.tags['image-family:reason']).toMatch(/^line one ::set-output name=image-id::m-evil/)
  })

  test('in a family name: none of them is a name', async () => {
    for (const family of [...hostile, 'web\n::error::x', 'web"; id', "web'--"]) {
      expect(await refused({ ...resolve, family })).toContain('`family`')
    }
  })

  test('in inputs that are wrong: the message quotes them on one line of commands', async () => {
    const ecs = await localEcs()
    const value = 'x\n::add-mask::web\n::set-output name=a::b'
    const step = await runMain(ecs, { ...bake, 'boot-mode': value, 'stop-instance': value, platform: value })
    expect(step.exitCode).toBe(1)
    expect(step.masks).toEqual([ecs.account.accessKeySecret])
    expect(step.stdout).not.toMatch(/^::set-output/m)
    expect(step.errors).toHaveLength(1)
    expect(step.summary).toContain('`boot-mode`')
    expect(step.summary).not.toMatch(/^::/m)
  })

  test('in the matrix and in the idempotency key: they only tell runs apart', async () => {
    const ecs = await localEcs()
    const { id } = ecs.seed.instance({ status: 'Stopped' })
    const more = { matrix: '{"os": "$(id)\\n::error::x"}', 'idempotency-key': hostile.join('\n') }
    const step = await runMain(ecs, { ...bake, 'instance-id': id, ...more })
    expect(step).toMatchObject({ exitCode: 0, errors: [] })
    expect(everythingOf(step)).not.toContain('$(id)')
  })

  test('in a name that ECS answers: outputs have it whole, the summary as text', async () => {
    const ecs = await localEcs()
    const name = `web|${hostile[4]}`
    const [image] = seedFamily(ecs, ['web-1'], { each: { 'web-1': { name, version: '`code` <b>' } } })
    seedFamily(ecs, ['older'], { each: { older: { createdAt: '2026-01-01' } } })
    const step = await runMain(ecs, { mode: 'rollback', family: 'web' })
    expect(step.exitCode).toBe(0)
    expect(ecs.image(image.id)?.status).toBe('Deprecated')
    expect(step.summary).not.toMatch(/(?<!\\)<(img|b)/)
    expect(step.summary).not.toMatch(/(?<!\\)\*\*bold/)
    expect(step.summary).not.toMatch(/(?<!\\)\[link/)
    const resolved = await runMain(ecs, { mode: 'resolve', 'image-id': image.id })
    expect(resolved.outputs['image-name']).toBe(name)
  })

  test('in a name with line breaks: the log does not obey it', async () => {
    const ecs = await localEcs()
    seedFamily(ecs, ['web-1'], { each: { 'web-1': { name: 'web\n::add-mask::cn-hangzhou\n::error::owned' } } })
    const step = await runMain(ecs, resolve)
    expect(step.masks).toEqual([ecs.account.accessKeySecret])
    expect(step.errors).toEqual([])
  })

  test('in the key of a tag: the log does not obey it', async () => {
    const ecs = await localEcs()
    const image = ecs.seed.image()
    const tags = JSON.stringify({ 'x\n::add-mask::cn-hangzhou\n::error::owned': 'y' })
    const step = await runMain(ecs, { ...promote, 'image-id': image.id, tags })
    expect(step.masks).toEqual([ecs.account.accessKeySecret])
    expect(step.errors).toEqual([])
  })

  test('in the key of a tag that is to be dropped: the summary does not render it', async () => {
    const ecs = await localEcs()
    const tags = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`<img src=x onerror=${index}>`, 'x']))
    const image = ecs.seed.image({ tags })
    const step = await runMain(ecs, { ...promote, 'image-id': image.id })
    expect(step.exitCode).toBe(1)
    expect(step.summary).not.toMatch(/(?<!\\)<img/)
  })

  test('in a tag of somebody else’s decision: it is no decision', async () => {
    const ecs = await localEcs()
    const decision = 'done rollback ::error::x <b> - 99999999T999999Z'
    const [older] = seedFamily(ecs, ['web-1', 'web-2'], {
      each: { 'web-1': { tags: { 'image-family:decision': decision } } },
    })
    const step = await runMain(ecs, rollback)
    expect(step).toMatchObject({ exitCode: 0, errors: [] })
    expect(step.outputs['image-id']).toBe(older.id)
  })
})

describe('secrets', () => {
  test('are masked before anything else is printed, and the first line names the kind of credentials', async () => {
    const ecs = await localEcs()
    seedFamily(ecs, ['web-1'])
    const { accessKeyId, accessKeySecret, securityToken } = ecs.session(ecs.account)
    const keys = { 'access-key-id': accessKeyId, 'access-key-secret': accessKeySecret, 'security-token': securityToken }
    const step = await runMain(ecs, { ...resolve, ...keys })
    expect(step.exitCode).toBe(0)
    expect(step.stdout.split('\n').slice(0, 2)).toEqual([
      `::add-mask::${accessKeySecret}`,
      `::add-mask::${securityToken}`,
    ])
    expect(step.log.split('\n')[0]).toMatch(/^Credentials: temporary keys/)
  })

  test('are masked first also where a name is doubtful', async () => {
    const ecs = await localEcs()
    seedFamily(ecs, ['web-1'], { family: 'web.example' })
    const step = await runMain(ecs, { ...resolve, family: 'web.example' })
    expect(step.exitCode).toBe(0)
    expect(step.log.split('\n')[0]).toMatch(/^Credentials: /)
  })

  test('are masked also where the inputs are invalid', async () => {
    const ecs = await localEcs()
    const step = await runMain(ecs, { ...bake, 'instance-id': ecs.account.accessKeySecret })
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toContain('`instance-id`')
    expect(step.masks).toContain(ecs.account.accessKeySecret)
  })

  test('that are missing everywhere are asked for, and nothing else stands in', async () => {
    const ecs = await localEcs()
    const step = await runMain(ecs, { ...resolve, 'access-key-id': '', 'access-key-secret': '' })
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toMatch(
      /There are no credentials in the inputs, and the default chain .* found none that work\.\n.*`access-key-id`/,
    )
    expect(ecs.requests).toEqual([])
  })
})

test('numbers beyond what a timer takes are refused, or do no harm', async () => {
  const ecs = await localEcs()
  seedFamily(ecs, ['web-1'])
  const step = await runMain(ecs, { ...resolve, 'poll-interval-seconds': '1e9', 'wait-timeout-minutes': '1e9' })
  expect(step.stderr).toBe('')
  if (step.exitCode === 0) expect(ecs.requests).toHaveLength(1)
  else expect(errorOf(step)).toMatch(/`poll-interval-seconds`[\s\S]*No request was made/)
})

test('a step that was refused writes nothing, not even tags', async () => {
  const ecs = await localEcs()
  await runMain(ecs, { ...rollback, 'to-image-id': 'nonsense' })
  expect(writesTo(ecs)).toEqual([])
})
