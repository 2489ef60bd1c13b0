import { type Image, type ImageAttributes, type ImageStatus, liveImages } from './image.ts'
import type { Instance, InstanceStatus } from './instance.ts'
import type { Snapshot } from './snapshot.ts'
import type { World } from './world.ts'

/** What somebody may do to a resource by hand, whatever the rules of the API say about it. */
export interface Change {
  status?: ImageStatus | InstanceStatus | undefined
  name?: string | undefined
  family?: string | undefined
  description?: string | undefined
  tags?: Record<string, string> | undefined
  /** UIDs. */
  sharedWith?: readonly string[] | undefined
  isPublic?: boolean | undefined
  locks?: readonly string[] | undefined
  deletionProtection?: boolean | undefined
}

type Found =
  | { readonly kind: 'image'; readonly thing: Image }
  | { readonly kind: 'instance'; readonly thing: Instance }
  | { readonly kind: 'snapshot'; readonly thing: Snapshot }

export function find(world: World, id: string): Found | undefined {
  for (const region of world.regions.values()) {
    const image = liveImages(region).find((candidate) => candidate.id === id)
    if (image) return { kind: 'image', thing: image }
    const instance = region.instances.get(id)
    if (instance) return { kind: 'instance', thing: instance }
    const snapshot = region.snapshots.get(id)
    if (snapshot) return { kind: 'snapshot', thing: snapshot }
  }
  return undefined
}

function mustFind(world: World, id: string): Found {
  const found = find(world, id)
  if (!found) throw new Error(`The local ECS has nothing with the ID ${id}.`)
  return found
}

/** Seen at once everywhere: what was there before is forgotten, so that no read can be stale about it. */
function changeImage(image: Image, change: Change, now: number): void {
  const { name, family, description, isPublic, status, sharedWith } = change
  const shares = sharedWith && { sharedWith: Object.fromEntries(sharedWith.map((uid) => [uid, now])) }
  const fields = Object.entries({ name, family, description, isPublic, status, ...shares })
  const changed = Object.fromEntries(fields.filter(([, value]) => value !== undefined)) as Partial<ImageAttributes>
  image.earlier = []
  image.attributes = { ...image.attributes, ...changed }
  if (status === 'Available') image.readyAt = Math.min(image.readyAt, now)
  if (status === 'Creating' || status === 'Waiting') image.readyAt = Number.POSITIVE_INFINITY
}

function changeInstance(instance: Instance, change: Change, now: number): void {
  if (change.status === 'Running') instance.startTime = now
  if (change.status) instance.moves = [{ at: now, to: change.status as InstanceStatus }]
  if (change.locks) instance.locks = [...change.locks]
  if (change.deletionProtection !== undefined) instance.deletionProtection = change.deletionProtection
}

export function change(world: World, id: string, wanted: Change): void {
  const { kind, thing } = mustFind(world, id)
  const now = world.clock.now()
  if (wanted.tags) {
    thing.tags = { ...wanted.tags }
    thing.earlierTags = []
  }
  if (kind === 'image') changeImage(thing, wanted, now)
  if (kind === 'instance') changeInstance(thing, wanted, now)
}

export function remove(world: World, id: string): void {
  const { kind, thing } = mustFind(world, id)
  const region = world.region(thing.region)
  if (kind === 'image') region.images.delete(id)
  if (kind === 'instance') region.instances.delete(id)
  if (kind === 'snapshot') region.snapshots.delete(id)
}
