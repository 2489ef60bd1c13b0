import { EcsError } from './errors.ts'
import { records } from './parameters.ts'

export type Tags = Record<string, string>

/** A thing with tags, and what reads that lag behind still show of it. */
export interface Tagged {
  tags: Tags
  /** Tags as they were before each write. */
  earlierTags: { readonly until: number; readonly tags: Tags }[]
}

export function writeTags(thing: Tagged, tags: Tags, now: number): void {
  thing.earlierTags.push({ until: now, tags: thing.tags })
  thing.tags = tags
}

export function tagsAt(thing: Tagged, time: number): Tags {
  return thing.earlierTags.find((earlier) => earlier.until > time)?.tags ?? thing.tags
}

export function tagList(tags: Tags): { Tag: { TagKey: string; TagValue: string }[] } {
  return { Tag: Object.entries(tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue })) }
}

const ADDRESS = /https?:\/\//i

function checkTag(key: string, value: string): void {
  if (key === '' || key.length > 128 || /^(aliyun|acs:)/i.test(key) || ADDRESS.test(key)) {
    throw new EcsError(400, 'InvalidTagKey.Malformed', 'The specified Tag.n.Key is not valid.')
  }
  if (value.length > 128 || /^acs:/i.test(value) || ADDRESS.test(value)) {
    throw new EcsError(400, 'InvalidTagValue.Malformed', 'The specified Tag.n.Value is not valid.')
  }
}

/** `Tag.N.Key` and `.Value` of a request, each checked; the lower-case names are deprecated aliases. */
export function givenTags(parameters: Readonly<Record<string, string>>): Tags {
  const tags: Tags = {}
  for (const record of records(parameters, 'Tag')) {
    const key = record.Key ?? record.key ?? ''
    const value = record.Value ?? record.value ?? ''
    checkTag(key, value)
    if (Object.hasOwn(tags, key)) throw new EcsError(400, 'Duplicate.TagKey', 'The Tag.N.Key contain duplicate key.')
    tags[key] = value
  }
  return tags
}

const isEqual = (value: string, wanted: string): boolean => value === wanted

/** `Tag.N` as a filter: a pair without value matches every value of its key, and all pairs must match. */
export function tagFilter(
  parameters: Readonly<Record<string, string>>,
  matches: (value: string, wanted: string) => boolean = isEqual,
): (tags: Tags) => boolean {
  const wanted = records(parameters, 'Tag').map((tag) => ({ key: tag.Key ?? tag.key, value: tag.Value ?? tag.value }))
  if (wanted.length > 20)
    throw new EcsError(400, 'InvalidTagCount', 'The specified tags are beyond the permitted range.')
  if (wanted.some((tag) => !tag.key)) {
    throw new EcsError(400, 'InvalidTag.Mismatch', 'The specified Tag.n.Key and Tag.n.Value do not match.')
  }
  return (tags) =>
    wanted.every(
      ({ key = '', value }) => Object.hasOwn(tags, key) && (value === undefined || matches(tags[key] ?? '', value)),
    )
}
