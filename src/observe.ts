/** Answers what the planners ask: looks are ECS's to answer, waiting and time are ours. */
import { type Image, isPending } from './family/image.ts'
import type { Instance, Question } from './family/question.ts'
import { graceIntervals, type Pace } from './pace.ts'
import type { Ecs, Log } from './ports.ts'
import { watch } from './watch.ts'

/** What has been seen so far, for the report: the last answer about each. */
export class Seen {
  readonly images = new Map<string, Image>()
  readonly current = new Map<string, Image | undefined>()
  readonly members = new Map<string, readonly Image[]>()

  note(question: Question, answer: unknown): void {
    if (question.ask === 'current') this.current.set(question.family, answer as Image | undefined)
    if (question.ask === 'members') this.members.set(question.family, answer as readonly Image[])
    for (const image of [answer].flat()) if (isImage(image)) this.images.set(image.id, image)
  }
}

const isImage = (value: unknown): value is Image =>
  typeof value === 'object' && value !== null && 'creationTime' in value

const isOnItsWay = (instance: Instance | undefined): boolean =>
  ['Pending', 'Starting', 'Stopping'].includes(instance?.status ?? '')

export interface Observing {
  readonly ecs: Ecs
  readonly pace: Pace
  readonly log: Log
  readonly seen: Seen
  /** Look once where a real run would wait. */
  readonly dryRun: boolean
}

export async function answer(question: Question, observing: Observing): Promise<unknown> {
  const { ecs, pace, log, seen, dryRun } = observing
  switch (question.ask) {
    case 'time':
      return ecs.now()
    case 'lag':
      log.info('Waiting out the time that reads may lag behind writes, then looking again.')
      await pace.wait(graceIntervals)
      return undefined
    case 'permitted':
      return await ecs.wouldPermit(question.step)
    case 'settled': {
      const look = { ask: 'image', region: question.region, image: question.image } as const
      const judge = (image: Image | undefined) => (image && isPending(image) ? 'on its way' : 'good')
      const image = dryRun ? await ecs.look(look) : (await watch(() => ecs.look(look), judge, observing)).seen
      seen.note(look, image)
      return image
    }
    case 'instance': {
      const look = () => ecs.look(question)
      return dryRun ? await look() : await pace.until(look, (instance) => !isOnItsWay(instance))
    }
    default: {
      const seenNow = await ecs.look(question)
      seen.note(question, seenNow)
      return seenNow
    }
  }
}
