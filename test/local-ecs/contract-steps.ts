/** What the contract suite starts from, and what it tells both models of ECS, with what they answer. */
import type { Image } from '../../src/family/model/image.ts'
import type { CreateSpec, Step } from '../../src/family/plan/steps.ts'
import { copyOf, image, manyTags, region, shanghai } from '../family/images.ts'
import { bake, promote } from '../family/requests.ts'

/** Another account, which is there already; the local ECS counts them up. */
export const friend = '1234567890123457'

export const run = { 'image-family:run': '17230001-0123456789' }
export const old = image('m-old', 1, { tags: run })
export const own: readonly Image[] = [
  old,
  image('m-current', 2),
  image('m-deprecated', 3, { status: 'Deprecated' }),
  image('m-failed', 4, { status: 'CreateFailed' }),
  image('m-pending', 5, { status: 'Creating' }),
  image('m-spare', 1, { status: 'Deprecated' }),
  image('m-shared', 1, { family: 'api' }),
  image('m-used', 2, { family: 'api' }),
  image('m-loose', 6, { family: '', tags: manyTags(19) }),
  copyOf(old, shanghai, 'm-copy', 7),
]

const golden = { kind: 'instance', instance: 'i-golden' } as const

const create = (name: string, workflowRun: string, from: Partial<Pick<CreateSpec, 'source'>> = {}): Step => {
  const { source, tags, run: by, ...request } = bake({ workflowRun, ...from })
  const spec: CreateSpec = { ...request, family: 'web', source, tags, run: by, name, generation: 0 }
  return { action: 'create', region, image: '<new image>', create: spec }
}

const copy = (from: string, name: string, workflowRun: string): Step => {
  const { run: by } = promote({ workflowRun })
  const tags = { 'image-family:origin': `${region}/${from}` }
  const target = { name, description: undefined, resourceGroupId: undefined, kmsKeyId: undefined, generation: 0 }
  const spec = { ...target, from: { region, image: from }, tags, run: by }
  return { action: 'copy', region: shanghai, image: '<copy in cn-shanghai>', copy: spec }
}

const at = (id: string) => ({ region, image: id })
const share = (id: string): Step => ({ action: 'share', ...at(id), accounts: [friend] })
const unshare = (id: string): Step => ({ action: 'unshare', ...at(id), accounts: [friend] })
const tag = (id: string, tags: Record<string, string>): Step => ({
  action: 'tag',
  region,
  resource: id.startsWith('i-') ? 'instance' : 'image',
  ids: [id],
  tags,
})
const untag = (id: string, key: string): Step => ({
  action: 'untag',
  region,
  resource: id.startsWith('i-') ? 'instance' : 'image',
  ids: [id],
  keys: [key],
})
const remove = (id: string): Step => {
  const nothing = { family: 'web', accounts: [], snapshots: [], decision: undefined, run: run['image-family:run'] }
  return { action: 'delete', ...at(id), ...nothing }
}
const switched = (action: 'stop' | 'start'): Step => ({ action, region, instance: 'i-golden' })

/** Images that ECS is asked about by its own DryRun: it would create the first of them. */
export const creations = (): Step[] => [
  create('asked', '9', { source: golden }),
  create('asked', '9', { source: { kind: 'instance', instance: 'i-none' } }),
  create('name-of-m-old', '9'),
]

/** What is told, and the code that it is refused with. */
export const told: Readonly<Record<string, readonly [steps: () => readonly Step[], code?: string]>> = {
  'an image is created': [() => [create('new', '1')]],
  'its name is taken': [() => [create('name-of-m-old', '2')], 'InvalidImageName.Duplicated'],
  'an image is created from an instance': [() => [create('new', '7', { source: golden })]],
  'an image is created from an instance that does not exist': [
    () => [create('new', '8', { source: { kind: 'instance', instance: 'i-none' } })],
    'InvalidInstanceId.NotFound',
  ],
  'its name is taken in another region': [() => [create('name-of-m-copy', '3')]],
  'an image is copied': [() => [copy('m-old', 'copy', '4')]],
  'a deprecated image is copied': [() => [copy('m-deprecated', 'copy', '5')], 'IncorrectImageStatus'],
  'a copy has a name that is taken': [() => [copy('m-old', 'name-of-m-copy', '6')], 'InvalidImageName.Duplicated'],
  'an image joins a family': [() => [{ action: 'join-family', ...at('m-loose'), family: 'web' }]],
  'an image goes into quarantine': [() => [{ action: 'quarantine', ...at('m-current'), family: 'web-bad' }]],
  'an image that is being created joins a family': [
    () => [{ action: 'join-family', ...at('m-pending'), family: 'api' }],
    'InvalidStatus.ImageIsCreating',
  ],
  'an image is deprecated': [() => [{ action: 'deprecate', ...at('m-current') }]],
  'a deprecated image is deprecated': [
    () => [{ action: 'deprecate', ...at('m-deprecated') }],
    'ImageStatus.NotAvailable',
  ],
  'a shared image is deprecated': [() => [{ action: 'deprecate', ...at('m-shared') }], 'ImageUseShared'],
  'a shared image is deprecated when it is shared no more': [
    () => [unshare('m-shared'), { action: 'deprecate', ...at('m-shared') }],
  ],
  'an image is restored': [() => [{ action: 'restore', ...at('m-deprecated') }]],
  'an available image is restored': [() => [{ action: 'restore', ...at('m-current') }], 'ImageStatus.NotDeprecated'],
  'an image is shared': [() => [share('m-current')]],
  'an image is shared again': [() => [share('m-shared')]],
  'a deprecated image is shared': [() => [share('m-deprecated')], 'OperationDenied.InvalidImageStatus'],
  'an image that is being created is shared': [() => [share('m-pending')], 'OperationDenied.InvalidImageStatus'],
  'an image is renamed': [() => [{ action: 'rename', ...at('m-failed'), name: 'new' }]],
  'an image is renamed to a name that is taken': [
    () => [{ action: 'rename', ...at('m-failed'), name: 'name-of-m-old' }],
    'InvalidImageName.Duplicated',
  ],
  'an image is tagged, and its tag taken off': [() => [tag('m-current', { a: '1', b: '2' }), untag('m-current', 'a')]],
  'an image gets its twenty-first tag': [() => [tag('m-loose', { a: '1', b: '2' })], 'QuotaExceed.Tags'],
  'a tag holds an address': [() => [tag('m-current', { a: 'see https://x' })], 'InvalidTagValue.Malformed'],
  'a tag is too long': [() => [tag('m-current', { a: 'x'.repeat(129) })], 'InvalidTagValue.Malformed'],
  'an image is deleted': [() => [remove('m-spare')]],
  'a shared image is deleted': [() => [remove('m-shared')], 'ImageUseShared'],
  'an image in use is deleted': [() => [remove('m-used')], 'ImageUsingByInstance'],
  'an instance is stopped and started, with a tag on it': [
    () => [tag('i-golden', { a: '1' }), switched('stop'), switched('start'), untag('i-golden', 'a')],
  ],
}
