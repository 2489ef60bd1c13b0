/**
 * What a planner may ask about the world. A planner is a generator: it yields queries, gets the answers, and returns a
 * plan. So it reads like sequential code, asks only for what it needs, and is pure: the same answers give the same plan,
 * whoever answers.
 */
import type { FamilyRef, Image } from '../model/image.ts'
import type { Instance } from '../model/instance.ts'
import type { DryRunStep } from './steps.ts'

/**
 * Why ECS would refuse a step: who asks, the image's shares, a full family, a name that is taken, a state that changes by
 * itself, or something else about the request.
 */
export type Obstacle = 'identity' | 'shared' | 'family-full' | 'name-taken' | 'busy' | 'request'

export type Permission =
  | { readonly granted: true }
  | {
      readonly granted: false
      readonly obstacle: Obstacle
      readonly reason: string
    }

interface ImageParameters {
  readonly region: string
  readonly image: string
}

/** Each kind of query with its parameters and the type of its answer. */
interface QueryTypes {
  /** The image that the family resolves to (DescribeImageFromFamily). */
  readonly current: { parameters: FamilyRef; answer: Image | undefined }
  /** All own images of the family, whatever their status. */
  readonly members: { parameters: FamilyRef; answer: readonly Image[] }
  /** Available images with this family name, whoever owns them. */
  readonly visible: { parameters: FamilyRef; answer: readonly Image[] }
  /** An image by its ID, whatever its status and owner. */
  readonly image: { parameters: ImageParameters; answer: Image | undefined }
  /** The same, but waits while the image is being created (a dry run does not wait). */
  readonly awaited: { parameters: ImageParameters; answer: Image | undefined }
  /** Own images of exactly this name, whatever their status and family. */
  readonly named: { parameters: { region: string; name: string }; answer: readonly Image[] }
  /** Own images created by the run with this key. */
  readonly made: { parameters: { region: string; run: string }; answer: readonly Image[] }
  /** Own images with this origin in their tags, whatever their status and family: the copies of one image. */
  readonly copies: { parameters: { region: string; origin: string }; answer: readonly Image[] }
  /** IDs of own images of the family that instances use. */
  readonly used: { parameters: FamilyRef; answer: readonly string[] }
  /** IDs of snapshots that this run has claimed in order to delete them with their images, and that nothing uses. */
  readonly leftovers: { parameters: { region: string; run: string }; answer: readonly string[] }
  /** IDs of those snapshots whose own tags say that the run with this key deletes them. */
  readonly claimed: {
    parameters: { region: string; snapshots: readonly string[]; run: string }
    answer: readonly string[]
  }
  /** All own images of the region, whatever their status and family. */
  readonly own: { parameters: { region: string }; answer: readonly Image[] }
  /** IDs of the accounts that the image is shared with. */
  readonly shares: { parameters: ImageParameters; answer: readonly string[] }
  /** An instance. Waits while it is starting or stopping (a dry run does not wait). */
  readonly instance: { parameters: { region: string; instance: string }; answer: Instance | undefined }
  /**
   * Whether ECS would carry out the step, asked with its own DryRun. Waits while a state is in the way that changes by
   * itself; with `once` it answers `busy` instead.
   */
  readonly permitted: { parameters: { step: DryRunStep; once?: true }; answer: Permission }
  /** How many images this process has already deleted in the region, to make room in an earlier round. */
  readonly deleted: { parameters: { region: string }; answer: number }
  /** ECS's time, milliseconds. It needs no request: it comes with the answers to others. */
  readonly time: { parameters: object; answer: number }
  /** Waits for the time that reads may lag behind writes. An earlier attempt may have written tags just before it was lost. */
  readonly lag: {
    /** Whose writes are awaited. Those of an earlier attempt are awaited only once in a run. */
    parameters: { readonly writesOf: 'earlier attempt' | 'others' }
    answer: undefined
  }
}

export type QueryKind = keyof QueryTypes
export type Query = { [K in QueryKind]: { readonly ask: K } & QueryTypes[K]['parameters'] }[QueryKind]
export type Answer<Q extends Query> = QueryTypes[Q['ask']]['answer']

export type QueryGenerator<Result> = Generator<readonly Query[], Result, readonly unknown[]>

/** Asks queries side by side. @returns the answers in the same order */
export function* query<const Q extends readonly Query[]>(
  ...queries: Q
): QueryGenerator<{ -readonly [I in keyof Q]: Answer<Q[I]> }> {
  // The one place where answers get their types: whoever drives a planner answers in order and by kind.
  return (queries.length === 0 ? [] : yield queries) as { -readonly [I in keyof Q]: Answer<Q[I]> }
}

/** A result that needs no query. */
export function* withoutQuery<Result>(result: Result): QueryGenerator<Result> {
  yield* query()
  return result
}

type AnswerIfAsked<Q> = Q extends Query ? Answer<Q> : undefined

/** Asks named queries side by side; those that are undefined are not asked. @returns the answers by name */
export function* queryAll<const Qs extends Readonly<Record<string, Query | undefined>>>(
  queries: Qs,
): QueryGenerator<{ -readonly [K in keyof Qs]: AnswerIfAsked<Qs[K]> }> {
  const asked = Object.entries(queries).filter((entry): entry is [string, Query] => entry[1] !== undefined)
  const answers = yield* query(...asked.map(([, each]) => each))
  return Object.fromEntries(asked.map(([name], index) => [name, answers[index]])) as {
    -readonly [K in keyof Qs]: AnswerIfAsked<Qs[K]>
  }
}

/** Asks the same query about several things. */
export function* queryEach<T, const Q extends Query>(
  things: readonly T[],
  queryFor: (thing: T) => Q,
): QueryGenerator<{ thing: T; answer: Answer<Q> }[]> {
  const answers = yield* query(...things.map(queryFor))
  return things.map((thing, index) => ({ thing, answer: answers[index] as Answer<Q> }))
}

/** Runs several planners side by side: queries that they ask at the same time are asked at the same time. */
export function* all<Result>(planners: readonly QueryGenerator<Result>[]): QueryGenerator<Result[]> {
  const turns = planners.map((planner) => planner.next())
  for (;;) {
    const asked = turns.map((turn) => (turn.done ? [] : turn.value))
    const answers = asked.some(({ length }) => length > 0) ? yield asked.flat() : []
    let given = 0
    for (const [index, planner] of planners.entries()) {
      const count = asked[index]?.length ?? 0
      if (count > 0) turns[index] = planner.next(answers.slice(given, given + count))
      given += count
    }
    const results = turns.flatMap((turn) => (turn.done ? [turn.value] : []))
    if (results.length === turns.length) return results
  }
}

/** Runs a planner: answers its queries with `answer` until it returns its result. */
export async function interpret<Result>(
  planner: QueryGenerator<Result>,
  answer: (query: Query) => Promise<unknown>,
): Promise<Result> {
  let turn = planner.next()
  while (!turn.done) turn = planner.next(await Promise.all(turn.value.map(answer)))
  return turn.value
}
