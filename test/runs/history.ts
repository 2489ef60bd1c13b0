/**
 * Random histories of a family in one region, against the local ECS: runs, crashes, re-runs and people in the console,
 * with what must hold after each of them. Used by the property tests and, for longer, by the soak.
 */
import fc from 'fast-check'
import type { Inputs } from '../action/runner.ts'
import type { LocalEcs } from '../local-ecs/server.ts'
import { startEcs, timeless } from '../scenarios.ts'
import { type Walk, walk } from './walk.ts'

type Kind = 'bake' | 'promote-candidate' | 'promote-image' | 'rollback' | 'rollback-to' | 'quarantine'

export type Event =
  /** A workflow run; `crashAt` is the request after which its process dies. `pick` chooses among what there is. */
  | { readonly event: 'run'; readonly kind: Kind; readonly pick: number; readonly crashAt: number | undefined }
  /** An earlier run is re-run. */
  | { readonly event: 're-run'; readonly pick: number; readonly crashAt: number | undefined }
  /** Somebody deprecates or restores an image in the console. */
  | { readonly event: 'console'; readonly pick: number }
  | { readonly event: 'time'; readonly minutes: number }

const crash = fc.option(fc.nat(18), { nil: undefined, freq: 2 })
const pick = fc.nat(1000)

export const events: fc.Arbitrary<readonly Event[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        event: fc.constant('run' as const),
        kind: fc.constantFrom<Kind>(
          'bake',
          'promote-candidate',
          'promote-image',
          'rollback',
          'rollback-to',
          'quarantine',
        ),
        pick,
        crashAt: crash,
      }),
    },
    { weight: 4, arbitrary: fc.record({ event: fc.constant('re-run' as const), pick, crashAt: crash }) },
    { weight: 1, arbitrary: fc.record({ event: fc.constant('console' as const), pick }) },
    { weight: 1, arbitrary: fc.record({ event: fc.constant('time' as const), minutes: fc.constantFrom(1, 31) }) },
  ),
  { minLength: 3, maxLength: 9 },
)

interface Begun {
  readonly id: number
  readonly inputs: Inputs
  attempts: number
  /** The family's answer when the last attempt ended well. */
  settled: Walk | undefined
}

export class History {
  readonly #ecs: LocalEcs
  readonly #instance: string
  readonly #runs: Begun[] = []
  readonly story: string[] = []

  private constructor(ecs: LocalEcs) {
    this.#ecs = ecs
    this.#instance = ecs.seed.instance({ status: 'Stopped' }).id
    for (const day of [1, 2, 3]) this.#seed('web', day)
    for (const day of [4, 5]) this.#seed('web-candidate', day)
  }

  static async begin(): Promise<History> {
    return new History(await startEcs())
  }

  #seed(family: string, day: number): void {
    this.#ecs.seed.image({ family, name: `${family}-${day}`, createdAt: `2026-03-0${day}T10:00:00Z` })
  }

  end(): Promise<void> {
    return this.#ecs.close()
  }

  async live(event: Event): Promise<void> {
    const current = this.#ecs.current('web')
    switch (event.event) {
      case 'time':
        this.#ecs.clock.advance(event.minutes * 60)
        return
      case 'console':
        this.#inConsole(event.pick)
        return
      case 'run':
        await this.#run(event)
        break
      case 're-run':
        await this.#runAgain(event)
        break
    }
    if (current !== undefined) this.#hold(this.#ecs.current('web') !== undefined, 'the family resolves to nothing')
  }

  #hold(truth: boolean, otherwise: string): void {
    if (!truth)
      throw new Error(
        `${otherwise}\n${this.story.join('\n')}\n${JSON.stringify(
          this.#ecs.images().map(({ id, family, status, tags }) => ({ id, family, status, tags })),
          null,
          1,
        )}`,
      )
  }

  #among<T>(things: readonly T[], pick: number): T | undefined {
    return things[pick % Math.max(1, things.length)]
  }

  #inConsole(pick: number): void {
    const members = this.#ecs.images().filter(({ family }) => family === 'web')
    const image = this.#among(members, pick)
    const available = members.filter(({ status }) => status === 'Available').length
    if (!image || (image.status === 'Available' && available < 2)) return
    this.story.push(`console: ${image.id} is ${image.status}, changed`)
    this.#ecs.change(image.id, { status: image.status === 'Available' ? 'Deprecated' : 'Available' })
  }

  #inputs(kind: Kind, pick: number): Inputs {
    const web = { family: 'web' }
    const members = this.#ecs.images().filter(({ family }) => family === 'web')
    const image = this.#among(members, pick)?.id ?? ''
    switch (kind) {
      case 'bake':
        return { ...web, mode: 'bake', family: pick % 2 ? 'web' : 'web-candidate', 'instance-id': this.#instance }
      case 'promote-candidate':
        return { ...web, mode: 'promote', 'from-family': 'web-candidate' }
      case 'promote-image':
        return { ...web, mode: 'promote', 'image-id': image, 'deprecate-newer': 'true' }
      case 'rollback':
        return { ...web, mode: 'rollback' }
      case 'rollback-to':
        return { ...web, mode: 'rollback', 'to-image-id': image }
      case 'quarantine':
        return { ...web, mode: 'rollback', 'quarantine-family': 'web-bad' }
    }
  }

  async #run({ kind, pick, crashAt }: Extract<Event, { event: 'run' }>): Promise<void> {
    const run: Begun = {
      id: 1000 + this.#runs.length,
      inputs: this.#inputs(kind, pick),
      attempts: 0,
      settled: undefined,
    }
    this.#runs.push(run)
    const before = this.#ecs.current('web')
    const walked = await this.#attempt(run, crashAt)
    if (walked.failure) return
    await this.#isSettled(run)
    if (kind === 'promote-candidate' && walked.outputs.changed === 'true' && before !== undefined) {
      await this.#rollbackRestores(before)
    }
  }

  /** What a promotion brought, a rollback takes back. */
  async #rollbackRestores(before: string): Promise<void> {
    const rollback: Begun = {
      id: 1000 + this.#runs.length,
      inputs: this.#inputs('rollback', 0),
      attempts: 0,
      settled: undefined,
    }
    this.#runs.push(rollback)
    const { failure } = await this.#attempt(rollback, undefined)
    this.#hold(
      failure === undefined && this.#ecs.current('web') === before,
      `rollback after promote did not restore ${before}: ${failure?.what}`,
    )
  }

  /** Planning what is already so plans nothing: the same run again writes nothing and says the same. */
  async #isSettled(run: Begun): Promise<void> {
    const outputs = run.settled?.outputs
    const from = this.#ecs.requests.length
    const again = await this.#attempt(run, undefined)
    const writes = this.#ecs.requests.slice(from).filter(({ write, dryRun }) => write && !dryRun)
    this.#hold(writes.length === 0, `run ${run.id} again wrote ${writes.map(({ action }) => action).join(', ')}`)
    const { plan: _, ...same } = again.outputs
    const { plan: __, ...said } = outputs ?? {}
    this.#hold(
      JSON.stringify(timeless(same)) === JSON.stringify(timeless(said)),
      `run ${run.id} again says ${JSON.stringify(same)}, not ${JSON.stringify(said)}`,
    )
  }

  async #runAgain({ pick, crashAt }: Extract<Event, { event: 're-run' }>): Promise<void> {
    const run = this.#among(this.#runs, pick)
    if (!run) return
    // What is being created gets ready first: that it becomes current is nobody's doing.
    this.#ecs.clock.advance(60)
    const before = this.#ecs.current('web')
    const isLast = this.#runs.at(-1) === run
    // A run that found nothing to do has decided nothing.
    const hadSettled = run.settled?.outputs.changed === 'true'
    await this.#attempt(run, crashAt)
    // One that has carried out its decision undoes nothing that came later, whoever decided it.
    if (hadSettled && !isLast) {
      this.#hold(this.#ecs.current('web') === before, `run ${run.id} again undid a later decision`)
    }
  }

  /** One attempt of a run, in which the family's answer changes at most once. */
  async #attempt(run: Begun, crashAt: number | undefined): Promise<Walk> {
    run.attempts += 1
    const crash = new AbortController()
    const from = this.#ecs.requests.length
    const answers = [this.#ecs.current('web')]
    // What changes while a request is carried out is this run's doing; an image that gets ready between two is not.
    this.#ecs.intercept = (phase, { index }) => {
      const now = this.#ecs.current('web')
      if (phase === 'before') answers.splice(-1, 1, now)
      else if (now !== answers.at(-1)) answers.push(now)
      if (phase === 'after' && crashAt !== undefined && index - from === crashAt) crash.abort()
    }
    const { id, attempts: attempt, inputs } = run
    const walked = await walk(this.#ecs, inputs, { run: { id, attempt }, signal: crash.signal })
    this.#ecs.intercept = undefined
    this.story.push(
      `run ${run.id}/${run.attempts} ${JSON.stringify(run.inputs)}${crashAt === undefined ? '' : ` crash after ${crashAt}`}: ${walked.failure?.what ?? walked.headline}; web: ${answers.join(' → ')}`,
    )
    this.#hold(answers.length <= 2, `run ${run.id} changed the family's answer ${answers.length - 1} times`)
    if (!walked.failure) run.settled = walked
    return walked
  }
}
