/** Whether the world came out as planned: judged by ECS's answers, not by its replies to the writes. */

import { decisionOn, describeDecision } from '../model/decision-record.ts'
import { type Image, isAvailable, isNewer, label, sameSecond } from '../model/image.ts'
import { workflowRunOf } from '../model/run.ts'
import { tag } from '../model/tags.ts'
import type { Expectation } from './plan.ts'
import { type QueryGenerator, query } from './query.ts'

export type Verification = { readonly region: string } & (
  | { readonly kind: 'ok'; readonly current: Image | undefined }
  /** Somebody's newer image is served; whether that is a failure depends on the mode. */
  | { readonly kind: 'overtaken'; readonly current: Image; readonly fails: boolean; readonly reason: string }
  /** Not as expected, and nobody's newer image explains it: ECS may still be catching up. */
  | { readonly kind: 'unconfirmed'; readonly current: Image | undefined; readonly reason: string }
)

/** @param expect with the image by its ID: what was to be made has been made */
export function* verify(
  expect: Omit<Expectation, 'image'> & { readonly image: string | undefined },
): QueryGenerator<Verification> {
  const { region, family, withdrawn, overtaken } = expect
  const [current] = yield* query({ ask: 'current', region, family })
  if (current?.id === expect.image) return { region, kind: 'ok', current }
  const [members] = yield* query({ ask: 'members', region, family })
  const wanted = members.find(({ id }) => id === expect.image)
  const serving = members.find(({ id }) => id === current?.id)
  const isOurs = current !== undefined && (withdrawn.includes(current.id) || !serving || !isAvailable(serving))
  if (current && wanted && !isOurs && sameSecond(current, wanted)) {
    const reason = `${label(current)} and ${label(wanted)} were created in the same second, and ECS serves the former`
    return { region, kind: 'overtaken', current, fails: overtaken !== 'warns', reason }
  }
  if (!current || isOurs || (wanted && !isNewer(current, wanted)) || (expect.image !== undefined && !wanted)) {
    return {
      region,
      kind: 'unconfirmed',
      current,
      reason: `ECS answers that ${family} resolves to ${current ? label(current) : 'nothing'}, not to ${expect.image ?? 'nothing'}`,
    }
  }
  const returned = members.filter((image) => isAvailable(image) && withdrawn.includes(image.id))
  return {
    region,
    kind: 'overtaken',
    current,
    fails: overtaken === 'fails' || returned.length > 0,
    reason: `${family} serves the newer ${label(current)}${describeOrigin(current)}`,
  }
}

function describeOrigin(image: Image): string {
  const decision = decisionOn(image)
  if (decision) return `, put there by ${describeDecision(decision)}`
  const run = image.tags[tag.run]
  return run ? `, baked by run ${workflowRunOf(run)}` : ', which this action has not made'
}

/** One region serves the image and another a newer one: which of them is right, nobody has decided. */
export const regionsDiverge = (verdicts: readonly Verification[]): boolean =>
  verdicts.some(({ kind }) => kind === 'ok') && verdicts.some(({ kind }) => kind === 'overtaken')
