/** Reads inputs by their rows in the schema. Everything that is wrong is collected, so that it can be told at once. */
import type { Mode } from '../family/model/request.ts'
import type { GivenInputs } from '../github/given-inputs.ts'
import { none, type Result } from './parsers.ts'
import { type InputName, type InputRow, inputNames, inputRows, type Values } from './schema.ts'

export interface Inputs<N extends InputName> {
  readonly values: Pick<Values, N>
  /** Neither empty nor at its default. A faulty input counts as its default, if that is a value, and is no error twice. */
  readonly isSet: (name: N) => boolean
  /** Given, but empty, and its default is `(none)`: probably not what was meant. */
  readonly isEmpty: (name: N) => boolean
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
}

/** @param mode undefined where only settings are read */
export function readInputs<N extends InputName>(
  given: GivenInputs,
  names: readonly N[],
  mode: Mode | undefined,
): Inputs<N> {
  const inputs = names.map((name) => readInput(name, textOf(name, given), mode))
  const set = new Set<InputName>(inputs.filter(({ isSet }) => isSet).map(({ name }) => name))
  const empty = new Set<InputName>(inputs.filter(({ isEmpty }) => isEmpty).map(({ name }) => name))
  return {
    values: Object.fromEntries(inputs.map(({ name, value }) => [name, value])) as Pick<Values, N>,
    isSet: (name) => set.has(name),
    isEmpty: (name) => empty.has(name),
    errors: inputs.flatMap(({ errors }) => errors),
    warnings: inputs.flatMap(({ warnings }) => warnings),
  }
}

/** Without blanks around it; the default where the input was not given. */
const textOf = (name: InputName, given: GivenInputs): string => given.get(name)?.trim() ?? inputRows[name].default ?? ''

interface ReadResult extends Result<unknown> {
  readonly name: InputName
  readonly isSet: boolean
  readonly isEmpty: boolean
}

function readInput(name: InputName, text: string, mode: Mode | undefined): ReadResult {
  const row = inputRows[name]
  const place = { name, mode }
  const standard = row.default === none ? undefined : row.default
  const isEmpty = text === '' && row.default === none
  const result = row.parse(text || (row.default ?? ''), place)
  if (result.errors.length > 0 && standard !== undefined) {
    return { ...result, name, value: row.parse(standard, place).value, isSet: false, isEmpty }
  }
  const isNothing = result.errors.length === 0 && isEmptyList(result.value)
  return { ...result, name, isSet: isWritten(text, row) && !isNothing, isEmpty }
}

/** The text is neither empty nor the default; `False` is the default `false`. */
function isWritten(text: string, { default: standard = '' }: InputRow): boolean {
  const isFlag = standard === 'true' || standard === 'false'
  return text !== '' && (isFlag ? text.toLowerCase() : text) !== standard
}

/** Of regions, accounts or tags: separators alone are no entries. */
const isEmptyList = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0

/**
 * An input that does nothing here would mislead whoever has set it.
 * @param mode undefined when it is not known: then any input may be the right one
 */
export function findUnused(given: GivenInputs, mode: Mode | undefined): readonly string[] {
  return inputNames
    .filter((name) => isWritten(textOf(name, given), inputRows[name]))
    .flatMap((name) => {
      const { modes, unsupported = false } = inputRows[name]
      if (unsupported) return [`\`${name}\` is not supported by this version yet: leave it out.`]
      if (mode === undefined || modes.includes(mode)) return []
      return [`\`${name}\` is not used by mode ${mode} (only by ${joinWords(modes)}).`]
    })
}

/** `a, b and c` */
export function joinWords(words: readonly string[], conjunction: 'and' | 'or' = 'and'): string {
  const last = words.at(-1) ?? ''
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} ${conjunction} ${last}`
}
