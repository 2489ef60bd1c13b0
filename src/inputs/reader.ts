/** One input at a time, as text, number or choice; what is wrong with it is collected until all have been read. */

import type { Judgement } from '../family/model/name.ts'
import type { Tags } from '../family/model/tags.ts'
import { type InputName, inputTable } from './schema.ts'
import { parseTags } from './tags.ts'

export type ReadInput = (name: InputName) => string

/** Reads inputs and collects what is wrong with them; what it returns for a faulty one is never used. */
export class Reader {
  readonly faults: string[] = []
  readonly doubts: string[] = []
  readonly #read: ReadInput

  constructor(read: ReadInput) {
    this.#read = read
  }

  /** Set: neither empty nor its default. */
  isSet(name: InputName): boolean {
    const [text, standard] = [this.text(name), inputTable[name].default]
    const isFlag = standard === 'true' || standard === 'false'
    return text !== '' && (isFlag ? text.toLowerCase() : text) !== standard
  }

  fault(text: string): void {
    this.faults.push(text)
  }

  /** What a parser has found wrong with an input, under the name of that input. */
  blame(name: InputName, faults: readonly string[]): void {
    for (const fault of faults) this.fault(`\`${name}\`: ${fault}`)
  }

  text(name: InputName): string {
    return this.#read(name).trim()
  }

  optional(name: InputName): string | undefined {
    return this.text(name) || undefined
  }

  required(name: InputName, hint = ''): string {
    const text = this.text(name)
    if (text === '') this.fault(`\`${name}\` is required${hint}.`)
    return text
  }

  /** A faulty one counts as its default: what it excludes is no second fault. */
  flag(name: InputName): boolean {
    const standard = inputTable[name].default
    const text = this.text(name) || standard
    const isFlag = /^(true|false)$/i.test(text)
    if (!isFlag) this.fault(`\`${name}\` should be true or false, not '${text}'.`)
    return (isFlag ? text.toLowerCase() : standard) === 'true'
  }

  /** A positive number; fractions are allowed. */
  amount(name: InputName): number {
    const text = this.text(name) || inputTable[name].default
    const amount = /^\d*\.?\d+$/.test(text) ? Number(text) : 0
    if (amount <= 0) {
      this.fault(`\`${name}\` should be a number above 0, not '${text}'.`)
    }
    return amount
  }

  /** @param why the least one is what it is */
  count(name: InputName, { least, why }: { least: number; why: string }): number | undefined {
    const text = this.optional(name)
    if (text === undefined) return undefined
    const count = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (!(count >= least))
      this.fault(`\`${name}\` should be a whole number of at least ${least} (${why}), not '${text}'.`)
    return count
  }

  oneOf<const T extends string>(name: InputName, allowed: readonly T[]): T | undefined {
    const text = this.text(name) || inputTable[name].default
    const found = allowed.find((value) => value === text)
    if (text !== '' && found === undefined) {
      this.fault(`\`${name}\` should be one of ${allowed.join(', ')}, not '${text}'.`)
    }
    return found
  }

  id(name: InputName, { form, example }: { form: RegExp; example: string }): string | undefined {
    const text = this.optional(name)
    if (text !== undefined && !form.test(text))
      this.fault(`\`${name}\` should be an ID such as ${example}, not '${text}'.`)
    return text
  }

  /** Judges a name by ECS's rules; a doubtful one is allowed with a warning. */
  judged(name: InputName, judge: (text: string) => Judgement, text = this.optional(name)): string | undefined {
    if (text === undefined) return undefined
    const judgement = judge(text)
    if (judgement.kind === 'bad')
      this.fault(`\`${name}\`: '${text}' is not a name that ECS takes: ${judgement.reason}.`)
    if (judgement.kind === 'doubtful')
      this.doubts.push(`\`${name}\`: '${text}' may be refused by ECS: ${judgement.reason}.`)
    return text
  }

  tags(name: InputName): Tags {
    const { tags, faults } = parseTags(this.text(name))
    this.blame(name, faults)
    return tags
  }

  /** The two inputs exclude each other. */
  not(first: InputName, second: InputName, reason: string): void {
    if (this.isSet(first) && this.isSet(second)) this.fault(`\`${first}\` does not go with \`${second}\`: ${reason}.`)
  }

  exactlyOne(names: readonly InputName[]): void {
    const given = names.filter((name) => this.isSet(name))
    if (given.length === 1) return
    const all = names.map((name) => `\`${name}\``).join(', ')
    this.fault(
      given.length === 0
        ? `Exactly one of ${all} is required.`
        : `Only one of ${all} may be set, not ${given.map((name) => `\`${name}\``).join(' and ')}.`,
    )
  }
}
