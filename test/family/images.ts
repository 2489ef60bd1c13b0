/** The things that there are in the planner tests: places, times, images, instances, and the record of a decision. */
import type { Image } from '../../src/family/model/image.ts'
import type { Instance } from '../../src/family/model/instance.ts'
import type { Run } from '../../src/family/model/run.ts'
import type { Tags } from '../../src/family/model/tags.ts'

export const region = 'cn-hangzhou'
/** Where the family is kept as well. */
export const [shanghai, beijing] = ['cn-shanghai', 'cn-beijing'] as const
export const minute = 60_000
/** ECS's time, unless a situation says otherwise. */
export const noon = Date.parse('2026-04-01T12:00:00Z')

/** @param march day of March 2026 on which it was created, at eight: the same day is the same second */
export const image = (id: string, march: number, given: Partial<Image> = {}): Image => ({
  id,
  region,
  name: `name-of-${id}`,
  family: 'web',
  version: '',
  description: '',
  status: 'Available',
  creationTime: new Date(Date.UTC(2026, 2, march, 8)).toISOString().replace('.000', ''),
  progress: 100,
  usable: undefined,
  ownerAlias: 'self',
  architecture: 'x86_64',
  osName: 'Alibaba Cloud Linux',
  isCopied: false,
  snapshots: [],
  tags: {},
  ...given,
})

/** Three of one family, each newer than the one before. */
export const [w, x, y] = [image('m-w', 1), image('m-x', 2), image('m-y', 3)] as const
export const deprecated = { status: 'Deprecated' } as const

/** A copy by CopyImage, with the tag that says of what; hand-made where nothing says by which run. */
export const copyOf = (
  original: Image,
  where: string,
  id: string,
  march: number,
  { tags = {}, ...given }: Partial<Image> = {},
): Image => {
  const origin = original.tags['image-family:origin'] ?? `${original.region}/${original.id}`
  const isCopied = { isCopied: true, tags: { ...tags, 'image-family:origin': origin } }
  return image(id, march, { family: original.family, ...given, region: where, ...isCopied })
}

export const instance = (id: string, given: Partial<Instance> = {}): Instance => ({
  id,
  status: 'Running',
  locks: [],
  tags: {},
  startedAt: noon - 60 * minute,
  ...given,
})

/** As many tags as that, none of them the action's. */
export const manyTags = (count: number): Tags =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`team-${index + 1}`, 'x']))

/** The value of `image-family:decision`, written out: `done rollback <key> <target> <previous> <time>`. */
export const decided = (
  run: Run,
  mode: 'promote' | 'rollback',
  { state = 'done', target = '-', previous = '-', at = noon - 60 * minute, replaces = '' } = {},
): Tags => {
  const time = new Date(at)
    .toISOString()
    .replaceAll(/\D|\.\d+/g, '')
    .slice(0, 14)
  const value = `${state} ${mode} ${run.key} ${target} ${previous} ${time}${replaces && ` ${replaces}`}`
  return { 'image-family:decision': value }
}
