/** What comes of one run, over all its attempts, as seen from ECS. */
import type { LocalEcs, RequestRecord } from '../local-ecs/server.ts'
import { regions } from '../scenarios.ts'

export class Watch {
  /** What the family has answered, in each region: each time that it changed. */
  readonly answers: (string | undefined)[][]
  /** What has been changed for people to see, one entry an effect: however many requests it took. */
  readonly effects: string[] = []
  readonly #ecs: LocalEcs

  constructor(ecs: LocalEcs) {
    this.#ecs = ecs
    this.answers = this.served.map((id) => [id])
  }

  get served(): (string | undefined)[] {
    return regions.map((region) => this.#ecs.current('web', region))
  }

  see(request: RequestRecord): void {
    for (const [index, id] of this.served.entries()) {
      if (this.answers[index]?.at(-1) !== id) this.answers[index]?.push(id)
    }
    const isRefused = 'Code' in (request.answer as object)
    if (request.write && !request.dryRun && !isRefused) this.effects.push(...effectsOf(request))
  }
}

/** The record of a decision is the action's own business. */
function effectsOf({ action, parameters }: RequestRecord): string[] {
  if (action === 'UntagResources' || /"image-family:/.test(JSON.stringify(parameters))) {
    if (/TagResources$/.test(action)) return []
  }
  const { RegionId: _, ClientToken, Description, ...rest } = parameters
  const isListed = ([name]: [string, string]) => /^(AddAccount|RemoveAccount|ResourceId)\.\d+$/.test(name)
  const entries = Object.entries(rest).filter(([name]) => !/^(Tag|Destination(Description|ImageName))\b/.test(name))
  const what = [action, ...entries.filter((entry) => !isListed(entry)).map(([, value]) => value)].join(' ')
  const each = entries.filter(isListed).map(([, value]) => `${what} ${value}`)
  return each.length === 0 ? [what] : each
}
