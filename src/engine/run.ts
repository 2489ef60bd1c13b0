/**
 * The line that every mode is: observe and plan, apply, verify. It knows no mode's rules; a dry run is the line cut
 * after the plan, and a re-run is the line walked again. So is the second half of a run that has made images: that
 * takes long, and what is decided rests on what there is by then.
 */

import { type FamilyRef, type Image, isFailed, label } from '../family/model/image.ts'
import { familyOf, type Request, regionsOf } from '../family/model/request.ts'
import { planFor } from '../family/modes/index.ts'
import {
  type Expectation,
  lanesOf,
  type Notice,
  type Phase,
  type Plan,
  type RegionPlan,
  stepsOf,
} from '../family/plan/plan.ts'
import { interpret } from '../family/plan/query.ts'
import {
  describeStep,
  type ImageRef,
  isActivation,
  isPlaceholder,
  isVisible,
  type Placeholder,
  type Step,
} from '../family/plan/steps.ts'
import { regionsDiverge, type Verification, verify } from '../family/plan/verify.ts'
import { errorData, explainError, stepError } from './action-error.ts'
import { type ApplyContext, applyLanes, deletedIn, type Entry } from './apply.ts'
import { Cancelled, type Clock, consistencyIntervals } from './clock.ts'
import { answer, type Observing, Seen } from './observe.ts'
import type { Ecs, Log, PostState } from './ports.ts'

export interface Ports {
  readonly ecs: Ecs
  readonly clock: Clock
  readonly log: Log
  readonly postState: PostState
  /** Told the image that the run settles on at home as soon as it is known. */
  readonly onImage: (image: string) => void
}

/** How far the run came, and what it saw; complete whether it failed or not. */
export interface Outcome {
  readonly request: Request
  /** Undefined when already the looking failed. */
  readonly plan: Plan | undefined
  readonly journal: readonly Entry[]
  readonly seen: Seen
  /** The images that the run settled on, by region; none where there is none. */
  readonly images: ReadonlyMap<string, string>
  /** Of the regions in which something was to be verified. */
  readonly verdicts: readonly Verification[]
  /** Instances that still run a withdrawn image, by region; undefined where they could not be listed. */
  readonly affected: ReadonlyMap<string, readonly string[] | undefined>
  /** Said of what was made before the last plan, by region. */
  readonly lasting: readonly { readonly region: string; readonly notice: Notice }[]
  readonly failure: { readonly doing: string; readonly error: unknown } | undefined
}

type InstanceStep = Extract<Step, { action: 'stop' | 'start' }>

/** How often images may be made before it is plain that they do not stay. */
const rounds = 4

/** Never throws: what went wrong is part of the outcome. */
export async function run(request: Request, ports: Ports): Promise<Outcome> {
  const line = new Line(request, ports)
  try {
    await line.walk()
    return line.outcome()
  } catch (error) {
    if (error instanceof Cancelled) line.forgetWhatChanged()
    else await line.lookAfterFailure()
    return line.outcome({ doing: line.doing, error })
  }
}

/** One walk of the line, and how far it came. */
class Line {
  doing = 'looking at the family'
  readonly #request: Request
  readonly #ports: Ports
  readonly #observing: Observing
  readonly #seen = new Seen()
  readonly #made = new Map<Placeholder, string>()
  readonly #fresh = new Map<string, Image>()
  readonly #journal: Entry[] = []
  #plan: Plan | undefined
  #lasting: Outcome['lasting'] = []
  #verdicts: readonly Verification[] = []
  #affected: ReadonlyMap<string, readonly string[] | undefined> = new Map()

  constructor(request: Request, ports: Ports) {
    this.#request = request
    this.#ports = ports
    this.#observing = { ...ports, seen: this.#seen, dryRun: request.dryRun }
  }

  outcome(failure?: Outcome['failure']): Outcome {
    const made = this.#journal.flatMap(({ step, id }) => (id === undefined ? [] : [[step.region, id] as const]))
    const settled = this.#regions().map(({ region, image }) => [region, this.#idOf(image)] as const)
    // Refused after they were made, they are there all the same; a copy that ECS failed to make is not.
    const known = new Map([...made, ...settled])
    const images = regionsOf(this.#request).flatMap((region): [string, string][] => {
      const id = known.get(region)
      const image = id === undefined ? undefined : this.#seen.images.get(id)
      return id === undefined || (region !== this.#request.region && image && isFailed(image)) ? [] : [[region, id]]
    })
    return {
      request: this.#request,
      plan: this.#plan,
      journal: this.#journal,
      seen: this.#seen,
      images: new Map(images),
      lasting: this.#lasting,
      verdicts: this.#verdicts,
      affected: this.#affected,
      failure,
    }
  }

  async walk(): Promise<void> {
    for (let round = 1; ; round++) {
      await this.#observe()
      if (this.#request.dryRun || this.#plan?.kind === 'refuse') return
      if (lanesOf(this.#plan, 'copy').length === 0) break
      if (round === rounds) {
        throw stepError('Copies were made, and are gone again each time.', 'Look at who deletes them, then run again.')
      }
      await this.#apply('Prepare', ['create', 'copy'])
    }
    await this.#apply('Apply', ['create', 'record', 'check', 'prepare', 'activate'])
    this.doing = 'verifying what ECS serves'
    await this.#verify()
    await this.#settle()
    this.doing = 'looking at the result'
    await this.#lookAgain()
    await this.#listAffected()
  }

  async #observe(): Promise<void> {
    const { log, postState, onImage } = this.#ports
    this.doing = 'looking at the family'
    const plan = await log.group('Observe', async () => {
      const concluded = await interpret(planFor(this.#request), (question) => answer(question, this.#observing))
      for (const line of this.#tell()) log.info(line)
      return concluded
    })
    const before = this.#regions().flatMap(({ region, notices }) =>
      notices.filter(({ persistent: lasting }) => lasting).map((notice) => ({ region, notice })),
    )
    this.#lasting = [...this.#lasting, ...before]
    this.#plan = plan
    await this.#tellPlan(plan)
    if (this.#request.dryRun) return
    const stopped = leftStopped(plan)
    if (stopped) postState.instanceStopped(stopped)
    const image = this.#regions()[0]?.image
    if (image !== undefined && !isPlaceholder(image)) onImage(image)
  }

  #regions(): readonly RegionPlan[] {
    return this.#plan === undefined || this.#plan.kind === 'refuse' ? [] : this.#plan.regions
  }

  #idOf(image: ImageRef | undefined): string | undefined {
    return image && isPlaceholder(image) ? this.#made.get(image) : image
  }

  get #isSpread(): boolean {
    return this.#request.replicas.length > 0
  }

  /** With several regions at work at a time, each line of log says which one it is about. */
  #logIn(region: string): Log {
    const { log } = this.#ports
    return this.#isSpread ? { ...log, info: (text) => log.info(`${region}: ${text}`) } : log
  }

  #applyingIn(region: string): ApplyContext {
    return {
      ...this.#ports,
      log: this.#logIn(region),
      journal: this.#journal,
      made: this.#made,
      fresh: this.#fresh,
      note: (id, image) => (image ? this.#seen.noteImage(image) : this.#seen.images.delete(id)),
      onMade: (step, image) => {
        if (step.action === 'create') this.#ports.onImage(image)
      },
    }
  }

  async #apply(title: string, phases: readonly Phase[]): Promise<void> {
    this.doing = 'applying the plan'
    const work = phases.map((phase) => lanesOf(this.#plan, phase)).filter(({ length }) => length > 0)
    if (work.length === 0) return
    await this.#ports.log.group(title, async () => {
      for (const lanes of work) await applyLanes(lanes, (region) => this.#applyingIn(region))
    })
  }

  async #verify(): Promise<void> {
    const expected = this.#expected()
    if (expected.length === 0) return
    await this.#ports.log.group('Verify', async () => {
      this.#verdicts = await Promise.all(expected.map((expect) => this.#verifyIn(expect)))
      if (!regionsDiverge(this.#verdicts)) return
      // Somebody else may be switching the regions just now.
      this.#ports.log.info('The regions are apart; looking again after the time that somebody may need to switch them.')
      await this.#ports.clock.wait(consistencyIntervals)
      this.#verdicts = await Promise.all(expected.map((expect) => this.#verifyIn(expect)))
    })
  }

  /** Where something was changed, also regions that served the image already have to serve it still. */
  #expected(): Expectation[] {
    const family = familyOf(this.#request)
    const isSwitching = this.#regions().some((plan) => plan.kind === 'change' && plan.expect)
    return this.#regions().flatMap((plan): Expectation[] => {
      if (plan.kind === 'change' && plan.expect) return [plan.expect]
      const region = plan.region
      const image = this.#idOf(plan.image)
      // Without a reason to leave the family as it is, the image is one that is not waited for.
      if (plan.reason === undefined || !isSwitching || family === undefined || image === undefined) return []
      const isServed = this.#seen.currentOf({ region, family })?.id === image
      return isServed ? [{ region, family, image, withdrawn: [] }] : []
    })
  }

  async #verifyIn(expect: Expectation): Promise<Verification> {
    const observing = { ...this.#observing, log: this.#logIn(expect.region) }
    const wanted = { ...expect, image: this.#idOf(expect.image) }
    const look = () => interpret(verify(wanted, this.#request.mode), (question) => answer(question, observing))
    const verdict = await observing.clock.poll(look, ({ kind }) => kind !== 'unconfirmed', consistencyIntervals)
    const served = verdict.current ? label(verdict.current) : 'nothing'
    const asPlanned = verdict.kind === 'so' ? ', as planned' : ''
    observing.log.info(`ECS answers that ${expect.family} resolves to ${served}${asPlanned}.`)
    return verdict
  }

  /** What follows from ECS's confirmation. */
  async #settle(): Promise<void> {
    const isConfirmed = this.#verdicts.every(({ kind }) => kind !== 'unconfirmed')
    // A decision that somebody has overtaken was carried out all the same; an image deleted meanwhile takes no mark.
    // Where a region is not confirmed, all marks stay `planned`: a later attempt completes and proves the whole.
    const lanes = isConfirmed ? lanesOf(this.#plan, 'commit') : []
    const settling = lanes.map((steps) => onWhatIsThere(steps, this.#seen))
    if (settling.some(({ length }) => length > 0)) {
      await this.#ports.log.group('Settle', () => applyLanes(settling, (region) => this.#applyingIn(region)))
    }
    const isOvertaken = this.#verdicts.some((verdict) => verdict.kind === 'overtaken' && verdict.fails)
    const failed = !isConfirmed || isOvertaken || regionsDiverge(this.#verdicts)
    const pruning = failed ? [] : lanesOf(this.#plan, 'prune').map((steps) => leftToDelete(steps, this.#journal))
    if (pruning.every(({ length }) => length === 0)) return
    await this.#ports.log.group('Delete what is too many', () =>
      applyLanes(pruning, (region) => ({ ...this.#applyingIn(region), bestEffort: true })),
    )
    // ECS has no way to delete an image only as long as it is not served: the families have the last word.
    if (deletedIn(this.#journal).length > 0 && this.#verdicts.length > 0) await this.#verify()
  }

  /** What ECS says at home at the end, for outputs and summary. */
  async #lookAgain(): Promise<void> {
    const [home] = this.#regions()
    if (home?.kind !== 'change') return
    const { region } = home
    const family = familyOf(this.#request)
    if (family !== undefined && (home.expect || deletedIn(this.#journal).length > 0)) {
      await answer({ ask: 'members', region, family }, this.#observing)
    }
    const image = this.#idOf(home.image)
    const members = (family !== undefined && this.#seen.membersOf({ region, family })) || []
    if (image !== undefined && !members.some(({ id }) => id === image)) {
      await answer({ ask: 'image', region, image }, this.#observing)
    }
  }

  /** What has been changed by then belongs in the report; that a region cannot be looked at is no further fault. */
  async lookAfterFailure(): Promise<void> {
    const look = async (family: FamilyRef): Promise<void> => {
      try {
        await answer({ ask: 'current', ...family }, this.#observing)
      } catch {
        this.#logIn(family.region).info('What ECS says now could not be looked at.')
        this.#seen.forget(family)
      }
    }
    const changed = this.#familiesOf(isVisible)
    await Promise.all(changed.map(look))
    if (changed.length > 0) await this.#lookAgain().catch(() => undefined)
  }

  forgetWhatChanged(): void {
    for (const family of this.#familiesOf(isActivation)) this.#seen.forget(family)
  }

  /** Families in which such a step was done, or may have been. */
  #familiesOf(isMeant: (step: Step) => boolean): FamilyRef[] {
    const family = familyOf(this.#request)
    const began = this.#journal.filter(({ step, state }) => state !== 'skipped' && isMeant(step))
    const regions = new Set(began.map(({ step }) => step.region))
    return family === undefined ? [] : [...regions].map((region) => ({ region, family }))
  }

  async #listAffected(): Promise<void> {
    const listed = this.#regions().map(
      async ({ region, listInstancesOf: affects = [] }) => [region, await this.#affectedIn(region, affects)] as const,
    )
    this.#affected = new Map(await Promise.all(listed))
  }

  async #affectedIn(region: string, images: readonly string[]): Promise<readonly string[] | undefined> {
    try {
      return images.length === 0 ? [] : await this.#ports.ecs.instancesOf(region, images)
    } catch (error) {
      if (error instanceof Cancelled) throw error
      this.#ports.log.warning(
        `The instances that still run a withdrawn image could not be listed: ${explainError(errorData(error))}`,
      )
      return undefined
    }
  }

  /** What was seen, one line a family. */
  #tell(): string[] {
    return this.#seen.families.map((family) => {
      const image = this.#seen.currentOf(family)
      const members = this.#seen.membersOf(family)
      const deprecated = members?.filter(({ status }) => status === 'Deprecated').length
      const size = members
        ? ` (${members.length} image${members.length === 1 ? '' : 's'}, ${deprecated} deprecated)`
        : ''
      const where = this.#isSpread ? `${family.region}: ` : ''
      return `${where}Family ${family.family} resolves to ${image ? `${label(image)}, created ${image.creationTime}` : 'nothing'}${size}.`
    })
  }

  async #tellPlan(plan: Plan): Promise<void> {
    if (plan.kind === 'refuse') return
    const { log } = this.#ports
    const where = ({ region }: { region: string }) => (this.#isSpread ? `${region}: ` : '')
    const steps = stepsOf(plan)
    const decisions = plan.regions.flatMap(({ region, retention: all = [] }) =>
      all.map((decision) => ({ region, ...decision })),
    )
    if (plan.kind === 'nothing' && decisions.length === 0) return
    await log.group('Plan', async () => {
      if (steps.length === 0 && plan.kind === 'change') log.info('Nothing is missing but the proof.')
      for (const [index, step] of steps.entries()) log.info(`${index + 1}. ${where(step)}${describeStep(step)}`)
      for (const { region, notices } of plan.regions)
        for (const { text } of notices) log.info(`${where({ region })}${text}`)
      for (const { image, delete: goes, reason, region } of decisions) {
        log.info(`${where({ region })}${label(image)} ${goes ? 'goes' : 'stays'}: ${reason}.`)
      }
    })
  }
}

/** What was deleted to make room is no longer there to delete, nor are its snapshots. */
function leftToDelete(steps: readonly Step[], journal: readonly Entry[]): readonly Step[] {
  const gone = deletedIn(journal)
  const snapshots = gone.flatMap((step) => step.snapshots)
  return steps.flatMap((step): Step[] => {
    if (step.action === 'delete') return gone.some(({ image }) => image === step.image) ? [] : [step]
    return tagging(step, (id) => !snapshots.includes(id))
  })
}

/** An image that was deleted while it was waited for takes no mark. */
const onWhatIsThere = (steps: readonly Step[], { images }: Seen): Step[] =>
  steps.flatMap((step) => tagging(step, (id) => images.has(id)))

/** The step without what is gone; other steps than tagging as they are. */
function tagging(step: Step, isThere: (id: string) => boolean): Step[] {
  if (step.action !== 'tag' || step.ids.every(isThere)) return [step]
  const ids = step.ids.filter(isThere)
  return ids.length === 0 ? [] : [{ ...step, ids }]
}

/** An instance that an earlier attempt has left stopped: should this one fail as well, the post step starts it. */
function leftStopped(plan: Plan): { readonly region: string; readonly instance: string } | undefined {
  if (plan.kind === 'refuse') return plan.leavesStopped
  const steps = stepsOf(plan)
  if (steps.some(({ action }) => action === 'stop')) return undefined
  return steps.find((step): step is InstanceStep => step.action === 'start')
}
