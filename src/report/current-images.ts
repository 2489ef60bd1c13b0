/** The image that each region resolves to at the end of a run, as far as it is known. */

import { currentIn, knowsCurrent, originIn } from '../engine/observations.ts'
import { type Outcome, regionsIn } from '../engine/outcome.ts'
import { type Image, label } from '../family/model/image.ts'
import { familyOf, regionsOf } from '../family/model/request.ts'

/** By region. A region that resolves to nothing, or was not looked at, is missing. */
export type CurrentImages = Readonly<Record<string, Image>>

/** Texts about one of several regions need its name. */
export const hasReplicas = ({ request }: Outcome): boolean => request.replicas.length > 0

export function currentImages(outcome: Outcome): CurrentImages {
  const { request, observations, images } = outcome
  const named = images[request.region]
  const family = familyOf(request) ?? (named ? observations.images[named]?.family : undefined)
  return Object.fromEntries(
    regionsOf(request).flatMap((region) => {
      const planned = regionsIn(outcome).find((each) => each.region === region)?.resolvedImage
      const image = planned ?? (family === undefined ? undefined : currentIn(observations, { region, family }))
      return image ? [[region, image]] : []
    }),
  )
}

/** Whether all regions resolve to the same image. */
export function isInSync({ request, observations }: Outcome, current: CurrentImages): boolean {
  const origins = regionsOf(request).map((region) => {
    const image = current[region]
    return image && (image.ownerAlias === 'self' ? originIn(observations, image.id) : image.id)
  })
  return origins.every((origin) => origin !== undefined && origin === origins[0])
}

export const isSameImage = ({ observations }: Outcome, image: Image, other: Image | undefined): boolean =>
  other !== undefined && originIn(observations, image.id) === originIn(observations, other.id)

export const describeCurrent = (image: Image | undefined): string => `serves ${image ? label(image) : 'nothing'}`

/** What the region serves, or that this was not looked at after the change. */
export function describeRegion({ request, observations }: Outcome, region: string): string {
  const family = familyOf(request)
  if (family === undefined || !knowsCurrent(observations, { region, family })) {
    return 'was changed and has not been looked at since'
  }
  return describeCurrent(currentIn(observations, { region, family }))
}
