/**
 * Inputs that do not exist. One whose name is almost that of an input is misspelt, and a fault: without it the step
 * would do something else than was meant, such as a rollback for `dry_run: true`.
 */
import type { GivenInputs } from '../github/given-inputs.ts'
import { joinWords } from './reader.ts'
import { type InputName, inputNames } from './schema.ts'

interface UnknownInputs {
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
}

export function findUnknown(given: GivenInputs): UnknownInputs {
  const unknown = [...given.keys()].filter((name) => !inputNames.some((known) => known === name))
  const found = unknown.map((name) => ({ name, meant: findMeant(name) }))
  return {
    errors: found
      .filter(({ meant }) => meant.length > 0)
      .map(
        ({ name, meant }) =>
          `${isNoInput(name)}: use ${joinWords(
            meant.map((input) => `\`${input}\``),
            'or',
          )}.`,
      ),
    warnings: found
      .filter(({ meant }) => meant.length === 0)
      .map(({ name }) => `${isNoInput(name)}, and has no effect.`),
  }
}

/** It may come from `with`, or from a variable that somebody has set. */
const isNoInput = (name: string): string =>
  `\`${name}\` (variable INPUT_${name.toUpperCase()}) is not an input of this action`

type IsLike = (name: string, known: string) => boolean

/** Ways to miss a name, the likeliest first. */
const likenesses: readonly IsLike[] = [
  (name, known) => withoutSeparators(name) === withoutSeparators(known),
  (name, known) => known.startsWith(`${name}-`),
  (name, known) => isWithinEdits(2, name, known),
]

/** The inputs that are probably meant; none for a name that is like no other. */
function findMeant(name: string): readonly InputName[] {
  const hyphenated = name.replaceAll('_', '-')
  for (const isLike of likenesses) {
    const meant = inputNames.filter((known) => isLike(hyphenated, known))
    if (meant.length > 0) return meant
  }
  return []
}

const withoutSeparators = (name: string): string => name.replaceAll('-', '')

/** Whether at most so many insertions, deletions and replacements of letters turn one text into the other. */
function isWithinEdits(edits: number, one: string, other: string): boolean {
  if (one === other) return true
  if (edits === 0) return false
  const same = commonStart(one, other)
  const [first, second] = [one.slice(same), other.slice(same)]
  const [shorterFirst, shorterSecond] = [first.slice(1), second.slice(1)]
  return (
    isWithinEdits(edits - 1, shorterFirst, second) ||
    isWithinEdits(edits - 1, first, shorterSecond) ||
    isWithinEdits(edits - 1, shorterFirst, shorterSecond)
  )
}

/** The number of letters that both texts start with. */
function commonStart(one: string, other: string): number {
  const length = [...one].findIndex((letter, index) => letter !== other[index])
  return length < 0 ? one.length : length
}
