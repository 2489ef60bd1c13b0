/** Plans how an image enters its family, so that the family's answer changes once and not too early. */

import { type Image, isNewer, isPending, label } from '../model/image.ts'
import type { PromoteRequest } from '../model/request.ts'
import { type Refusal, refuse } from '../plan/plan.ts'
import { type QueryGenerator, query } from '../plan/query.ts'
import type { Step } from '../plan/steps.ts'
import { refuseNotPermitted } from './permission.ts'

type JoinStep = Extract<Step, { action: 'join-family' }>
type EntryRequest = Pick<PromoteRequest, 'region' | 'family' | 'replicas'>

/** The steps by which an image enters its family. */
export interface FamilyEntry {
  /** Steps that change no family's answer, done before any region switches. */
  readonly prepare: readonly Step[]
  readonly enter: readonly Step[]
}

/**
 * @param hasRivals newer images in the family are withdrawn afterwards, so the target must be seen in the family first;
 * without them the verification at the end is enough
 * @param isAwaited an earlier step already waits until the target is available
 * @param awaitsTarget with rivals, the target is awaited even if it has been in the family all along
 */
export function* planEntry(
  request: EntryRequest,
  target: Image,
  {
    hasRivals,
    isAwaited,
    awaitsTarget,
  }: { readonly hasRivals: boolean; readonly isAwaited: boolean; readonly awaitsTarget: boolean },
): QueryGenerator<FamilyEntry | Refusal> {
  const { region, family } = request
  const image = target.id
  const awaitReady: Step[] = isPending(target) && !isAwaited ? [{ action: 'await', region, image }] : []
  const join: JoinStep[] = target.family === family ? [] : [{ action: 'join-family', region, image, family }]
  const restore: Step[] = target.status === 'Deprecated' ? [{ action: 'restore', region, image }] : []
  const enters = join.length + restore.length > 0
  const mustBeSeen = awaitsTarget ? enters || hasRivals : enters && hasRivals
  const awaitInFamily: Step[] = mustBeSeen ? [{ action: 'await', region, image, family }] : []
  if (join[0] === undefined || restore.length === 0)
    return { prepare: awaitReady, enter: [...join, ...restore, ...awaitInFamily] }
  const restoreThenJoin: FamilyEntry = {
    prepare: [...restore, { action: 'await', region, image }],
    enter: [...join, ...awaitInFamily],
  }
  // With several regions, as much as possible is done in all of them before the first one switches.
  const canRestoreFirst = request.replicas.length > 0 && !(yield* wouldBecomeCurrent(request, target))
  if (canRestoreFirst) return restoreThenJoin
  // A family never resolves to a deprecated image, so joining first changes no family's answer. ECS does not document
  // whether a deprecated image may change its family. If it may not, it must be restored where it is.
  const [permission] = yield* query({ ask: 'permitted', step: join[0] })
  if (permission.granted) return { prepare: [], enter: [...join, ...restore, ...awaitInFamily] }
  if (permission.obstacle === 'identity') return refuseNotPermitted(join[0], permission.reason)
  if (!(yield* wouldBecomeCurrent(request, target)))
    return { prepare: [], enter: [...restore, ...join, ...awaitInFamily] }
  return refuse(
    'not-permitted',
    `${label(target)} is deprecated, and ECS does not move a deprecated image. If it were restored first, family ${target.family} would serve it.`,
    `Restore it by promoting it into ${target.family}, then promote it from there with \`from-family: ${target.family}\`.`,
  )
}

/** Whether a deprecated image would become current if it were restored in the family where it is now. */
export function* wouldBecomeCurrent({ region }: Pick<EntryRequest, 'region'>, target: Image): QueryGenerator<boolean> {
  if (target.family === '') return false
  const [current] = yield* query({ ask: 'current', region, family: target.family })
  return !(current && isNewer(current, target))
}
