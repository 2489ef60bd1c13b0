import type { Answer, Call } from './call.ts'
import { EcsError } from './errors.ts'
import { liveImages } from './image.ts'
import { tokenPage } from './next-token.ts'
import { flag, list, records } from './parameters.ts'
import { givenTags, type Tagged, type Tags, tagFilter, tagsAt, writeTags } from './tags.ts'

interface Resource extends Tagged {
  readonly id: string
  readonly owner: string
}

/** Types that ECS can tag; of those not kept here every ID is one that does not exist. */
const OTHER_TYPES = ['disk', 'volume', 'keypair', 'securitygroup', 'eni', 'ddh', 'launchtemplate', 'snapshotpolicy']

function resourcesOf(call: Call): Resource[] {
  const type = call.parameters.ResourceType ?? ''
  const { region } = call
  const kinds: Record<string, () => Resource[]> = {
    image: () => liveImages(region),
    snapshot: () => [...region.snapshots.values()],
    instance: () => [...region.instances.values()],
  }
  const kind = kinds[type]
  if (!kind && !OTHER_TYPES.includes(type)) {
    throw new EcsError(404, 'InvalidResourceType.NotFound', 'The ResourceType provided does not exist in our records.')
  }
  return kind?.().filter((resource) => resource.owner === call.account.uid) ?? []
}

function namedResources(call: Call): Resource[] {
  const ids = list(call.parameters, 'ResourceId')
  if (ids.length > 50) throw new EcsError(400, 'NumberExceed.ResourceIds', 'The number of ResourceIds exceeds 50.')
  const all = resourcesOf(call)
  return [...new Set(ids)].map((id) => {
    const resource = all.find((candidate) => candidate.id === id)
    if (!resource) throw new EcsError(404, 'InvalidResourceId.NotFound', 'The specified ResourceIds are not found.')
    return resource
  })
}

/** The same key is overwritten; keys that differ only in case conflict. */
function merged(call: Call, resource: Resource, given: Tags): Tags {
  const tags = { ...resource.tags, ...given }
  const keys = Object.keys(tags)
  if (new Set(keys.map((key) => key.toLowerCase())).size < keys.length) {
    throw new EcsError(403, 'TagKey.Duplication', 'The tag key already exists in another spelling.')
  }
  if (keys.length > call.world.quotas.tagsPerResource) {
    throw new EcsError(403, 'QuotaExceed.Tags', 'The number of tags on the resource exceeds the limit.')
  }
  return tags
}

export function tagResources(call: Call): Answer {
  const pairs = records(call.parameters, 'Tag')
  if (pairs.length > 20) throw new EcsError(400, 'NumberExceed.Tags', 'The number of Tags exceeds 20.')
  if (pairs.some((pair) => pair.Value === undefined)) {
    throw new EcsError(404, 'MissingParameter.TagValue', 'The parameter Tag.N.Value is missing.')
  }
  const given = givenTags(call.parameters)
  // All or none: every resource is checked before the first is written.
  const writes = namedResources(call).map((resource) => ({ resource, tags: merged(call, resource, given) }))
  for (const { resource, tags } of writes) writeTags(resource, tags, call.now)
  return {}
}

export function untagResources(call: Call): Answer {
  const keys = list(call.parameters, 'TagKey')
  const all = flag(call.parameters, 'All')
  if (keys.length === 0 && !all) {
    throw new EcsError(404, 'MissingParameter.TagKey', 'The parameter TagKey is missing.')
  }
  if (keys.length > 20) throw new EcsError(400, 'NumberExceed.Tags', 'The number of Tags exceeds 20.')
  for (const resource of namedResources(call)) {
    const left = Object.entries(resource.tags).filter(([key]) => keys.length > 0 && !keys.includes(key))
    writeTags(resource, Object.fromEntries(left), call.now)
  }
  return {}
}

/** `TagFilter.N`: a fuzzy search, here the beginning of key and of one of the values. */
function fuzzyFilter(call: Call): (tags: Tags) => boolean {
  const filters = records(call.parameters, 'TagFilter').map((filter) => ({
    key: filter.TagKey ?? '',
    values: list(filter, 'TagValues'),
  }))
  return (tags) =>
    filters.every(({ key, values }) =>
      Object.entries(tags).some(
        ([name, value]) =>
          name.startsWith(key) && (values.length === 0 || values.some((wanted) => value.startsWith(wanted))),
      ),
    )
}

/** One row for each tag. Ids that do not exist have no rows, and are no error in a listing. */
export function listTagResources(call: Call): Answer {
  const { parameters, world, now } = call
  const ids = list(parameters, 'ResourceId')
  const hasTags = records(parameters, 'Tag').length > 0
  const hasFilters = records(parameters, 'TagFilter').length > 0
  if (ids.length > 50) throw new EcsError(400, 'NumberExceed.ResourceIds', 'The number of ResourceIds exceeds 50.')
  if (ids.length === 0 && !hasTags && !hasFilters) {
    throw new EcsError(403, 'BothEmpty.TagsAndResources', 'Tags and ResourceIds are both empty.')
  }
  if (hasTags && hasFilters) {
    throw new EcsError(400, 'InvalidParameter', 'Tag.N and TagFilter.N cannot be used together.')
  }
  const matches = hasFilters ? fuzzyFilter(call) : tagFilter(parameters)
  const rows = resourcesOf(call).flatMap((resource) => {
    const tags = tagsAt(resource, now - world.switches.staleTagSeconds * 1000)
    if ((ids.length > 0 && !ids.includes(resource.id)) || !matches(tags)) return []
    const named = { ResourceId: resource.id, ResourceType: parameters.ResourceType }
    return Object.entries(tags).map(([TagKey, TagValue]) => ({ ...named, TagKey, TagValue }))
  })
  const page = tokenPage({ rows, size: world.quotas.tagRowsPerPage, token: parameters.NextToken })
  return { TagResources: { TagResource: page.rows }, NextToken: page.NextToken }
}
