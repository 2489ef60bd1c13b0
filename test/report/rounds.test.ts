/** The journal joined to the plans: what page and outputs tell of a run that planned more than once. */

import { expect, test } from 'vitest'
import type { Outcome } from '../../src/engine/outcome.ts'
import { plannedSteps } from '../../src/family/plan/plan.ts'
import type { Step } from '../../src/family/plan/steps.ts'
import { report } from '../../src/report/index.ts'
import { bake } from '../family/requests.ts'
import { cancelled, done, failed, failure, home, outcome, planOf } from './outcomes.ts'

const stepsOf = (of: Outcome): string[] =>
  (JSON.parse(report(of).outputs.plan ?? '') as { action: string; target: string }[]).map(
    ({ action, target }) => `${action} ${target}`,
  )

/** Sign and step of each row. */
const rowsOf = (of: Outcome): string[] =>
  report(of)
    .summary.split('\n')
    .flatMap((line) => /^\| (✔|✘|–|not done)? ?\| (\w+) [^|].*\|$/.exec(line)?.slice(1, 3).join(' ') ?? [])

const remove: Step = {
  action: 'delete',
  region: home,
  image: 'm-oldest',
  family: 'web',
  accounts: [],
  snapshots: [],
  decision: undefined,
  run: 'x',
}

const create: Step = {
  action: 'create',
  region: home,
  image: '<new image>',
  create: { ...bake(), name: 'web-42', generation: 0 },
}

const waiting: Step = { action: 'await', region: home, image: '<new image>' }
const newer: Step = { ...remove, image: 'm-older' }

const plan = planOf({ create: () => [create, waiting], prune: () => [newer] })
const [creation, wait, pruning] = plannedSteps(plan)
if (!creation || !wait || !pruning) throw new Error('There is nothing to do.')

/** The family was full: the first round made room, the second did the rest. */
const room = done({ id: `${home}/room/1`, step: remove })
const full = outcome(bake({ keep: 2 }), {
  plan,
  round: 2,
  journal: [
    room,
    done(creation, 2, { image: 'm-new' }),
    done({ ...wait, step: { ...waiting, image: 'm-new' } }, 2),
    done(pruning, 2),
  ],
  images: { [home]: 'm-new' },
})

test('room made in an earlier round stands before the plan; nothing is told that was not done', () => {
  expect(rowsOf(full)).toEqual(['✔ delete', '✔ create', '✔ wait', '✔ delete'])
  expect(report(full).summary).not.toContain('not done')
  expect(stepsOf(full)).toEqual(['delete m-oldest', 'create <new image>', 'await <new image>', 'delete m-older'])
  expect(report(full).outputs.changed).toBe('true')
})

test('the same step of two rounds is two steps', () => {
  const twice = { ...full, journal: [done(creation, 1, { image: 'm-gone' }), ...full.journal.slice(1)] }
  expect(rowsOf(twice)).toEqual(['✔ create', '✔ create', '✔ wait', '✔ delete'])
})

test('of the last plan, what the run did not come to is not done', () => {
  const journal = [room, done(creation, 2, { image: 'm-new' }), { ...failed(wait, cancelled), round: 2 }]
  const of = { ...full, journal, failure: failure(journal) }
  expect(rowsOf(of)).toEqual(['✔ delete', '✔ create', '✘ wait', 'not done delete'])
  expect(stepsOf(of)).toEqual(stepsOf(full))
})

test('a dry run has done nothing, and leaves nothing undone', () => {
  const dry = outcome(bake({ keep: 2, dryRun: true }), { plan })
  expect(rowsOf(dry)).toEqual([' create', ' wait', ' delete'])
  expect(report(dry)).toMatchObject({
    headline: 'Dry run: 3 steps planned, nothing changed',
    outputs: { changed: 'false' },
  })
})

test('what a round made before a refusal is told, and nothing of a plan that there is not', () => {
  const refusal = { kind: 'refuse', code: 'would-empty', reason: 'It would be empty.', remedy: 'Allow it.' } as const
  const of = { ...full, plan: refusal, journal: [done(creation, 1, { image: 'm-new' })] }
  expect(stepsOf(of)).toEqual(['create <new image>'])
  expect(rowsOf(of)).toEqual(['✔ create'])
})

test('of images that were not deleted, only those that are kept are told', () => {
  const reason = 'a reason for people, which decides nothing'
  const journal = (['kept', 'already-deleted'] as const).map((skipped) =>
    done(pruning, 2, { state: 'skipped', skipped, reason }),
  )
  const warnings = (entry: (typeof journal)[number] | undefined) =>
    report({ ...full, journal: entry ? [entry] : [] }).notices.map(({ text }) => text)
  expect(journal.map(warnings)).toEqual([[`m-older was not deleted: ${reason}.`], []])
})

test('an outcome is plain data: it tells the same when it was stored as JSON', () => {
  expect(report(JSON.parse(JSON.stringify(full)) as Outcome)).toEqual(report(full))
})

test('a deletion that failed again in a later round is told once', () => {
  const refused = { code: 'step', reason: 'It is public.', remedy: 'Unpublish it.' } as const
  const tries = [1, 2].map((round) =>
    done({ id: `${home}/${round === 1 ? 'room' : 'prune'}/1`, step: remove }, round, {
      state: 'failed',
      error: refused,
      tolerated: true,
    }),
  )
  const { notices } = report(outcome(bake({ keep: 2 }), { plan, round: 2, journal: tries }))
  expect(notices.filter(({ text }) => text.includes('It is public.'))).toHaveLength(1)
})
