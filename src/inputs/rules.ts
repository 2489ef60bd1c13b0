/** What inputs ask of one another. The rules of a mode can name only inputs that the mode uses. */
import type { Mode } from '../family/model/request.ts'
import { tag } from '../family/model/tags.ts'
import type { RunContext } from '../github/context.ts'
import { checkRoomForTags } from './own-tags.ts'
import { type Inputs, joinWords } from './reader.ts'
import { type InputName, type InputOf, inputRows } from './schema.ts'

/** @returns what is wrong, in sentences */
type InputRule<N extends InputName> = (inputs: Inputs<N>, context: RunContext) => readonly string[]

/** `wait: false`, `unshare: true` or `keep`: how an input reads that is set. */
function quoteSet(name: InputName): string {
  const { default: standard } = inputRows[name]
  if (standard !== 'true' && standard !== 'false') return `\`${name}\``
  return `\`${name}: ${standard === 'false'}\``
}

const mutuallyExclusive =
  <N extends InputName>(first: N, second: N, reason: string): InputRule<N> =>
  ({ isSet }) =>
    isSet(first) && isSet(second) ? [`\`${first}\` cannot be used with ${quoteSet(second)}: ${reason}.`] : []

/** @param where the mode, if the input may stand alone in another one */
const needs =
  <N extends InputName>(first: N, second: N, { reason, where }: { reason: string; where?: Mode }): InputRule<N> =>
  ({ isSet }) => {
    if (!isSet(first) || isSet(second)) return []
    return [`\`${first}\` needs ${quoteSet(second)}${where ? ` in mode ${where}` : ''}: ${reason}.`]
  }

const exactlyOne =
  <N extends InputName>(...names: readonly N[]): InputRule<N> =>
  ({ isSet }) => {
    const given = names.filter(isSet).map((name) => `\`${name}\``)
    if (given.length === 1) return []
    const all = names.map((name) => `\`${name}\``).join(', ')
    return [
      given.length === 0
        ? `Exactly one of ${all} is required.`
        : `Only one of ${all} may be set, not ${joinWords(given)}.`,
    ]
  }

const different =
  <N extends InputName>(first: N, second: N): InputRule<N> =>
  ({ values, isSet }) =>
    isSet(first) && values[first] === values[second] ? [`\`${first}\` must differ from \`${second}\`.`] : []

const emptyImage =
  '`image-id` is given but empty. Usually the step output that it takes is empty or does not exist: ' +
  'check the ID of the step and the name of the output.'

/** An empty `image-id` with `from-family` would promote an image that nobody has named. */
const imageToPromote: InputRule<'image-id' | 'from-family'> = ({ isSet, isEmpty }) => {
  if (isEmpty('image-id')) {
    const instead = ' To promote whatever `from-family` serves, leave `image-id` out or write `(none)`.'
    return [isSet('from-family') ? emptyImage + instead : emptyImage]
  }
  if (isSet('image-id') || isSet('from-family')) return []
  return ['`image-id` or `from-family` is required: which image should be promoted?']
}

/** Beside `family`, an empty `image-id` changes nothing of what is resolved. */
const subjectToResolve: InputRule<'family' | 'image-id'> = (inputs, context) =>
  inputs.isEmpty('image-id') && !inputs.isSet('family')
    ? [emptyImage]
    : exactlyOne('family', 'image-id')(inputs, context)

type CredentialName = 'access-key-id' | 'access-key-secret' | 'security-token'

/** The SDK's default chain never stands in for the missing half. */
export function completeCredentials({ isSet }: Pick<Inputs<CredentialName>, 'isSet'>): readonly string[] {
  const missing = (['access-key-id', 'access-key-secret'] as const).filter((name) => !isSet(name))
  const isNone = missing.length === 2 && !isSet('security-token')
  if (isNone || missing.length === 0) return []
  const [are, hint] = missing.length === 1 ? ['is empty', 'is the secret set?'] : ['are empty', 'are the secrets set?']
  return [`Incomplete credentials: ${joinWords(missing.map((name) => `\`${name}\``))} ${are} (${hint}).`]
}

const homeIsNoReplica: InputRule<'region-id' | 'replica-region-ids'> = ({
  values: { 'region-id': home, ...values },
}) =>
  values['replica-region-ids'].includes(home)
    ? [`\`replica-region-ids\`: ${home} is already the home region: leave it out.`]
    : []

const keysAreOfReplicas: InputRule<'copy-kms-key-ids' | 'replica-region-ids'> = ({ values }) =>
  Object.keys(values['copy-kms-key-ids'])
    .filter((region) => !values['replica-region-ids'].includes(region))
    .map(
      (region) => `\`copy-kms-key-ids\`: ${region} is not in \`replica-region-ids\`: add it there or remove its key.`,
    )

const originIsNotGiven: InputRule<'tags' | 'replica-region-ids'> = ({ values, isSet }) =>
  tag.origin in values.tags && isSet('replica-region-ids')
    ? [`\`tags\`: the key '${tag.origin}' is set by this action on copies in other regions: leave it out.`]
    : []

const rulesOfEveryMode: readonly InputRule<InputOf<Mode>>[] = [completeCredentials, homeIsNoReplica]
const copying: readonly InputRule<InputOf<'bake' | 'promote'>>[] = [keysAreOfReplicas, originIsNotGiven]
const withdrawing: readonly InputRule<InputOf<'promote' | 'rollback'>>[] = [
  different('quarantine-family', 'family'),
  mutuallyExclusive('unshare', 'quarantine-family', 'an image moved there keeps its shares'),
]

const rulesByMode: { readonly [M in Mode]: readonly InputRule<InputOf<M>>[] } = {
  bake: [
    ...rulesOfEveryMode,
    ...copying,
    exactlyOne('instance-id', 'snapshot-id', 'disk-device-mappings'),
    needs('force-stop', 'stop-instance', { reason: 'it says how to stop the instance' }),
    needs('stop-instance', 'instance-id', { reason: 'only an instance can be stopped' }),
    needs('unshare', 'keep', { reason: 'only images that `keep` deletes lose their shares', where: 'bake' }),
    mutuallyExclusive('stop-instance', 'wait', 'the instance starts again only when its image is ready'),
    mutuallyExclusive('replica-region-ids', 'wait', 'an image is copied only when it is ready'),
    mutuallyExclusive('share-with', 'wait', 'an image is shared only when it is ready'),
    mutuallyExclusive('keep', 'wait', 'older images are deleted only when the new one is ready'),
    ({ values }, context) => checkRoomForTags(values.tags, { context, isMade: true }),
  ],
  promote: [
    ...rulesOfEveryMode,
    ...copying,
    ...withdrawing,
    imageToPromote,
    different('from-family', 'family'),
    mutuallyExclusive(
      'deprecate-newer',
      'from-family',
      'an image older than the current one is never promoted from a family',
    ),
    needs('resource-group-id', 'replica-region-ids', { reason: 'it is only for copies', where: 'promote' }),
    ({ values, isSet }, context) => checkRoomForTags(values.tags, { context, isMade: isSet('replica-region-ids') }),
  ],
  rollback: [
    ...rulesOfEveryMode,
    ...withdrawing,
    mutuallyExclusive('allow-empty', 'to-image-id', 'there is an image to fall back to'),
  ],
  resolve: [
    ...rulesOfEveryMode,
    subjectToResolve,
    mutuallyExclusive('image-id', 'replica-region-ids', 'it names an image of the home region; give `family` instead'),
  ],
}

/** @returns what is wrong, in sentences */
export const checkRules = <M extends Mode>(
  mode: M,
  inputs: Inputs<InputOf<M>>,
  context: RunContext,
): readonly string[] => rulesByMode[mode].flatMap((rule) => rule(inputs, context))
