/** Answers what the planners ask: looks are ECS's to answer, waiting and time are ours. */

import { type FamilyRef, type Image, isPending } from '../family/model/image.ts'
import type { Instance } from '../family/model/instance.ts'
import { originOf } from '../family/model/origin.ts'
import { tag } from '../family/model/tags.ts'
import type { Query } from '../family/plan/query.ts'
import { type Clock, consistencyIntervals } from './clock.ts'
import type { Ecs, Log } from './ports.ts'
import { waitForImage } from './wait-for-image.ts'

/** What has been seen so far, for the report: the last answer about each. */
export class Seen {
  readonly images = new Map<string, Image>()
  readonly #current = new Map<string, Image | undefined>()
  readonly #members = new Map<string, readonly Image[]>()
  readonly #origins = new Map<string, string>()
  /** Planners of several regions wait out the lag together. */
  readonly lags = new Map<Extract<Query, { ask: 'lag' }>['of'], Promise<void>>()

  note(question: Query, answer: unknown): void {
    if (question.ask === 'current') this.#current.set(keyOf(question), answer as Image | undefined)
    if (question.ask === 'members') this.#members.set(keyOf(question), answer as readonly Image[])
    for (const image of [answer].flat()) if (isImage(image)) this.noteImage(image)
  }

  noteImage(image: Image): void {
    // What a family resolves to is told without it.
    const usable = image.usable ?? this.images.get(image.id)?.usable
    this.images.set(image.id, { ...image, usable })
    // Not every answer of ECS need hold the tags.
    const isClear = tag.origin in image.tags || !this.#origins.has(image.id)
    if (isClear) this.#origins.set(image.id, originOf(image))
  }

  /** What was said of a family no longer holds, and what does was not looked at. */
  forget(family: FamilyRef): void {
    this.#current.delete(keyOf(family))
    this.#members.delete(keyOf(family))
  }

  /** Whether it is known what the family resolves to. */
  knows(family: FamilyRef): boolean {
    return this.#current.has(keyOf(family))
  }

  /** What ECS said last that the family resolves to. */
  currentOf(family: FamilyRef): Image | undefined {
    return this.#current.get(keyOf(family))
  }

  /** Undefined when they were not looked at. */
  membersOf(family: FamilyRef): readonly Image[] | undefined {
    return this.#members.get(keyOf(family))
  }

  /** Of an image that was seen: what its copies have in common. */
  originOf(id: string): string {
    return this.#origins.get(id) ?? id
  }

  /** Families whose answers were looked at, in that order. */
  get families(): readonly FamilyRef[] {
    return [...this.#current.keys()].map((key) => JSON.parse(key) as FamilyRef)
  }
}

const keyOf = ({ region, family }: FamilyRef): string => JSON.stringify({ region, family })

const isImage = (value: unknown): value is Image =>
  typeof value === 'object' && value !== null && 'creationTime' in value

const isOnItsWay = (instance: Instance | undefined): boolean =>
  ['Pending', 'Starting', 'Stopping'].includes(instance?.status ?? '')

export interface Observing {
  readonly ecs: Ecs
  readonly clock: Clock
  readonly log: Log
  readonly seen: Seen
  /** Look once where a real run would wait. */
  readonly dryRun: boolean
}

export async function answer(question: Query, observing: Observing): Promise<unknown> {
  const { ecs, clock, log, seen, dryRun } = observing
  switch (question.ask) {
    case 'time':
      return ecs.now()
    case 'lag':
      if (seen.lags.has(question.of)) return await seen.lags.get(question.of)
      log.info('Waiting out the time that reads may lag behind writes, then looking again.')
      seen.lags.set(question.of, clock.wait(consistencyIntervals))
      await seen.lags.get(question.of)
      if (question.of === 'others') seen.lags.delete(question.of)
      return undefined
    case 'permitted':
      return await ecs.wouldPermit(question.step)
    case 'settled': {
      const look = { ask: 'image', region: question.region, image: question.image } as const
      const judge = (image: Image | undefined) => (image && isPending(image) ? 'on its way' : 'good')
      const image = dryRun ? await ecs.look(look) : (await waitForImage(() => ecs.look(look), judge, observing)).seen
      seen.note(look, image)
      return image
    }
    case 'instance': {
      const look = () => ecs.look(question)
      return dryRun ? await look() : await clock.poll(look, (instance) => !isOnItsWay(instance))
    }
    default: {
      const seenNow = await ecs.look(question)
      seen.note(question, seenNow)
      return seenNow
    }
  }
}
