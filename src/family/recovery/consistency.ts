/** Looks at a family until what is seen adds up: reads may lag behind somebody's writes, tags above all. */

import { decisionOn, ownDecision } from '../model/decision-record.ts'
import type { FamilyState } from '../model/family-state.ts'
import { type Image, isAvailable, isNewer } from '../model/image.ts'
import type { RecordedRequest } from '../model/request.ts'
import type { Run } from '../model/run.ts'
import { type QueryGenerator, query, queryEach } from '../plan/query.ts'
import { hasOwnRecord } from './supersession.ts'

/** Of ECS's answers, given side by side, one is late after somebody's write: they name different images. */
const isBetweenWrites = ({ current, members }: FamilyState): boolean => {
  const available = members.filter(isAvailable)
  const isListed = !current || available.some(({ id }) => id === current.id)
  return !isListed || available.some((image) => !current || isNewer(image, current))
}

/**
 * Looks, and looks again after the time that reads may lag where the first look does not add up, or where a later
 * attempt finds no mark of its own: the attempt before may have written one just before it died.
 */
export function* observeConsistently<S extends FamilyState>(
  request: RecordedRequest,
  look: () => QueryGenerator<S>,
): QueryGenerator<S> {
  const { run } = request
  const state = yield* look()
  const mayBeLate = run.attempt > 1 && !hasOwnRecord(run, state)
  if (!mayBeLate && !isBetweenWrites(state)) return yield* withMovedImages(request, state)
  yield* query({ ask: 'lag', of: isBetweenWrites(state) ? 'others' : 'earlier attempt' })
  const again = yield* withMovedImages(request, yield* look())
  return run.attempt === 1 || hasOwnRecord(run, again) ? again : yield* withImagesElsewhere(request, again)
}

/** The only image that carries the mark may be in a family by now that no input names. */
function* withImagesElsewhere<S extends FamilyState>({ run, region }: RecordedRequest, state: S): QueryGenerator<S> {
  const [own] = yield* query({ ask: 'own', region })
  const isOurs = (image: Image) => hasOwnRecord(run, { ...state, known: [image] })
  const elsewhere = own.filter((image) => isOurs(image) && !state.known.some(({ id }) => id === image.id))
  return { ...state, known: [...state.known, ...elsewhere] }
}

/** What this run has decided about may have been moved since, to a family that this request does not name. */
function* withMovedImages<S extends FamilyState>({ run, region }: RecordedRequest, state: S): QueryGenerator<S> {
  const { target, previous } = ownDecision(run, state.known)?.decision ?? {}
  const missing = [target, previous].filter((wanted) => !state.known.some(({ id }) => id === wanted))
  const ids = missing.filter((wanted) => wanted !== undefined)
  const found = yield* queryEach(ids, (image) => ({ ask: 'image', region, image }))
  return { ...state, known: [...state.known, ...found.flatMap(({ answer }) => answer ?? [])] }
}

/**
 * A mark that says `done` is written after every region was confirmed: a region without a mark needed nothing then, and
 * what has come there since is not this run's to decide about.
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
