/**
 * What a planner may ask about the world. A planner is a generator: it yields questions, is given the answers, and
 * returns a plan. So it reads like straight code, asks for nothing that it does not need, and stays pure: the same
 * answers give the same plan, whoever answers.
 */
import type { FamilyRef, Image } from '../model/image.ts'
import type { Instance } from '../model/instance.ts'
import type { Step } from './steps.ts'

/** Why ECS would refuse a step: who asks, the image's shares, a full family, or something else about the request. */
export type Obstacle = 'identity' | 'shared' | 'family-full' | 'request'

export type Permission =
  | { readonly granted: true }
  | {
      readonly granted: false
      readonly obstacle: Obstacle
      readonly reason: string
    }

interface ImageRefQuestion {
  readonly region: string
  readonly image: string
}

/** Each question with the type of its answer. */
interface QueryTypes {
  /** What ECS says that the family resolves to (DescribeImageFromFamily). */
  readonly current: { question: FamilyRef; answer: Image | undefined }
  /** All own images of the family, whatever their status. */
  readonly members: { question: FamilyRef; answer: readonly Image[] }
  /** Available images under a family name, whoever owns them. */
  readonly visible: { question: FamilyRef; answer: readonly Image[] }
  /** An image by its ID, whatever its status and owner. */
  readonly image: { question: ImageRefQuestion; answer: Image | undefined }
  /** The same, but waits while it is being created (a dry run does not wait). */
  readonly settled: { question: ImageRefQuestion; answer: Image | undefined }
  /** Own images of exactly this name, whatever their status and family. */
  readonly named: { question: { region: string; name: string }; answer: readonly Image[] }
  /** Own images made by the run of this key. */
  readonly made: { question: { region: string; run: string }; answer: readonly Image[] }
  /** Own images with this origin in their tags, whatever their status and family: copies of one image. */
  readonly copies: { question: { region: string; origin: string }; answer: readonly Image[] }
  /** IDs of own images of the family that instances use. */
  readonly used: { question: FamilyRef; answer: readonly string[] }
  /** IDs of snapshots that this run meant to delete with their images, and that no image uses by now. */
  readonly leftovers: { question: { region: string; run: string }; answer: readonly string[] }
  /** All own images of the region, whatever their status and family. */
  readonly own: { question: { region: string }; answer: readonly Image[] }
  /** IDs of the accounts that the image is shared with. */
  readonly shares: { question: ImageRefQuestion; answer: readonly string[] }
  /** An instance; waits while it is starting or stopping (a dry run does not wait). */
  readonly instance: { question: { region: string; instance: string }; answer: Instance | undefined }
  /** Whether ECS would carry the step out, asked with its own DryRun. */
  readonly permitted: { question: { step: Step }; answer: Permission }
  /** ECS's time, milliseconds. No request: it comes with the answers to others. */
  readonly time: { question: object; answer: number }
  /** Lets the time pass that tags may lag behind (an earlier attempt may have written some just before it died). */
  readonly lag: {
    /** What an earlier attempt has written needs to be waited for once only. */
    question: { readonly of: 'earlier attempt' | 'others' }
    answer: undefined
  }
}

export type Kind = keyof QueryTypes
export type Query = { [K in Kind]: { readonly ask: K } & QueryTypes[K]['question'] }[Kind]
export type Answer<Q extends Query> = QueryTypes[Q['ask']]['answer']

export type QueryGenerator<Result> = Generator<readonly Query[], Result, readonly unknown[]>

/** Asks side by side and returns the answers in the same order. */
export function* query<const Q extends readonly Query[]>(
  ...questions: Q
): QueryGenerator<{ -readonly [I in keyof Q]: Answer<Q[I]> }> {
  // The one place where answers get their types: whoever drives a planner answers in order and by kind.
  return (questions.length === 0 ? [] : yield questions) as { -readonly [I in keyof Q]: Answer<Q[I]> }
}

/** A result for which nothing has to be asked. */
export function* withoutQuery<Result>(result: Result): QueryGenerator<Result> {
  yield* query()
  return result
}

type AnswerToMaybe<Q> = Q extends Query ? Answer<Q> : undefined

/** Asks side by side by name; what is undefined is not asked. */
export function* queryAll<const Qs extends Readonly<Record<string, Query | undefined>>>(
  questions: Qs,
): QueryGenerator<{ -readonly [K in keyof Qs]: AnswerToMaybe<Qs[K]> }> {
  const asked = Object.entries(questions).filter((entry): entry is [string, Query] => entry[1] !== undefined)
  const answers = yield* query(...asked.map(([, question]) => question))
  return Object.fromEntries(asked.map(([name], index) => [name, answers[index]])) as {
    -readonly [K in keyof Qs]: AnswerToMaybe<Qs[K]>
  }
}

/** The same question about several things. */
export function* queryEach<T, const Q extends Query>(
  things: readonly T[],
  question: (thing: T) => Q,
): QueryGenerator<{ thing: T; answer: Answer<Q> }[]> {
  const answers = yield* query(...things.map(question))
  return things.map((thing, index) => ({ thing, answer: answers[index] as Answer<Q> }))
}

/** Several plannings side by side: what they ask at the same time is asked at the same time. */
export function* all<Result>(plannings: readonly QueryGenerator<Result>[]): QueryGenerator<Result[]> {
  const turns = plannings.map((planning) => planning.next())
  for (;;) {
    const asked = turns.map((turn) => (turn.done ? [] : turn.value))
    const answers = asked.some(({ length }) => length > 0) ? yield asked.flat() : []
    let given = 0
    for (const [index, planning] of plannings.entries()) {
      const count = asked[index]?.length ?? 0
      if (count > 0) turns[index] = planning.next(answers.slice(given, given + count))
      given += count
    }
    const results = turns.flatMap((turn) => (turn.done ? [turn.value] : []))
    if (results.length === turns.length) return results
  }
}

/** Answers every question of a planner with `answer` until it returns its plan. */
export async function interpret<Result>(
  planning: QueryGenerator<Result>,
  answer: (question: Query) => Promise<unknown>,
): Promise<Result> {
  let turn = planning.next()
  while (!turn.done) turn = planning.next(await Promise.all(turn.value.map(answer)))
  return turn.value
}
