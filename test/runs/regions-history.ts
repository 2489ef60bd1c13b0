/**
 * Random histories of one family in three regions, against the local ECS: runs, crashes, troubles, re-runs and people
 * in the console, with what must hold after each of them. Used by the property tests and, for longer, by the soak.
 */
import { EcsError } from '../local-ecs/errors.ts'
import type { LocalEcs, RequestRecord } from '../local-ecs/server.ts'
import { type Begun, imagesMadeTwice, isByHand, isOnlyPruning, wrongDeletion, wrongOutcome } from './regions-checks.ts'
import { places, type RegionsEvent, type RegionsRun, type Trial, type Trouble } from './regions-events.ts'
import { among, RegionsWorld } from './regions-world.ts'
import { type Walk, walk } from './walk.ts'

const denial = () => new EcsError(403, 'Forbidden.RAM', 'User not authorized to operate on the specified resource.')

const unavailable = () =>
  new EcsError(503, 'ServiceUnavailable', 'The request has failed due to a temporary failure of the server.')

export class RegionsHistory {
  readonly world: RegionsWorld
  readonly ecs: LocalEcs
  readonly #story: string[] = []
  readonly #runs: Begun[] = []

  private constructor(world: RegionsWorld) {
    this.world = world
    this.ecs = world.ecs
  }

  static async begin(): Promise<RegionsHistory> {
    return new RegionsHistory(await RegionsWorld.begin())
  }

  end(): Promise<void> {
    return this.ecs.close()
  }

  async live(event: RegionsEvent): Promise<void> {
    switch (event.event) {
      case 'time':
        this.ecs.clock.advance(event.minutes * 60)
        return
      case 'console':
        this.#story.push(...[this.world.byHand(event)].filter((done) => done !== undefined))
        return
      case 'run':
        await this.#run(event)
        return
      case 're-run':
        await this.#runAgain(event)
        return
    }
  }

  hold(truth: boolean, otherwise: string): void {
    if (!truth) throw new Error([otherwise, ...this.#story, ...this.world.describe()].join('\n'))
  }

  #holdNone(wrongs: readonly string[]): void {
    this.hold(wrongs.length === 0, wrongs.join('\n'))
  }

  // ── Runs ───────────────────────────────────────────────────────────────────

  newRun(event: RegionsRun): Begun {
    const inputs = this.world.inputs(event)
    const replicas = (inputs['replica-region-ids'] ?? '').split(',').filter((region) => region !== '')
    const run: Begun = {
      id: 1000 + this.#runs.length,
      inputs,
      regions: [inputs['region-id'] ?? '', ...replicas],
      attempts: 0,
      settled: undefined,
      decidedSince: [],
    }
    this.#runs.push(run)
    return run
  }

  async #run(event: RegionsRun): Promise<void> {
    const run = this.newRun(event)
    const walked = await this.attempt(run, event)
    if (run.settled === walked && event.pick % 2 === 0) await this.#isSettled(run)
  }

  /** The same run again writes nothing and says the same. */
  async #isSettled(run: Begun): Promise<void> {
    const first = run.settled
    if (!first) return
    const before = this.lasting(first, first)
    const from = this.ecs.requests.length
    const again = await this.attempt(run, {})
    const writes = this.#writesSince(from)
    this.hold(writes.length === 0, `run ${run.id} again wrote ${writes.join(', ')}`)
    this.hold(again.failure === undefined, `run ${run.id} again failed`)
    const [now, then] = [this.lasting(again, first), before].map((said) => JSON.stringify(said))
    this.hold(now === then, `run ${run.id} again says\n${now}, not\n${then}`)
  }

  /** What each attempt of a run says that comes to its end, `first` among them. */
  lasting({ outputs: { plan: _, ...outputs } }: Walk, first: Walk): unknown {
    const withdrawn: string[] = JSON.parse(outputs['deprecated-image-ids'] || '[]')
    const images: Record<string, string> = JSON.parse(outputs['image-ids'] || '{}')
    return this.world.named({
      ...outputs,
      // Known not to last, see stories.test.ts: the order of regions, what was deleted, that there was only something to prune.
      'image-ids': places.map((region) => images[region]),
      'deprecated-image-ids': withdrawn.filter((id) => this.ecs.image(id)),
      changed: isOnlyPruning(first) || outputs.changed,
      // That instances cannot be listed is no failure.
      'affected-instance-ids': first.outputs['affected-instance-ids'] && outputs['affected-instance-ids'],
    })
  }

  #writesSince(from: number): string[] {
    return this.ecs.requests
      .slice(from)
      .filter(({ write, dryRun, code }) => write && !dryRun && code === undefined)
      .map(({ action }) => action)
  }

  async #runAgain({ pick, crash }: Extract<RegionsEvent, { event: 're-run' }>): Promise<void> {
    const run = among(this.#runs, pick)
    if (!run) return
    this.ecs.clock.advance(60)
    const before = this.world.currents()
    const { decidedSince, inputs } = run
    // A run that found nothing to do has decided nothing.
    const hadSettled = run.settled?.outputs.changed === 'true'
    await this.attempt(run, { crash })
    for (const [index, region] of places.entries()) {
      // What a bake has not come to yet is no decision: its image comes late.
      const later = inputs.mode === 'bake' ? undefined : decidedSince.find(({ regions }) => regions.includes(region))
      // Known, see stories.test.ts: what is put before its copy by hand, a bake takes for a late copy.
      const isKnown = inputs.mode !== 'bake' || !isByHand(this.ecs.image(before[index] ?? ''))
      if (!(hadSettled && isKnown) && !later) continue
      const why = hadSettled ? 'had done its work before' : `undid what run ${later?.by} decided`
      const now = this.ecs.current('web', region)
      this.hold(now === before[index], `run ${run.id} again ${why}: ${region} now serves ${now}, not ${before[index]}`)
    }
  }

  // ── Attempts ───────────────────────────────────────────────────────────────

  /** One attempt of a run, with everything that has to hold for it. */
  async attempt(run: Begun, trial: Trial): Promise<Walk> {
    run.attempts += 1
    // What is being created gets ready first: that it becomes current is nobody's doing.
    this.ecs.clock.advance(60)
    this.world.learnNames()
    const from = this.ecs.requests.length
    const { answers, wrongs, signal } = this.#watch(run, trial)
    const { id, attempts: attempt, inputs } = run
    const walked = await walk(this.ecs, inputs, { run: { id, attempt }, signal })
    this.ecs.intercept = undefined
    this.world.learnNames()
    const changes = [...answers].flatMap(([region, served]) =>
      served.length > 1 ? [`${region}: ${served.join(' → ')}`] : [],
    )
    this.#story.push(storyOf(run, trial, `${walked.failure?.what ?? walked.headline}; ${changes.join('; ')}`))
    this.#holdNone(wrongs)
    this.#holdNone(wrongAnswers(run, answers))
    this.#holdNone(imagesMadeTwice(this.ecs))
    this.#holdNone(wrongOutcome(this.ecs, run, walked, { writes: this.#writesSince(from), changes }))
    run.decidedSince = []
    // A process that is dead says nothing, whatever it would have said.
    if (!walked.failure && !signal.aborted) this.#settle(run, walked, changes)
    return walked
  }

  #settle(run: Begun, walked: Walk, changes: readonly string[]): void {
    run.settled = walked
    if (changes.length === 0) return
    for (const other of this.#runs) {
      // By the numbers of workflow runs alone can one without a record tell who came later.
      if (other.id < run.id) other.decidedSince.push({ by: run.id, regions: run.regions })
    }
  }

  /** Before and after each request: what is served, what is deleted, and whether it gets through. */
  #watch(run: Begun, { crash, trouble }: Trial) {
    const { ecs } = this
    const over = new AbortController()
    const from = ecs.requests.length
    const answers = new Map(places.map((region) => [region, [ecs.current('web', region)]]))
    const wrongs: string[] = []
    const strike = troubling(trouble)
    ecs.intercept = (phase, record) => {
      const number = record.index - from
      for (const [region, served] of answers) {
        const now = ecs.current('web', region)
        // What changes while a request is carried out is this run's doing; an image that gets ready between two is not.
        if (phase === 'before') served.splice(-1, 1, now)
        else if (now !== served.at(-1)) served.push(now)
        if (now === undefined && served.at(-2) !== undefined) wrongs.push(`the family in ${region} is empty`)
      }
      if (phase === 'before') wrongs.push(...wrongDeletion(this.world, run.inputs, record))
      if (crash && phase === 'after' && number === crash.at) over.abort()
      if (phase === 'after') return
      if (crash?.how === 'killed' && number > crash.at) throw new Error('The process is dead.')
      strike(number, record)
    }
    return { answers, wrongs, signal: over.signal }
  }
}

/** @returns throws for each request that the trouble is about */
function troubling(trouble: Trouble | undefined): (number: number, record: RequestRecord) => void {
  let left = trouble?.requests ?? 0
  return (number, { region }) => {
    const isMeant = trouble && number >= trouble.from && region === places[trouble.place] && left > 0
    if (!isMeant || (!trouble.denied && left >= 5)) return
    left -= 1
    throw trouble.denied ? denial() : unavailable()
  }
}

const storyOf = ({ id, attempts, inputs }: Begun, { crash, trouble }: Trial, end: string): string =>
  `run ${id}/${attempts} ${JSON.stringify(inputs)}${crash ? ` ${crash.how} at ${crash.at}` : ''}${trouble ? ` trouble ${JSON.stringify(trouble)}` : ''}: ${end}`

/** Each region serves another image at most once in an attempt, and only where the run names it. */
const wrongAnswers = (
  { id, regions }: Begun,
  answers: ReadonlyMap<string, readonly (string | undefined)[]>,
): string[] =>
  [...answers].flatMap(([region, { length }]) => [
    ...(length > 2 ? [`run ${id} changed what ${region} serves ${length - 1} times`] : []),
    ...(length > 1 && !regions.includes(region)
      ? [`run ${id} changed what ${region} serves, which it does not name`]
      : []),
  ])
