/** What the step was given: the variables `INPUT_*`, as the runner sets them for `with` and for the defaults of action.yml. */

/** Texts by the names of inputs in small letters, known or not. The default holds for a known input that is not there. */
export type GivenInputs = ReadonlyMap<string, string>

const prefix = 'INPUT_'

export function readGivenInputs(environment: NodeJS.ProcessEnv): GivenInputs {
  const variables = Object.entries(environment).filter(([variable]) => variable.startsWith(prefix))
  // Sorted backwards, capital letters come last and win: those are the runner's.
  const inputs = variables.toSorted().toReversed()
  return new Map(inputs.map(([variable, text = '']) => [variable.slice(prefix.length).toLowerCase(), text]))
}
