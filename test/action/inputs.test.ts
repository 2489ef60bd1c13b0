/** What only a process shows of its inputs: commands of the runner, masks, and that nothing was asked of ECS. */
import { describe, expect } from 'vitest'
import { actionsOf, endOf, errorOf, localEcs, seedFamily } from '../scene.ts'
import type { Inputs } from './runner.ts'
import { everythingOf, runMain, test } from './scene.ts'

/** One message, no request, exit code 1. */
async function refused(inputs: Inputs, env = {}): Promise<string> {
  const ecs = await localEcs()
  const step = await runMain(ecs, inputs, { env })
  expect(step.exitCode).toBe(1)
  expect(step.errors).toHaveLength(1)
  expect(ecs.requests).toEqual([])
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
})

describe('what would do more than was meant is refused', () => {
  test.each<[what: string, inputs: Inputs, meant: string]>([
    ['dry_run, which would be a real rollback', { ...rollback, dry_run: 'true' }, 'dry-run'],
    ['to-image, which would be another image', { ...rollback, 'to-image': 'm-1' }, 'to-image-id'],
    [
      'replica-regions-ids, which would be one region of three',
      { ...rollback, 'replica-regions-ids': 'cn-shanghai,cn-beijing' },
      'replica-region-ids',
    ],
    [
      'an image-id that came out empty, which would be what nobody has tested',
      { mode: 'promote', family: 'web', 'from-family': 'candidate', 'image-id': '' },
      'image-id',
    ],
  ])('%s', async (_, inputs, meant) => {
    const ecs = await localEcs()
    seedFamily(ecs, ['web-1', 'web-2', 'web-3'])
    seedFamily(ecs, ['web-4'], { family: 'candidate' })
    const before = endOf(ecs)
    const step = await runMain(ecs, inputs)
    expect([step.exitCode, actionsOf(ecs)]).toEqual([1, []])
    expect(endOf(ecs)).toBe(before)
    expect(step.errors).toEqual([expect.stringContaining(`\`${meant}\``)])
    expect(step.summary).toContain('### ❌ Invalid inputs')
  })

  test('but an input that is like none is a warning', async () => {
    const ecs = await localEcs()
    seedFamily(ecs, ['web-1'])
    const step = await runMain(ecs, { ...resolve, colour: 'blue' })
    expect(step).toMatchObject({ exitCode: 0, errors: [], outputs: { 'image-id': ecs.current('web') } })
    expect(step.warnings).toEqual([expect.stringContaining('`colour`')])
  })

  test('and (none) for image-id takes what from-family serves', async () => {
    const ecs = await localEcs()
    seedFamily(ecs, ['web-1', 'web-2'])
    const [candidate] = seedFamily(ecs, ['web-3'], {
      family: 'candidate',
      each: { 'web-3': { createdAt: Date.parse('2026-03-09T00:00:00Z') } },
    })
    const inputs = { mode: 'promote', family: 'web', 'from-family': 'candidate', 'image-id': '(none)' }
    const step = await runMain(ecs, inputs)
    expect(step).toMatchObject({ exitCode: 0, errors: [], outputs: { 'image-id': candidate.id, changed: 'true' } })
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

  test('are masked also where the inputs are not right', async () => {
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
    expect(step.summary).toContain('### ❌ No usable credentials')
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
