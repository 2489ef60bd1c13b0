/** Whether the world came out as planned: judged by ECS's answers, not by its replies to the writes. */
import { type Image, isAvailable, isNewer, label, sameSecond } from './image.ts'
import { decisionOn, describeDecision, tag } from './mark.ts'
import type { Expectation } from './plan.ts'
import { ask, type Planning } from './question.ts'
import type { Mode } from './request.ts'
import { workflowRunOf } from './run-key.ts'

export type Verdict = { readonly region: string } & (
  | { readonly kind: 'so'; readonly current: Image | undefined }
  /** Somebody's newer image is served; whether that is a failure depends on the mode. */
  | { readonly kind: 'overtaken'; readonly current: Image; readonly fails: boolean; readonly because: string }
  /** Not as expected, and nobody's newer image explains it: ECS may still be catching up. */
  | { readonly kind: 'unconfirmed'; readonly current: Image | undefined; readonly because: string }
)

/** @param expect with the image by its ID: what was to be made has been made */
export function* judge(
  expect: Omit<Expectation, 'image'> & { readonly image: string | undefined },
  mode: Mode,
): Planning<Verdict> {
  const { region, family, withdrawn } = expect
  const [current] = yield* ask({ ask: 'current', region, family })
  if (current?.id === expect.image) return { region, kind: 'so', current }
  const [members] = yield* ask({ ask: 'members', region, family })
  const wanted = members.find(({ id }) => id === expect.image)
  const serving = members.find(({ id }) => id === current?.id)
  const isOurs = current !== undefined && (withdrawn.includes(current.id) || !serving || !isAvailable(serving))
  if (current && wanted && !isOurs && sameSecond(current, wanted)) {
    const because = `${label(current)} and ${label(wanted)} were created in the same second, and ECS serves the former`
    return { region, kind: 'overtaken', current, fails: mode !== 'bake', because }
  }
  if (!current || isOurs || (wanted && !isNewer(current, wanted)) || (expect.image !== undefined && !wanted)) {
    return {
      region,
      kind: 'unconfirmed',
      current,
      because: `ECS answers that ${family} resolves to ${current ? label(current) : 'nothing'}, not to ${expect.image ?? 'nothing'}`,
    }
  }
  const standing = members.filter((image) => isAvailable(image) && withdrawn.includes(image.id))
  return {
    region,
    kind: 'overtaken',
    current,
    fails: mode === 'promote' || standing.length > 0,
    because: `${family} serves the newer ${label(current)}${madeBy(current)}`,
  }
}

function madeBy(image: Image): string {
  const decision = decisionOn(image)
  if (decision) return `, put there by ${describeDecision(decision)}`
  const run = image.tags[tag.run]
  return run ? `, baked by run ${workflowRunOf(run)}` : ', which this action has not made'
}

/** One region serves the image and another a newer one: which of them is right, nobody has decided. */
export const areApart = (verdicts: readonly Verdict[]): boolean =>
  verdicts.some(({ kind }) => kind === 'so') && verdicts.some(({ kind }) => kind === 'overtaken')
