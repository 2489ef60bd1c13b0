/**
 * From the text of one input to its value. A parser is a pure function, and parsers are built of one another; what is
 * wrong comes back as sentences that name the input, never as an exception.
 */
import type { NameCheck } from '../family/model/name.ts'
import type { Mode } from '../family/model/request.ts'

/** Which input is read, and for which mode: undefined where only settings are read. */
interface Place {
  readonly name: string
  readonly mode: Mode | undefined
}

export interface Result<T> {
  /** With errors it only stands in, so that the rules between inputs can be checked as well. */
  readonly value: T
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
}

/** @param text without blanks around it; the input's default where nothing was given */
export type Parser<T> = (text: string, place: Place) => Result<T>

/** A value, and what is wrong with it as clauses that follow the name of an input and a colon. */
export interface Checked<T> {
  readonly value: T
  readonly errors: readonly string[]
}

const accept = <T>(value: T): Result<T> => ({ value, errors: [], warnings: [] })
const reject = <T>(value: T, error: string): Result<T> => ({ value, errors: [error], warnings: [] })
const mismatch = (text: string, name: string, what: string): string => `\`${name}\` should be ${what}, not '${text}'.`

/** Undefined when empty. */
export const anyText: Parser<string | undefined> = (text) => accept(text || undefined)

export const flag: Parser<boolean> = (text, { name }) => {
  const value = text.toLowerCase() === 'true'
  return /^(true|false)$/i.test(text) ? accept(value) : reject(value, mismatch(text, name, 'true or false'))
}

/** Above 0; fractions are allowed. */
export const amount: Parser<number> = (text, { name }) => {
  const value = /^\d*\.?\d+$/.test(text) ? Number(text) : 0
  return value > 0 ? accept(value) : reject(value, mismatch(text, name, 'a number above 0'))
}

/** @param why the least one is what it is */
export const wholeNumber =
  ({ least, why }: { least: number; why: string }): Parser<number> =>
  (text, { name }) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    return value >= least
      ? accept(value)
      : reject(value, mismatch(text, name, `a whole number of at least ${least} (${why})`))
  }

export const choice =
  <const T extends string>(...allowed: readonly [T, ...T[]]): Parser<T> =>
  (text, { name }) => {
    const found = allowed.find((value) => value === text)
    return found === undefined
      ? reject(allowed[0], mismatch(text, name, `one of ${allowed.join(', ')}`))
      : accept(found)
  }

/** @param what the form in words, after 'should be' */
export const matching =
  (form: RegExp, what: string): Parser<string> =>
  (text, { name }) =>
    form.test(text) ? accept(text) : reject(text, mismatch(text, name, what))

/** A name that ECS may refuse is allowed with a warning. @param what the kind of name */
export const validName =
  (what: string, judge: (name: string) => NameCheck): Parser<string> =>
  (text, { name }) => {
    const judgement = judge(text)
    switch (judgement.kind) {
      case 'good':
        return accept(text)
      case 'bad':
        return reject(text, `\`${name}\`: '${text}' is not a valid ${what}: ${judgement.reason}.`)
      case 'doubtful':
        return { ...accept(text), warnings: [`\`${name}\`: ECS may refuse '${text}': ${judgement.reason}.`] }
    }
  }

/** Puts the name of the input before what is wrong with its text. */
export const named =
  <T>(check: (text: string) => Checked<T>): Parser<T> =>
  (text, { name }) => {
    const { value, errors } = check(text)
    return { value, errors: errors.map((error) => `\`${name}\`: ${error}`), warnings: [] }
  }

/** Undefined when empty, and only otherwise parsed. */
export const optional =
  <T>(parse: Parser<T>): Parser<T | undefined> =>
  (text, place) =>
    text === '' ? accept(undefined) : parse(text, place)

/** Empty when empty, and only otherwise parsed. */
export const emptyOr =
  (parse: Parser<string>): Parser<string> =>
  (text, place) =>
    text === '' ? accept('') : parse(text, place)

/** The default of an input that must not come out empty by mistake. Callers that pass inputs on may write it, too. */
export const none = '(none)'

/** Undefined for `(none)`, and only otherwise parsed. */
export const unlessNone =
  <T>(parse: Parser<T>): Parser<T | undefined> =>
  (text, place) =>
    text === none ? accept(undefined) : parse(text, place)

/** @param hint what follows 'is required' */
export const required =
  <T>(parse: Parser<T>, hint = ''): Parser<T> =>
  (text, place) =>
    text === '' ? reject(parse(text, place).value, `\`${place.name}\` is required${hint}.`) : parse(text, place)

/** For an input that `resolve`, which only reads, takes in more forms than the modes that write. */
export const byMode =
  <T>({ resolve, others }: { resolve: Parser<T>; others: Parser<T> }): Parser<T> =>
  (text, place) =>
    place.mode === 'resolve' ? resolve(text, place) : others(text, place)
