/**
 * The step's inputs: everything that is wrong with them is found here, all at once, before the first request. What
 * comes out is typed and complete. Values are data: nothing in them is executed, expanded or guessed at.
 */
import type { Mode, Request } from '../family/model/request.ts'
import type { RunContext } from '../github/context.ts'
import type { GivenInputs } from '../github/given-inputs.ts'
import { findUnused, readInputs } from './reader.ts'
import { buildRequest } from './request.ts'
import { checkRules, completeCredentials } from './rules.ts'
import { inputsOf } from './schema.ts'
import { makeSettings, type Settings, settingNames } from './settings.ts'
import { findUnknown } from './unknown.ts'

/** Errors and warnings are sentences, each about one input or a few. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly errors: readonly string[] }

export type ParsedInputs = Parsed<{ readonly request: Request; readonly settings: Settings }>

export function parseInputs(given: GivenInputs, context: RunContext): ParsedInputs {
  const unknown = findUnknown(given)
  const parsed = parseKnown(given, context)
  if (unknown.errors.length > 0) return { ok: false, errors: [...unknown.errors, ...(parsed.ok ? [] : parsed.errors)] }
  return parsed.ok ? { ...parsed, warnings: [...unknown.warnings, ...parsed.warnings] } : parsed
}

function parseKnown(given: GivenInputs, context: RunContext): ParsedInputs {
  const { values, errors } = readInputs(given, ['mode'], undefined)
  if (errors.length === 0) return parseFor(values.mode, withRegionOf(context, given), context)
  // Without a mode nobody knows what the other inputs should be; the settings are the same for all.
  const settings = parseSettings(given)
  return { ok: false, errors: [...errors, ...findUnused(given, undefined), ...(settings.ok ? [] : settings.errors)] }
}

/** Settings alone: the post step needs no more. */
export function parseSettings(given: GivenInputs): Parsed<Settings> {
  const inputs = readInputs(given, settingNames, undefined)
  const errors = [...inputs.errors, ...completeCredentials(inputs)]
  return errors.length > 0 ? { ok: false, errors } : { ok: true, value: makeSettings(inputs.values), warnings: [] }
}

function parseFor<M extends Mode>(mode: M, given: GivenInputs, context: RunContext): ParsedInputs {
  const inputs = readInputs(given, inputsOf(mode), mode)
  const errors = [...findUnused(given, mode), ...inputs.errors, ...checkRules(mode, inputs, context)]
  if (errors.length > 0) return { ok: false, errors }
  const request = buildRequest(mode, inputs.values, context)
  const settings = makeSettings(readInputs(given, settingNames, mode).values)
  return { ok: true, value: { request, settings }, warnings: inputs.warnings }
}

/** The environment stands in for `region-id`, and is checked like it. */
const withRegionOf = ({ regionId }: RunContext, given: GivenInputs): GivenInputs =>
  given.get('region-id')?.trim() ? given : new Map([...given, ['region-id', regionId]])
