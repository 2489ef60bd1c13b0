/** Inputs that are refused before the first request, each with the message that a user gets. */
import { describe, expect, test } from 'vitest'
import { errorsOf, type Inputs } from './parsed.ts'

const connection: Inputs = { 'region-id': 'cn-hangzhou', 'access-key-id': 'key', 'access-key-secret': 'secret' }

/** Everything that is wrong, one line each; empty: nothing is. */
function refusalOf(inputs: Inputs): string {
  return errorsOf({ ...connection, ...inputs }).join('\n')
}

const bake = { mode: 'bake', family: 'web', 'instance-id': 'i-bp117mtgmllecpwl0000' }
const promote = { mode: 'promote', family: 'web', 'image-id': 'm-bp146shijn7hujku9oo9' }
const rollback = { mode: 'rollback', family: 'web' }
const resolve = { mode: 'resolve', family: 'web' }

const cases: readonly (readonly [what: string, inputs: Inputs, message: RegExp])[] = [
  ['no mode', { family: 'web' }, /`mode` is required: bake, promote, rollback, resolve/],
  ['an unknown mode', { mode: 'delete', family: 'web' }, /`mode` should be one of bake, promote, rollback, resolve/],
  ['no family', { ...bake, family: '' }, /`family` is required/],
  ['no source', { mode: 'bake', family: 'web' }, /Exactly one of `instance-id`, `snapshot-id`, `disk-device-mappings`/],
  ['two sources', { ...bake, 'snapshot-id': 's-1a' }, /Only one of .*, not `instance-id` and `snapshot-id`/],
  ['nothing to promote', { mode: 'promote', family: 'web' }, /`image-id` or `from-family` is required/],
  [
    'an image that came out empty',
    { ...promote, 'image-id': '', 'from-family': 'candidate' },
    /`image-id` is given but empty/,
  ],
  ['nothing to resolve', { mode: 'resolve' }, /Exactly one of `family`, `image-id`/],
  ['two things to resolve', { ...resolve, 'image-id': 'm-1a' }, /Only one of `family`, `image-id`/],
  ['force-stop alone', { ...bake, 'force-stop': 'true' }, /`stop-instance: true`/],
  ['nothing to stop', { mode: 'bake', family: 'web', 'snapshot-id': 's-1a', 'stop-instance': 'true' }, /`instance-id`/],
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
  ['a secret without its key', { ...resolve, 'access-key-id': '' }, /Incomplete credentials: `access-key-id` is empty/],
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

describe('it is refused', () => {
  test.each(cases)('%s', (_, inputs, message) => {
    expect(refusalOf(inputs)).toMatch(message)
  })

  test.each([bake, promote, rollback, resolve])('but not for nothing: %o', (inputs) => {
    expect(refusalOf(inputs)).toBe('')
  })

  test('but not for a default in other letters, where the mode does not use the input', () => {
    expect(refusalOf({ ...resolve, 'stop-instance': 'False' })).toBe('')
  })
})

describe('a value that could be code stays a value, and is no family name', () => {
  const hostile = [
    '::set-output name=image-id::m-evil',
    '::add-mask::web',
    '::stop-commands::x',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of GitHub, as data
    '$(touch /tmp/owned) `id` ${{ github.token }} ; rm -rf / "\'',
    '<img src=x onerror=alert(1)> [link](https://evil.example) | cell | **bold**',
    'web\n::error::x',
    'web"; id',
    "web'--",
  ]
  test.each(hostile)('%j', (family) => {
    expect(refusalOf({ ...resolve, family })).toContain('`family`')
  })
})
