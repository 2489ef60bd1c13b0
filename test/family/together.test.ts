import { describe, expect, test } from 'vitest'
import { ask, askAll, askEach, conclude, type Planning, type Question, together } from '../../src/family/question.ts'
import { concludeIn, region, there, x } from './situation.ts'

const look = (name: string): Question => ({ ask: 'named', region, name })

/** Asks so many times, each time one more question, and returns the answers. */
function* asking(who: string, times: number): Planning<readonly unknown[]> {
  const answers: unknown[] = []
  for (let turn = 1; turn <= times; turn++) {
    answers.push(...(yield* ask(...Array.from({ length: turn }, (_, nth) => look(`${who}${turn}${nth}`)))))
  }
  return answers
}

/** Drives a planning by hand: what it asks at a time, and what comes of it. */
function drive<Result>(planning: Planning<Result>) {
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
    expect(drive(together([asking('a', 2), asking('b', 2)]))).toEqual({
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
    const { turns, result } = drive(together([asking('a', 3), asking('b', 0), asking('c', 1)]))
    expect(turns).toEqual([
      ['a10', 'c10'],
      ['a20', 'a21'],
      ['a30', 'a31', 'a32'],
    ])
    expect(result.map(({ length }) => length)).toEqual([6, 0, 1])
  })

  test('of none: asks nothing', () => {
    expect(drive(together([]))).toEqual({ turns: [], result: [] })
  })

  test('of plannings that ask nothing: asks nothing, though they return undefined', () => {
    function* silent(): Planning<undefined> {
      yield* ask()
      return undefined
    }
    expect(drive(together([silent(), silent()]))).toEqual({ turns: [], result: [undefined, undefined] })
  })

  test('within itself', () => {
    const nested = together([together([asking('a', 1), asking('b', 2)]), together([asking('c', 1)])])
    expect(drive(nested).turns).toEqual([
      ['a10', 'b10', 'c10'],
      ['b20', 'b21'],
    ])
  })

  test('an answer of undefined is an answer', () => {
    function* one(): Planning<unknown> {
      const [current] = yield* ask({ ask: 'current', region, family: 'web' })
      return current ?? 'nothing'
    }
    expect(concludeIn(together([one(), one()]), there()).result).toEqual(['nothing', 'nothing'])
  })

  test('what one of them throws is thrown', () => {
    function* broken(): Planning<never> {
      yield* ask(look('a'))
      throw new Error('broken')
    }
    expect(() => drive(together([asking('a', 1), broken()]))).toThrow('broken')
  })

  test('answered side by side: nobody waits for another', async () => {
    const open: string[] = []
    let most = 0
    const answer = async (question: Question) => {
      open.push('name' in question ? question.name : '')
      most = Math.max(most, open.length)
      await new Promise((done) => setTimeout(done, 1))
      open.pop()
      return 'x'
    }
    await conclude(together([asking('a', 1), asking('b', 1), asking('c', 1)]), answer)
    expect(most).toBe(3)
  })
})

describe('the ways to ask', () => {
  test('nothing at all is no turn', () => {
    expect(drive(ask())).toEqual({ turns: [], result: [] })
    expect(drive(askEach([], () => look('a')))).toEqual({ turns: [], result: [] })
    expect(drive(askAll({ one: undefined }))).toEqual({ turns: [], result: {} })
  })

  test('by name: what is undefined is not asked, and not answered', () => {
    expect(drive(askAll({ one: look('a'), two: undefined, three: look('c') }))).toEqual({
      turns: [['a', 'c']],
      result: { one: 'answer to a', three: 'answer to c' },
    })
  })

  test('about several things: each with its answer', () => {
    expect(drive(askEach(['a', 'b'], look))).toEqual({
      turns: [['a', 'b']],
      result: [
        { thing: 'a', answer: 'answer to a' },
        { thing: 'b', answer: 'answer to b' },
      ],
    })
  })

  test('of a situation', () => {
    expect(concludeIn(ask({ ask: 'image', region, image: 'm-x' }), there(x)).result).toEqual([x])
  })
})
