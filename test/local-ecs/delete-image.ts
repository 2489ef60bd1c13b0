import { type Answer, type Call, endDryRun } from './call.ts'
import { isBeingCopied } from './copies.ts'
import { EcsError, imageNotFound } from './errors.ts'
import { type Image, inUse, isUnfinished, liveImages } from './image.ts'
import { flag } from './parameters.ts'

function checkRules(call: Call, image: Image): void {
  const { world, now, parameters } = call
  const copying = (image.copyOf && isUnfinished(image, now)) || isBeingCopied(world, image)
  if (copying) {
    throw new EcsError(403, 'OperationDenied.ImageCopying', 'The specified image is copying.')
  }
  if (isUnfinished(image, now) && world.switches.deleteCreating === 'refused') {
    throw new EcsError(403, 'InvalidStatus.ImageIsCreating', 'The specified image is being created.')
  }
  if (image.attributes.isPublic) {
    throw new EcsError(403, 'ImageIsPublic', 'The specified image is public, unpublish it first.')
  }
  if (Object.keys(image.attributes.sharedWith).length > 0) {
    throw new EcsError(403, 'ImageUseShared', 'The specified image has been shared to other users.')
  }
  if (inUse(image, world) && !flag(parameters, 'Force')) {
    throw new EcsError(403, 'ImageUsingByInstance', 'The specified image has been used to create instances.')
  }
}

/** The snapshots stay behind, whether ECS made them for the image or the user named them. */
export function deleteImage(call: Call): Answer {
  const image = liveImages(call.region).find((candidate) => candidate.id === call.parameters.ImageId)
  if (image?.owner !== call.account.uid) {
    if (call.world.switches.deleteMissing === '404') throw imageNotFound()
    endDryRun(call)
    return {}
  }
  checkRules(call, image)
  endDryRun(call)
  image.deletedAt = call.now
  return {}
}
