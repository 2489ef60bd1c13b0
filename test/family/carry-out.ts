/** Steps carried out in the planner tests' double of ECS, under ECS's own rules. */
import type { Image } from '../../src/family/model/image.ts'
import type { Instance } from '../../src/family/model/instance.ts'
import type { Tags } from '../../src/family/model/tags.ts'
import type { Step } from '../../src/family/plan/steps.ts'
import type { FakeEcs } from './fake-ecs.ts'
import { image, minute } from './images.ts'

type Of<A extends Step['action']> = Extract<Step, { action: A }>

/** @throws where ECS would answer with an error */
export function carryOut(ecs: FakeEcs, step: Step): FakeEcs {
  switch (step.action) {
    case 'create':
      return create(ecs, step)
    case 'copy':
      return copy(ecs, step)
    case 'await':
      return awaitImage(ecs, step)
    case 'confirm':
      must(ecs.current(step.family, step.region)?.id === step.image, 'not confirmed', step)
      return ecs
    case 'share':
      return share(ecs, step)
    case 'unshare':
      return ecs.sharing(step.image, ...ecs.sharesOf(step.image).filter((id) => !step.accounts.includes(id)))
    case 'delete':
      return remove(ecs, step)
    case 'claim-snapshots':
      return ecs
    case 'delete-snapshots':
      return ecs.leaving()
    case 'tag':
      return tag(ecs, step)
    case 'untag':
      return untag(ecs, step)
    case 'join-family':
    case 'quarantine':
      return change(ecs, step, { family: step.family })
    case 'restore':
      must(ecs.of(step.image).status === 'Deprecated', 'ImageStatus.NotDeprecated', step)
      return change(ecs, step, { status: 'Available' })
    case 'deprecate':
      must(ecs.of(step.image).status === 'Available', 'ImageStatus.NotAvailable', step)
      must(ecs.sharesOf(step.image).length === 0, 'ImageUseShared', step)
      return change(ecs, step, { status: 'Deprecated' })
    case 'rename':
      must(!isTaken(ecs, step.region, step.name), 'InvalidImageName.Duplicated', step)
      return change(ecs, step, { name: step.name })
    case 'stop':
    case 'start':
      return turn(ecs, step)
  }
}

function must(so: boolean, code: string, step: Step): void {
  if (!so) throw new Error(`${code}: ${JSON.stringify(step)}`)
}

const isTaken = (ecs: FakeEcs, region: string, name: string): boolean =>
  ecs.in(region).some((each) => each.name === name)

const createdNow = (ecs: FakeEcs) =>
  ({ creationTime: new Date(ecs.state.now).toISOString().replace('.000', ''), status: 'Creating' }) as const

/** The code that ECS refuses to create the image with. */
export function refusalOfCreation(
  ecs: FakeEcs,
  { region, create: { name, source } }: Of<'create'>,
): string | undefined {
  if (source.kind === 'instance') {
    const found = ecs.state.instances.find(({ id }) => id === source.instance)
    if (!found) return 'InvalidInstanceId.NotFound'
    if (!['Running', 'Stopped'].includes(found.status)) return 'IncorrectInstanceStatus'
  }
  return isTaken(ecs, region, name) ? 'InvalidImageName.Duplicated' : undefined
}

function create(ecs: FakeEcs, step: Of<'create'>): FakeEcs {
  const { name, family = '', tags } = step.create
  const refusal = refusalOfCreation(ecs, step)
  must(refusal === undefined, refusal ?? '', step)
  const given = { ...createdNow(ecs), region: step.region, name, family, tags }
  return ecs.made(step.image, image(`m-made-by-${name}`, 1, given))
}

function copy(ecs: FakeEcs, step: Of<'copy'>): FakeEcs {
  const { name, from, tags } = step.copy
  const source = ecs.of(ecs.idOf(from.image))
  must(source.status === 'Available' && source.region === from.region, 'IncorrectImageStatus', step)
  must(!isTaken(ecs, step.region, name), 'InvalidImageName.Duplicated', step)
  const copied = Object.entries(tags).map(([key, value]) => [key, value.replace(from.image, source.id)])
  // CopyImage puts its image into no family.
  const given = { ...createdNow(ecs), region: step.region, name, family: '', isCopied: true }
  return ecs.made(
    step.image,
    image(copyId(ecs, source, step.region), 1, { ...given, tags: Object.fromEntries(copied) }),
  )
}

/** About as long as those of ECS: two of them have to fit into a tag. */
function copyId(ecs: FakeEcs, source: Image, region: string): string {
  const base = `${source.id}-in-${region.slice(3)}`
  const times = ecs.in(region).filter(({ id }) => id.startsWith(base)).length
  return times === 0 ? base : `${base}-${times + 1}`
}

function change(ecs: FakeEcs, step: Step & { readonly image: string }, given: Partial<Image>): FakeEcs {
  const id = ecs.idOf(step.image)
  must(!isUnfinished(ecs.of(id)), 'InvalidStatus.ImageIsCreating', step)
  return ecs.changing(id, given)
}

const isUnfinished = ({ status }: Image): boolean => status === 'Creating' || status === 'Waiting'

function awaitImage(ecs: FakeEcs, step: Of<'await'>): FakeEcs {
  const id = ecs.idOf(step.image)
  const seen = ecs.of(id)
  const waits = isUnfinished(seen)
  must(waits || seen.status === 'Available' || step.mayFail === true, 'the image never becomes available', step)
  must(step.family === undefined || seen.family === step.family, 'the image is never seen in the family', step)
  return waits || seen.usable === false ? ecs.changing(id, { status: 'Available', usable: undefined }) : ecs
}

function share(ecs: FakeEcs, step: Of<'share' | 'unshare'>): FakeEcs {
  const id = ecs.idOf(step.image)
  must(ecs.of(id).status === 'Available', 'OperationDenied.InvalidImageStatus', step)
  return ecs.sharing(id, ...new Set([...ecs.sharesOf(id), ...step.accounts]))
}

/** Without its shares, if that is asked for; never from under an instance. */
function remove(ecs: FakeEcs, step: Of<'delete'>): FakeEcs {
  must(
    ecs.sharesOf(step.image).every((account) => step.accounts.includes(account)),
    'ImageUseShared',
    step,
  )
  must(!ecs.state.used.includes(step.image), 'ImageUsingByInstance', step)
  return ecs.without(step.image)
}

function tag(ecs: FakeEcs, step: Of<'tag'>): FakeEcs {
  if (step.resource === 'instance') {
    return changeInstances(ecs, step.ids, ({ tags }) => ({ tags: { ...tags, ...step.tags } }))
  }
  for (const value of Object.values(step.tags)) {
    must([...value].length <= 128 && !/^acs:|https?:\/\//i.test(value), 'InvalidTagValue.Malformed', step)
  }
  return step.ids.reduce<FakeEcs>((tagged, ref) => {
    const id = ecs.idOf(ref)
    const tags = { ...tagged.of(id).tags, ...step.tags }
    must(Object.keys(tags).length <= 20, 'QuotaExceed.Tags', step)
    return tagged.changing(id, { tags })
  }, ecs)
}

const without = (tags: Tags, keys: readonly string[]): Tags =>
  Object.fromEntries(Object.entries(tags).filter(([key]) => !keys.includes(key)))

function untag(ecs: FakeEcs, { resource, ids, keys }: Of<'untag'>): FakeEcs {
  if (resource === 'instance') return changeInstances(ecs, ids, ({ tags }) => ({ tags: without(tags, keys) }))
  const untagged = ecs.state.images.filter(({ id }) => ids.includes(id))
  return ecs.with(...untagged.map((each) => ({ ...each, tags: without(each.tags, keys) })))
}

const changeInstances = (
  ecs: FakeEcs,
  ids: readonly string[],
  change: (instance: Instance) => Partial<Instance>,
): FakeEcs =>
  ecs.running(...ecs.state.instances.map((each) => (ids.includes(each.id) ? { ...each, ...change(each) } : each)))

/** ECS tells the minute of a start. */
function turn(ecs: FakeEcs, { action, instance }: Of<'stop' | 'start'>): FakeEcs {
  const startedAt = Math.floor(ecs.state.now / minute) * minute
  return changeInstances(ecs, [instance], () =>
    action === 'start' ? { status: 'Running', startedAt } : { status: 'Stopped' },
  )
}
