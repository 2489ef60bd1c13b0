/**
 * The rules for names of families and images. ECS's documents contradict each other (CreateImage, ModifyImageAttribute
 * and the image family overview, 2019 to 2026). A name that all of them forbid is refused. A name that only some of them
 * forbid is allowed with a warning.
 */

export type NameCheck =
  | { readonly kind: 'good' }
  | { readonly kind: 'doubtful'; readonly reason: string }
  | { readonly kind: 'bad'; readonly reason: string }

const good: NameCheck = { kind: 'good' }
const bad = (reason: string): NameCheck => ({ kind: 'bad', reason })
const doubtful = (reason: string): NameCheck => ({ kind: 'doubtful', reason })

/** Letters in ECS's sense: Latin and Chinese ones. */
const letter = /^[A-Za-z\p{Script=Han}]$/u
const allowed = /^[A-Za-z0-9\p{Script=Han}.:_-]$/u

const codePoint = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`

/** Checks what holds for families and image names alike: length, first character, alphabet, prefixes. */
function checkCommon(name: string): NameCheck {
  const characters = [...name]
  if (characters.length < 2 || characters.length > 128) {
    return bad(`it must have 2 to 128 characters, not ${characters.length}`)
  }
  if (!letter.test(characters[0] ?? '')) return bad('it must start with a letter')
  if (/https?:\/\//i.test(name)) return bad(`it must not contain 'http://' or 'https://'`)
  const stray = characters.find((character) => !allowed.test(character))
  if (stray !== undefined) {
    return bad(
      `it contains '${stray}' (${codePoint(stray)}); only letters (Latin or Chinese), digits and the characters . : _ - are allowed`,
    )
  }
  if (/^acs:/i.test(name))
    return bad(`it must not start with 'acs:', which ECS reserves for public images and those of other accounts`)
  if (/^aliyun/i.test(name)) return bad(`it must not start with 'aliyun', which ECS reserves for itself`)
  return good
}

/** Checks a family that an image is put into. */
export function checkFamilyName(name: string): NameCheck {
  const common = checkCommon(name)
  if (common.kind !== 'good') return common
  if (/^acs/i.test(name)) return doubtful(`it starts with 'acs', which one of ECS's documents forbids`)
  if (name.includes('.')) return doubtful(`it contains a dot, which only some of ECS's documents allow`)
  return good
}

/** Checks a family that is only read: also `acs:<UID>:<name>` of another account, or a public `acs:ubuntu_24_04_x64`. */
export function checkReadableFamilyName(name: string): NameCheck {
  if (!name.startsWith('acs:')) return checkFamilyName(name)
  const characters = [...name]
  if (characters.length <= 'acs:'.length || characters.length > 160) {
    return bad(`it must be acs:<account ID>:<family>, or a public family such as acs:ubuntu_24_04_x64`)
  }
  const stray = characters.find((character) => !allowed.test(character))
  return stray === undefined ? good : bad(`it contains '${stray}' (${codePoint(stray)})`)
}

export const checkImageName = checkCommon

/** Names with this prefix belong to the system or to another account. */
export const isForeignFamily = (name: string): boolean => name.startsWith('acs:')
