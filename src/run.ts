/**
 * The line that every mode is: observe and plan, apply, verify. It knows no mode's rules; a dry run is the line cut
 * after the plan, and a re-run is the line walked again.
 */
import { type Applying, apply, type Entry } from './apply.ts'
import { describeFault, EcsFault } from './ecs/fault.ts'
import { type Image, label } from './family/image.ts'
import {
  describe,
  type Expectation,
  type ImageRef,
  isMade,
  isVisible,
  type Made,
  type Plan,
  type Step,
  stepsOf,
} from './family/plan.ts'
import { planFor } from './family/planner.ts'
import { conclude } from './family/question.ts'
import type { Request } from './family/request.ts'
import { judge, type Verdict } from './family/verdict.ts'
import { answer, type Observing, Seen } from './observe.ts'
import { Cancelled, graceIntervals, type Pace } from './pace.ts'
import type { Ecs, Keepsake, Log } from './ports.ts'

export interface Ports {
  readonly ecs: Ecs
  readonly pace: Pace
  readonly log: Log
  readonly keepsake: Keepsake
  /** Told the image that the run settles on as soon as it is known. */
  readonly onImage: (image: string) => void
}

/** How far the run came, and what it saw; complete whether it failed or not. */
export interface Outcome {
  readonly request: Request
  /** Undefined when already the looking failed. */
  readonly plan: Plan | undefined
  readonly journal: readonly Entry[]
  readonly seen: Seen
  /** The image that the run settled on. */
  readonly image: string | undefined
  /** Undefined when nothing was to be verified. */
  readonly verdict: Verdict | undefined
  /** Instances that still run a withdrawn image; undefined when they could not be listed. */
  readonly affected: readonly string[] | undefined
  readonly failure: { readonly doing: string; readonly error: unknown } | undefined
}

type InstanceStep = Extract<Step, { action: 'stop' | 'start' }>
type Changes = Extract<Plan, { kind: 'change' }>

/** Never throws: what went wrong is part of the outcome. */
export async function run(request: Request, ports: Ports): Promise<Outcome> {
  const seen = new Seen()
  const made = new Map<Made, string>()
  const journal: Entry[] = []
  const idOf = (image: ImageRef | undefined) => (image && isMade(image) ? made.get(image) : image)
  const observing: Observing = { ...ports, seen, dryRun: request.dryRun }
  const applying: Applying = {
    ...ports,
    journal,
    made,
    note: (id, image) => (image ? seen.images.set(id, image) : seen.images.delete(id)),
    onMade: ports.onImage,
  }
  let plan: Plan | undefined
  let verdict: Verdict | undefined
  let affected: readonly string[] | undefined
  let doing = 'looking at the family'
  const outcome = (failure?: Outcome['failure']): Outcome => ({
    request,
    plan,
    journal,
    seen,
    image: plan && plan.kind !== 'refuse' ? idOf(plan.image) : undefined,
    verdict,
    affected,
    failure,
  })
  try {
    plan = await ports.log.group('Observe', async () => {
      const concluded = await conclude(planFor(request), (question) => answer(question, observing))
      for (const line of tell(seen)) ports.log.info(line)
      return concluded
    })
    await tellPlan(plan, ports.log)
    if (request.dryRun) return outcome()
    const stopped = leftStopped(plan)
    if (stopped) ports.keepsake.stopped(stopped)
    if (plan.kind === 'refuse') return outcome()
    if (plan.image !== undefined && !isMade(plan.image)) ports.onImage(plan.image)
    if (plan.kind === 'change') {
      const changes: Changes = plan
      doing = 'applying the plan'
      if (changes.steps.length > 0) await ports.log.group('Apply', () => apply(changes.steps, applying))
      doing = 'verifying what ECS serves'
      verdict = await verify(changes.expect, { request, observing, idOf })
      // A decision that somebody has overtaken was carried out all the same.
      if (verdict?.kind !== 'unconfirmed' && changes.afterwards.length > 0) {
        await ports.log.group('Settle', () => apply(onWhatIsThere(changes.afterwards, seen), applying))
      }
      doing = 'looking at the result'
      await lookAgain(changes, { observing, request, idOf })
    }
    affected = await listAffected(plan.affects ?? [], request, ports)
    return outcome()
  } catch (error) {
    if (plan?.kind === 'change' && !(error instanceof Cancelled))
      await lookAfterFailure(plan, { journal, observing, request, idOf })
    return outcome({ doing, error })
  }
}

/** An image that was deleted while it was waited for takes no mark. */
const onWhatIsThere = (steps: readonly Step[], { images }: Seen): Step[] =>
  steps.flatMap((step): Step[] => {
    if (step.action !== 'tag') return [step]
    const ids = step.ids.filter((id) => images.has(id))
    return ids.length === 0 ? [] : [{ ...step, ids }]
  })

/** What has been changed by then belongs in the report; that it cannot be looked at is no further fault. */
async function lookAfterFailure(
  plan: Changes,
  { journal, ...looking }: Verifying & { journal: readonly Entry[] },
): Promise<void> {
  if (!plan.expect || !journal.some(({ step, state }) => state === 'done' && isVisible(step))) return
  const { region, family } = plan.expect
  try {
    await answer({ ask: 'current', region, family }, looking.observing)
    await lookAgain(plan, looking)
  } catch {
    looking.observing.log.info('What ECS says now could not be looked at.')
  }
}

/** An instance that an earlier attempt has left stopped: should this one fail as well, the post step starts it. */
function leftStopped(plan: Plan): { readonly region: string; readonly instance: string } | undefined {
  if (plan.kind === 'refuse') return plan.leavesStopped
  if (plan.kind === 'nothing' || plan.steps.some(({ action }) => action === 'stop')) return undefined
  return plan.steps.find((step): step is InstanceStep => step.action === 'start')
}

/** What was seen, one line a family. */
function tell({ current, members }: Seen): string[] {
  return [...current].map(([family, image]) => {
    const counted = members.get(family)
    const deprecated = counted?.filter(({ status }) => status === 'Deprecated').length
    const size = counted ? ` (${counted.length} image${counted.length === 1 ? '' : 's'}, ${deprecated} deprecated)` : ''
    return `Family ${family} resolves to ${image ? `${label(image)}, created ${image.creationTime}` : 'nothing'}${size}.`
  })
}

async function tellPlan(plan: Plan, log: Log): Promise<void> {
  if (plan.kind !== 'change') return
  await log.group('Plan', async () => {
    const steps = stepsOf(plan)
    if (steps.length === 0) log.info('Nothing is missing but the proof.')
    for (const [index, step] of steps.entries()) log.info(`${index + 1}. ${describe(step)}`)
  })
}

interface Verifying {
  readonly request: Request
  readonly observing: Observing
  readonly idOf: (image: ImageRef | undefined) => string | undefined
}

async function verify(
  expect: Expectation | undefined,
  { request, observing, idOf }: Verifying,
): Promise<Verdict | undefined> {
  if (!expect) return undefined
  const wanted = { ...expect, image: idOf(expect.image) }
  const look = () => conclude(judge(wanted, request.mode), (question) => answer(question, observing))
  return await observing.log.group('Verify', async () => {
    const verdict = await observing.pace.until(look, ({ kind }) => kind !== 'unconfirmed', graceIntervals)
    const { current } = verdict
    const served = current ? label(current) : 'nothing'
    observing.log.info(
      `ECS answers that ${expect.family} resolves to ${served}${verdict.kind === 'so' ? ', as planned' : ''}.`,
    )
    return verdict
  })
}

/** What ECS says at the end, for outputs and summary. */
async function lookAgain(plan: Changes, { observing, request: { region }, idOf }: Verifying): Promise<void> {
  const image = idOf(plan.image)
  if (plan.expect) await answer({ ask: 'members', region, family: plan.expect.family }, observing)
  if (image && !isSeenAgain(observing.seen, image, plan)) await answer({ ask: 'image', region, image }, observing)
}

const isSeenAgain = (seen: Seen, id: string, { expect }: Changes): boolean =>
  (expect ? (seen.members.get(expect.family) ?? []) : []).some((image: Image) => image.id === id)

async function listAffected(
  images: readonly string[],
  { region }: Request,
  { ecs, log }: Ports,
): Promise<readonly string[] | undefined> {
  try {
    return images.length === 0 ? [] : await ecs.instancesOf(region, images)
  } catch (error) {
    if (error instanceof Cancelled) throw error
    const because = error instanceof EcsFault ? `${describeFault(error)} ${error.todo}` : String(error)
    log.warning(`The instances that still run a withdrawn image could not be listed: ${because}`)
    return undefined
  }
}
