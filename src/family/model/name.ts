/**
 * The rules for names of families and images. ECS's documents contradict each other; where they do, the stricter
 * reading is refused and the doubtful one allowed with a warning (CreateImage, ModifyImageAttribute and the
 * image family overview, 2019 to 2026).
 */

export type Judgement =
  | { readonly kind: 'good' }
  | { readonly kind: 'doubtful'; readonly reason: string }
  | { readonly kind: 'bad'; readonly reason: string }

const good: Judgement = { kind: 'good' }
const bad = (reason: string): Judgement => ({ kind: 'bad', reason })
const doubtful = (reason: string): Judgement => ({ kind: 'doubtful', reason })

/** Letters as ECS means them: Latin and Chinese ones. */
const letter = /^[A-Za-z\p{Script=Han}]$/u
const allowed = /^[A-Za-z0-9\p{Script=Han}.:_-]$/u

const codePoint = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`

/** The part that families and image names share: length, first character, alphabet, prefixes. */
function judgeCommon(name: string): Judgement {
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

/** A family that an image is put into. */
export function judgeFamily(name: string): Judgement {
  const common = judgeCommon(name)
  if (common.kind !== 'good') return common
  if (/^acs/i.test(name)) return doubtful(`it starts with 'acs', which one of ECS's documents forbids`)
  if (name.includes('.')) return doubtful(`it contains a dot, which only some of ECS's documents allow`)
  return good
}

/** A family that is only read: also `acs:<UID>:<name>` of another account, and public ones such as `acs:ubuntu_24_04_x64`. */
export function judgeReadableFamily(name: string): Judgement {
  if (!name.startsWith('acs:')) return judgeFamily(name)
  const characters = [...name]
  if (characters.length <= 'acs:'.length || characters.length > 160) {
    return bad(`it must be acs:<account ID>:<family>, or a public family such as acs:ubuntu_24_04_x64`)
  }
  const stray = characters.find((character) => !allowed.test(character))
  return stray === undefined ? good : bad(`it contains '${stray}' (${codePoint(stray)})`)
}

export const judgeImageName = judgeCommon

/** Names with this prefix belong to the system or to another account; what ECS says of them is asked twice (`resolve`). */
export const isForeignFamily = (name: string): boolean => name.startsWith('acs:')
