/** Verifies that a family is as planned. It relies on what ECS reports afterwards, not on its replies to the writes. */

import { decisionOn, describeDecision } from '../model/decision-record.ts'
import { createdInSameSecond, type Image, isAvailable, isNewer, label } from '../model/image.ts'
import { workflowRunOf } from '../model/run.ts'
import { tag } from '../model/tags.ts'
import type { Expectation } from './plan.ts'
import { type QueryGenerator, query } from './query.ts'

export type Verification = { readonly region: string } & (
  | { readonly kind: 'ok'; readonly current: Image | undefined }
  /** Somebody else's newer image is current. Whether that is a failure depends on the mode. */
  | { readonly kind: 'overtaken'; readonly current: Image; readonly fails: boolean; readonly reason: string }
  /** Not as expected, and no newer image explains it: ECS may still be catching up. */
  | { readonly kind: 'unconfirmed'; readonly current: Image | undefined; readonly reason: string }
)

/** @param expect with the ID of the image instead of a placeholder: it has been created */
export function* verify(
  expect: Omit<Expectation, 'image'> & { readonly image: string | undefined },
): QueryGenerator<Verification> {
  const { region, family, withdrawn, overtaken } = expect
  const [current] = yield* query({ ask: 'current', region, family })
  if (current?.id === expect.image) return { region, kind: 'ok', current }
  const [members] = yield* query({ ask: 'members', region, family })
  const wanted = members.find(({ id }) => id === expect.image)
  const currentMember = members.find(({ id }) => id === current?.id)
  const isOutdated =
    current !== undefined && (withdrawn.includes(current.id) || !currentMember || !isAvailable(currentMember))
  if (current && wanted && !isOutdated && createdInSameSecond(current, wanted)) {
    const reason = `${label(current)} and ${label(wanted)} were created in the same second, and ECS serves ${label(current)}`
    return { region, kind: 'overtaken', current, fails: overtaken !== 'warns', reason }
  }
  if (!current || isOutdated || (wanted && !isNewer(current, wanted)) || (expect.image !== undefined && !wanted)) {
    return {
      region,
      kind: 'unconfirmed',
      current,
      reason: `${family} serves ${current ? label(current) : 'nothing'}, not ${expect.image ?? 'nothing'}`,
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
  return run ? `, baked by run ${workflowRunOf(run)}` : ', which this action did not create'
}

/** The image is current in one region, and a newer one in another: nobody has decided which of them is right. */
export const regionsDiverge = (verifications: readonly Verification[]): boolean =>
  verifications.some(({ kind }) => kind === 'ok') && verifications.some(({ kind }) => kind === 'overtaken')
