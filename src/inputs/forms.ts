/** The forms that IDs, names and texts have, by the documents of ECS. */
import { endpointError } from '../ecs/endpoint.ts'
import { checkFamilyName, checkImageName, checkReadableFamilyName } from '../family/model/name.ts'
import { regionForm } from './lists.ts'
import { type Checked, matching, named, validName } from './parsers.ts'

const imageExample = 'an ID such as m-bp146shijn7hujku9oo9'

export const ownImageId = matching(/^m-[A-Za-z0-9-]+$/, imageExample)
/** Public images have names for IDs. */
export const anyImageId = matching(/^[A-Za-z0-9][A-Za-z0-9_.-]+$/, imageExample)
export const instanceId = matching(/^i-[A-Za-z0-9-]+$/, 'an ID such as i-bp1g6zv0ce8oghu7k4e5')
export const snapshotId = matching(/^s-[A-Za-z0-9-]+$/, 'an ID such as s-bp67acfmxazb4p8vk3h5')
export const resourceGroupId = matching(/^rg-[A-Za-z0-9-]+$/, 'an ID such as rg-bp67acfmxazb4p')
export const regionId = matching(regionForm, 'a region ID such as cn-hangzhou')

/** A family that images are put into. */
export const ownFamily = validName('image family name', checkFamilyName)
/** Also a public family, or one of another account. */
export const anyFamily = validName('image family name', checkReadableFamilyName)
export const imageName = validName('image name', checkImageName)

export const imageVersion = matching(/^[\x20-\x7e]{1,40}$/, '1 to 40 ASCII characters')

export const description = named((value): Checked<string> => {
  const { length } = [...value]
  const errors = [
    ...(length < 2 || length > 256 ? [`must have 2 to 256 characters, not ${length}.`] : []),
    ...(/^https?:\/\//i.test(value) ? ['must not start with http:// or https://.'] : []),
  ]
  return { value, errors }
})

/** An error does not quote it: it may be a secret. */
export const credential = named((value): Checked<string> => {
  const error = 'it contains a character that keys never have (perhaps a space or a line break): paste it again.'
  return { value, errors: /^[\x21-\x7e]*$/.test(value) ? [] : [error] }
})

/** An error does not quote it: it may hold a password. */
export const endpointTemplate = named((value): Checked<string> => {
  const error = endpointError(value)
  return { value, errors: error === undefined ? [] : [error] }
})
