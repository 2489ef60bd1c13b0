/** How an image comes into the contest of the family that it is promoted into. */

import { type Image, isNewer, isPending, label } from '../model/image.ts'
import type { PromoteRequest } from '../model/request.ts'
import type { RegionScene } from '../modes/promote-choice.ts'
import { type Refusal, refuse } from '../plan/plan.ts'
import { type QueryGenerator, query } from '../plan/query.ts'
import { isPlaceholder, type Step } from '../plan/steps.ts'
import { refuseNotPermitted } from './permission.ts'

/** Directly before the first visible step. */
export const confirming = (
  { region, family, expectedImage }: PromoteRequest,
  { current }: RegionScene,
  target: Image,
): Step[] =>
  expectedImage !== undefined && current?.id !== target.id
    ? [{ action: 'confirm', region, family, image: expectedImage }]
    : []

export function tagging({ region, tags }: PromoteRequest, target: Image): Step[] {
  const missing = !isPlaceholder(target.id) && Object.entries(tags).some(([key, value]) => target.tags[key] !== value)
  return missing ? [{ action: 'tag', region, resource: 'image', ids: [target.id], tags }] : []
}

/** How an image comes into the contest of the family. */
interface Entry {
  /** What changes no answer, and can be done before any region switches. */
  readonly first: readonly Step[]
  readonly steps: readonly Step[]
}

/**
 * @param isQuiet newer images stand before it and go afterwards: then it has to be there first; otherwise the proof of
 * the whole is proof enough
 * @param isAwaited it is waited for before
 */
export function* planEntry(
  request: PromoteRequest,
  target: Image,
  { isQuiet, isAwaited }: { isQuiet: boolean; isAwaited: boolean },
): QueryGenerator<Entry | Refusal> {
  const { region, family } = request
  const image = target.id
  const here: Step[] = isQuiet ? [{ action: 'await', region, image, family }] : []
  const ready: Step[] = isPending(target) && !isAwaited ? [{ action: 'await', region, image }] : []
  const join: Step[] = target.family === family ? [] : [{ action: 'join-family', region, image, family }]
  const restore: Step[] = target.status === 'Deprecated' ? [{ action: 'restore', region, image }] : []
  if (join[0] === undefined || restore.length === 0) {
    return { first: ready, steps: join.length + restore.length === 0 ? [] : [...join, ...restore, ...here] }
  }
  const restoredFirst: Entry = { first: [...restore, { action: 'await', region, image }], steps: [...join, ...here] }
  // With several regions, what can be ready everywhere before the first one switches, is.
  const mayRestore = request.replicas.length > 0 && !(yield* wouldBeServed(request, target))
  if (mayRestore) return restoredFirst
  // Deprecated images are in no contest, so that joining first changes no family's answer. Whether ECS lets a
  // deprecated image change its family is not documented; if not, it has to be restored where it is.
  const [permission] = yield* query({ ask: 'permitted', step: join[0] })
  if (permission.granted) return { first: [], steps: [...join, ...restore, ...here] }
  if (permission.obstacle === 'identity') return refuseNotPermitted(join[0], permission.reason)
  if (!(yield* wouldBeServed(request, target))) return { first: [], steps: [...restore, ...join, ...here] }
  return refuse(
    'not-permitted',
    `${label(target)} is deprecated and ECS does not move it in that state; restored first, it would become what family ${target.family} serves.`,
    `Restore it by promoting it into ${target.family}, then promote it from there with \`from-family: ${target.family}\`.`,
  )
}

/** Whether a deprecated image, restored in the family where it is now, would become what that family serves. */
export function* wouldBeServed({ region }: PromoteRequest, target: Image): QueryGenerator<boolean> {
  if (target.family === '') return false
  const [current] = yield* query({ ask: 'current', region, family: target.family })
  return !(current && isNewer(current, target))
}
