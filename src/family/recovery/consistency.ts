/** Looks at a family until the answers are consistent: reads may lag behind writes, those of tags most of all. */

import { decisionOn, ownDecision } from '../model/decision-record.ts'
import type { FamilyState } from '../model/family-state.ts'
import { type Image, isAvailable, isNewer } from '../model/image.ts'
import type { RecordedRequest } from '../model/request.ts'
import type { Run } from '../model/run.ts'
import { type QueryGenerator, query, queryEach } from '../plan/query.ts'
import { hasOwnRecord } from './supersession.ts'

/** Two answers of the same moment name different images: somebody has just written, and one answer is late. */
const isBetweenWrites = ({ current, members }: FamilyState): boolean => {
  const available = members.filter(isAvailable)
  const isListed = !current || available.some(({ id }) => id === current.id)
  return !isListed || available.some((image) => !current || isNewer(image, current))
}

/**
 * Looks, and if necessary looks again after the time that reads may lag. That is necessary when the first look is not
 * consistent, or when a later attempt finds no record of its run: the attempt before may have written one just before
 * it was lost.
 */
export function* observeConsistently<S extends FamilyState>(
  request: RecordedRequest,
  look: () => QueryGenerator<S>,
): QueryGenerator<S> {
  const { run } = request
  const state = yield* look()
  const recordMayBeLate = run.attempt > 1 && !hasOwnRecord(run, state)
  if (!recordMayBeLate && !isBetweenWrites(state)) return yield* addMovedImages(request, state)
  yield* query({ ask: 'lag', writesOf: isBetweenWrites(state) ? 'others' : 'earlier attempt' })
  const again = yield* addMovedImages(request, yield* look())
  return run.attempt === 1 || hasOwnRecord(run, again) ? again : yield* addImagesElsewhere(request, again)
}

/** Adds images of this run's decision that have been moved to a family which no input names. */
function* addImagesElsewhere<S extends FamilyState>({ run, region }: RecordedRequest, state: S): QueryGenerator<S> {
  const [own] = yield* query({ ask: 'own', region })
  const isOurs = (image: Image) => hasOwnRecord(run, { ...state, known: [image] })
  const elsewhere = own.filter((image) => isOurs(image) && !state.known.some(({ id }) => id === image.id))
  return { ...state, known: [...state.known, ...elsewhere] }
}

/** Adds the target and the previous image of this run's decision, which may have been moved to another family since. */
function* addMovedImages<S extends FamilyState>({ run, region }: RecordedRequest, state: S): QueryGenerator<S> {
  const { target, previous } = ownDecision(run, state.known)?.decision ?? {}
  const missing = [target, previous].filter((wanted) => !state.known.some(({ id }) => id === wanted))
  const ids = missing.filter((wanted) => wanted !== undefined)
  const found = yield* queryEach(ids, (image) => ({ ask: 'image', region, image }))
  return { ...state, known: [...state.known, ...found.flatMap(({ answer }) => answer ?? [])] }
}

/**
 * A record says `done` only after every region was confirmed. So one `done` record anywhere means that all regions are
 * done: a region without a record needed no change, and images that arrived there since are not part of the decision.
 */
export const isDoneInAnyRegion = (run: Run, states: readonly FamilyState[]): boolean =>
  states
    .flatMap(({ known }) => known)
    .some((image) => {
      const decision = decisionOn(image)
      const { replaces } = decision ?? {}
      return (
        (decision?.run === run.key && decision.state === 'done') ||
        (replaces?.run === run.key && replaces.state === 'done')
      )
    })
