import { describe, expect, test } from 'vitest'
import {
  all,
  interpret,
  type Query,
  type QueryGenerator,
  query,
  queryAll,
  queryEach,
} from '../../src/family/plan/query.ts'
import { there } from './fake-ecs.ts'
import { region, x } from './images.ts'
import { concludeIn } from './planning.ts'

const look = (name: string): Query => ({ ask: 'named', region, name })

/** Asks so many times, each time one more question, and returns the answers. */
function* asking(who: string, times: number): QueryGenerator<readonly unknown[]> {
  const answers: unknown[] = []
  for (let turn = 1; turn <= times; turn++) {
    answers.push(...(yield* query(...Array.from({ length: turn }, (_, nth) => look(`${who}${turn}${nth}`)))))
  }
  return answers
}

/** Drives a planning by hand: what it asks at a time, and what comes of it. */
function drive<Result>(planning: QueryGenerator<Result>) {
  const turns: string[][] = []
  let turn = planning.next()
  while (!turn.done) {
    const names = turn.value.map((question) => ('name' in question ? question.name : question.ask))
    turns.push(names)
    turn = planning.next(names.map((name) => `answer to ${name}`))
  }
  return { turns, result: turn.value }
}

describe('together', () => {
  test('asks at the same time what is asked at the same time, and gives each its own answers', () => {
    expect(drive(all([asking('a', 2), asking('b', 2)]))).toEqual({
      turns: [
        ['a10', 'b10'],
        ['a20', 'a21', 'b20', 'b21'],
      ],
      result: [
        ['answer to a10', 'answer to a20', 'answer to a21'],
        ['answer to b10', 'answer to b20', 'answer to b21'],
      ],
    })
  })

  test('takes as many turns as the longest, and the results stand in the order of the plannings', () => {
    const { turns, result } = drive(all([asking('a', 3), asking('b', 0), asking('c', 1)]))
    expect(turns).toEqual([
      ['a10', 'c10'],
      ['a20', 'a21'],
      ['a30', 'a31', 'a32'],
    ])
    expect(result.map(({ length }) => length)).toEqual([6, 0, 1])
  })

  test('of none: asks nothing', () => {
    expect(drive(all([]))).toEqual({ turns: [], result: [] })
  })

  test('of plannings that ask nothing: asks nothing, though they return undefined', () => {
    function* silent(): QueryGenerator<undefined> {
      yield* query()
      return undefined
    }
    expect(drive(all([silent(), silent()]))).toEqual({ turns: [], result: [undefined, undefined] })
  })

  test('within itself', () => {
    const nested = all([all([asking('a', 1), asking('b', 2)]), all([asking('c', 1)])])
    expect(drive(nested).turns).toEqual([
      ['a10', 'b10', 'c10'],
      ['b20', 'b21'],
    ])
  })

  test('an answer of undefined is an answer', () => {
    function* one(): QueryGenerator<unknown> {
      const [current] = yield* query({ ask: 'current', region, family: 'web' })
      return current ?? 'nothing'
    }
    expect(concludeIn(all([one(), one()]), there()).result).toEqual(['nothing', 'nothing'])
  })

  test('what one of them throws is thrown', () => {
    function* broken(): QueryGenerator<never> {
      yield* query(look('a'))
      throw new Error('broken')
    }
    expect(() => drive(all([asking('a', 1), broken()]))).toThrow('broken')
  })

  test('answered side by side: nobody waits for another', async () => {
    const open: string[] = []
    let most = 0
    const answer = async (question: Query) => {
      open.push('name' in question ? question.name : '')
      most = Math.max(most, open.length)
      await new Promise((done) => setTimeout(done, 1))
      open.pop()
      return 'x'
    }
    await interpret(all([asking('a', 1), asking('b', 1), asking('c', 1)]), answer)
    expect(most).toBe(3)
  })
})

describe('the ways to ask', () => {
  test('nothing at all is no turn', () => {
    expect(drive(query())).toEqual({ turns: [], result: [] })
    expect(drive(queryEach([], () => look('a')))).toEqual({ turns: [], result: [] })
    expect(drive(queryAll({ one: undefined }))).toEqual({ turns: [], result: {} })
  })

  test('by name: what is undefined is not asked, and not answered', () => {
    expect(drive(queryAll({ one: look('a'), two: undefined, three: look('c') }))).toEqual({
      turns: [['a', 'c']],
      result: { one: 'answer to a', three: 'answer to c' },
    })
  })

  test('about several things: each with its answer', () => {
    expect(drive(queryEach(['a', 'b'], look))).toEqual({
      turns: [['a', 'b']],
      result: [
        { thing: 'a', answer: 'answer to a' },
        { thing: 'b', answer: 'answer to b' },
      ],
    })
  })

  test('of a situation', () => {
    expect(concludeIn(query({ ask: 'image', region, image: 'm-x' }), there(x)).result).toEqual([x])
  })
})
