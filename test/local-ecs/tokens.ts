import type { Answer, Call } from './call.ts'
import { EcsError } from './errors.ts'

interface Remembered {
  readonly parameters: string
  readonly madeAt: number
  readonly answer: Answer
  /** Says whether what the first request made is still there. */
  readonly exists: () => boolean
  refusals: number
}

export type TokenTable = Map<string, Remembered>

function mismatch(call: Call): EcsError {
  const { tokenMismatchCode } = call.world.switches
  const usual = call.action === 'CreateImage' ? 'IdempotenceParamNotMatch' : 'IdempotentParameterMismatch'
  const code = tokenMismatchCode === 'by-api' ? usual : tokenMismatchCode
  // The misspelt code belongs to an older form of the error, which had another status.
  const status = code === 'InvalidParamter.Conflict' ? 403 : 400
  return new EcsError(status, code, 'The specified ClientToken has been used with other parameters.')
}

/** Answers, or refuses for as long as the switch says the first request is still being worked on. */
function answerAgain(remembered: Remembered): Answer {
  if (remembered.refusals === 0) return remembered.answer
  remembered.refusals -= 1
  throw new EcsError(403, 'LastTokenProcessing', 'The last token request is processing.')
}

function recall(call: Call, key: string): Remembered | undefined {
  const { tokenMemorySeconds, tokenAfterDeletion } = call.world.switches
  const remembered = call.world.tokens.get(key)
  if (!remembered || call.now - remembered.madeAt > tokenMemorySeconds * 1000) return undefined
  return tokenAfterDeletion === 'forgotten' && !remembered.exists() ? undefined : remembered
}

/**
 * Makes something once for each ClientToken: the same parameters get the same answer again, others an error. What
 * fails, dry runs included, leaves the token unused.
 */
export function once(call: Call, make: () => { answer: Answer; exists: () => boolean }): Answer {
  const { ClientToken: token, ...others } = call.parameters
  if (token === undefined || token === '') return make().answer
  if (!/^[\x20-\x7e]{1,64}$/.test(token)) {
    throw new EcsError(400, 'InvalidClientToken.ValueNotSupported', 'The ClientToken provided is invalid.')
  }
  if (call.dryRun) return make().answer
  const key = [call.account.uid, call.action, call.region.id, token].join(' ')
  const parameters = JSON.stringify(
    Object.entries(others)
      .filter(([name]) => name !== 'DryRun')
      .sort(),
  )
  const known = recall(call, key)
  if (known && known.parameters !== parameters) throw mismatch(call)
  if (known) return answerAgain(known)
  const made = make()
  const remembered = { parameters, madeAt: call.now, ...made, refusals: call.world.switches.lastTokenProcessingTimes }
  call.world.tokens.set(key, remembered)
  return answerAgain(remembered)
}
