/** How an image comes into its family, so that the family's answer changes once, and not too early. */

import { type Image, isNewer, isPending, label } from '../model/image.ts'
import type { PromoteRequest } from '../model/request.ts'
import { type Refusal, refuse } from '../plan/plan.ts'
import { type QueryGenerator, query } from '../plan/query.ts'
import type { Step } from '../plan/steps.ts'
import { refuseNotPermitted } from './permission.ts'

type EntryRequest = Pick<PromoteRequest, 'region' | 'family' | 'replicas'>

/** How an image comes into its family. */
export interface Entry {
  /** What changes no answer, and can be done before any region switches. */
  readonly first: readonly Step[]
  readonly steps: readonly Step[]
}

/**
 * @param hasRivals newer images are in the family and leave afterwards: then the image has to be there first; otherwise
 * the verification at the end is proof enough
 * @param isAwaited it is waited for before
 * @param awaitsTarget it is looked for also where it has been in the family all along
 */
export function* planEntry(
  request: EntryRequest,
  target: Image,
  {
    hasRivals,
    isAwaited,
    awaitsTarget,
  }: { readonly hasRivals: boolean; readonly isAwaited: boolean; readonly awaitsTarget: boolean },
): QueryGenerator<Entry | Refusal> {
  const { region, family } = request
  const image = target.id
  const ready: Step[] = isPending(target) && !isAwaited ? [{ action: 'await', region, image }] : []
  const join: Step[] = target.family === family ? [] : [{ action: 'join-family', region, image, family }]
  const restore: Step[] = target.status === 'Deprecated' ? [{ action: 'restore', region, image }] : []
  const comesIn = join.length + restore.length > 0
  const isLookedFor = awaitsTarget ? comesIn || hasRivals : comesIn && hasRivals
  const seen: Step[] = isLookedFor ? [{ action: 'await', region, image, family }] : []
  if (join[0] === undefined || restore.length === 0) return { first: ready, steps: [...join, ...restore, ...seen] }
  const restoredFirst: Entry = { first: [...restore, { action: 'await', region, image }], steps: [...join, ...seen] }
  // With several regions, what can be ready everywhere before the first one switches, is.
  const mayRestore = request.replicas.length > 0 && !(yield* wouldBeServed(request, target))
  if (mayRestore) return restoredFirst
  // Deprecated images are in no family's order, so that joining first changes no family's answer. Whether ECS lets a
  // deprecated image change its family is not documented; if not, it has to be restored where it is.
  const [permission] = yield* query({ ask: 'permitted', step: join[0] })
  if (permission.granted) return { first: [], steps: [...join, ...restore, ...seen] }
  if (permission.obstacle === 'identity') return refuseNotPermitted(join[0], permission.reason)
  if (!(yield* wouldBeServed(request, target))) return { first: [], steps: [...restore, ...join, ...seen] }
  return refuse(
    'not-permitted',
    `${label(target)} is deprecated and ECS does not move it in that state; restored first, it would become what family ${target.family} serves.`,
    `Restore it by promoting it into ${target.family}, then promote it from there with \`from-family: ${target.family}\`.`,
  )
}

/** Whether a deprecated image, restored in the family where it is now, would become what that family serves. */
export function* wouldBeServed({ region }: Pick<EntryRequest, 'region'>, target: Image): QueryGenerator<boolean> {
  if (target.family === '') return false
  const [current] = yield* query({ ask: 'current', region, family: target.family })
  return !(current && isNewer(current, target))
}
