import { describe, expect, test } from 'vitest'
import type { ErrorData } from '../../src/engine/action-error.ts'
import { refuse } from '../../src/family/plan/plan.ts'
import { errorText } from '../../src/report/annotations.ts'
import type { Message } from '../../src/report/message.ts'
import { failureMessage } from '../../src/report/messages.ts'
import { invalidInputs, noOutcome, notRestarted } from '../../src/report/outside-of-runs.ts'
import { failurePage } from '../../src/report/page.ts'
import { image } from '../family/images.ts'
import { bake, promote, resolve, rollback } from '../family/requests.ts'
import {
  bad,
  beijing,
  cancelled,
  done,
  everywhere,
  failed,
  failure,
  forbidden,
  home,
  instance,
  old,
  outcome,
  planOf,
  regions,
  rollbackPlan,
  seeing,
  shanghai,
  stepsIn,
  stoppingBake,
  timeLimit,
  unanswered,
} from './outcomes.ts'

function messageOf(of: Parameters<typeof failureMessage>[0]): Message {
  const message = failureMessage(of)
  if (!message) throw new Error('The run succeeded.')
  return message
}

test('a run that succeeded has no message', () => {
  expect(failureMessage(outcome(rollback(), { plan: rollbackPlan([home]) }))).toBeUndefined()
})

test('the title is short, and no sentence', () => {
  const titles = [
    messageOf(stoppingBake('create', forbidden('CreateImage'))),
    messageOf(stoppingBake('await', cancelled)),
    messageOf(stoppingBake('await', timeLimit)),
    messageOf(outcome(rollback(), { plan: refuse('would-empty', 'It would be empty.', 'Allow it.') })),
    messageOf(
      outcome(resolve({ subject: { kind: 'image', image: 'm-1' } }), {
        plan: refuse('not-found', 'There is none.', 'Look.'),
      }),
    ),
    invalidInputs(['`mode` is required.']),
  ].map(({ title }) => title)
  expect(titles).toEqual([
    'Bake of web failed',
    'Bake of web was cancelled',
    'Bake of web ran out of time',
    'Rollback of web refused',
    'Lookup of m-1 refused',
    'Invalid inputs',
  ])
})

describe('an instance that is stopped and not started again', () => {
  const starts = 'The post step of this action starts it again.'

  test.each([
    ['the image is refused', 'create', forbidden('CreateImage')],
    ['whether the image was asked for is not known', 'create', unanswered('CreateImage')],
    ['ECS fails to create the image', 'await', { code: 'step', reason: 'ECS failed to create it.', remedy: '' }],
    ['the run is cancelled', 'await', cancelled],
    ['the time is over', 'await', timeLimit],
    ['the image cannot be looked at', 'await', forbidden('DescribeImages')],
    ['the start is refused', 'start', forbidden('StartInstance')],
  ] as const)('is told, with who starts it, where %s', (_, action, error) => {
    expect(messageOf(stoppingBake(action, error)).facts).toContain(`Instance ${instance} is stopped. ${starts}`)
  })

  test.each([
    ['the answer to the stop', 'stop', unanswered('StopInstance')],
    ['the answer to the start', 'start', unanswered('StartInstance')],
  ] as const)('may be stopped where %s is missing', (_, action, error) => {
    const fact = `Instance ${instance} may be stopped. If it is, the post step of this action starts it again.`
    expect(messageOf(stoppingBake(action, error)).facts).toContain(fact)
  })

  test('is told after a later round failed, or was refused', () => {
    const first = stoppingBake('await', cancelled)
    const journal = first.journal.filter(({ step }) => ['tag', 'stop'].includes(step.action))
    const later = { ...first, round: 2, journal, failure: undefined }
    const refusal = refuse('not-permitted', 'ECS would not.', 'Grant it.')
    expect(messageOf({ ...later, plan: refusal }).facts.join()).toContain(`Instance ${instance} is stopped`)
    const doing = { doing: 'looking at the family', error: forbidden('DescribeImages'), steps: [] }
    expect(messageOf({ ...later, failure: doing }).facts.join()).toContain(`Instance ${instance} is stopped`)
  })

  test('that an earlier attempt has left is told of a refusal, and of a failure before the start', () => {
    const fact = `An earlier attempt left instance ${instance} stopped.`
    const refusal = {
      ...refuse('image-failed', 'It is UnAvailable.', 'Delete it.'),
      leavesStopped: { region: home, instance },
    }
    expect(messageOf(outcome(bake({ attempt: 2 }), { plan: refusal })).facts.join(' ')).toContain(`${fact} ${starts}`)
    const dry = messageOf(outcome(bake({ attempt: 2, dryRun: true }), { plan: refusal })).facts.join(' ')
    expect(dry).toContain(`${fact} A run without`)
    expect(dry).not.toContain('post step')
    const plan = planOf({
      create: (region) => [
        { action: 'await', region, image: 'm-1' },
        { action: 'start', region, instance },
      ],
    })
    const journal = stepsIn(plan, 'create')
      .slice(0, 1)
      .map((step) => failed(step, forbidden('DescribeImages')))
    expect(
      messageOf(outcome(bake({ attempt: 2 }), { plan, journal, failure: failure(journal) })).facts.join(' '),
    ).toContain(`${fact} ${starts}`)
  })

  test('is not told where somebody had started it before its image was asked for; nothing is on its way', () => {
    const { facts } = messageOf(stoppingBake('create', { code: 'step', reason: 'It is Running.', remedy: 'Look.' }))
    expect(facts.join()).not.toContain(instance)
    expect(facts.join()).not.toMatch(/on its way|may or may not/)
  })

  test('is not told where the stop was refused, or the instance started', () => {
    const refused = messageOf(stoppingBake('stop', forbidden('StopInstance')))
    const started = messageOf(stoppingBake('untag', forbidden('UntagResources')))
    for (const { facts } of [refused, started]) expect(facts.join()).not.toContain(instance)
  })
})

describe('what was changed is told by the journal', () => {
  const refusal = refuse('not-permitted', 'ECS would not.', 'Grant it.')
  const factsOf = (of: Parameters<typeof failureMessage>[0]) => messageOf(of).facts

  test('nothing, where no write was carried out', () => {
    expect(factsOf(outcome(rollback(), { plan: refusal }))).toEqual(['Nothing was changed.'])
    expect(factsOf(outcome(rollback({ attempt: 2 }), { plan: refusal }))).toEqual([
      'Nothing was changed in this attempt.',
    ])
    const plan = rollbackPlan([home])
    const journal = stepsIn(plan, 'activate').map((step) => failed(step, forbidden('ModifyImageAttribute')))
    expect(factsOf(outcome(rollback(), { plan, journal, failure: failure(journal) }))).toEqual(['Nothing was changed.'])
  })

  test('no word of it from a mode that changes nothing', () => {
    expect(factsOf(outcome(resolve(), { plan: refuse('not-found', 'There is none.', 'Look.') }))).toEqual([])
  })

  test('perhaps a part, where a step of several requests was refused, or what it reads afterwards', () => {
    const plan = rollbackPlan([home])
    for (const operation of ['TagResources', 'ListTagResources']) {
      const journal = stepsIn(plan, 'record').map((step) => failed(step, forbidden(operation)))
      const facts = factsOf(outcome(rollback(), { plan, journal, failure: failure(journal) }))
      expect(facts).toEqual(['The family was not switched.'])
    }
  })

  test('not the family, where the decision was written and the switch was refused', () => {
    const plan = rollbackPlan([home])
    const [record] = stepsIn(plan, 'record')
    const [activate] = stepsIn(plan, 'activate')
    if (!record || !activate) throw new Error('There is nothing to do.')
    const journal = [done(record), failed(activate, forbidden('ModifyImageAttribute'))]
    const message = messageOf(outcome(rollback(), { plan, journal, failure: failure(journal) }))
    expect(message).toMatchObject({
      facts: ['The family was not switched.'],
      regions: [],
      todo: ['Grant it in RAM.', 'Then press "Re-run failed jobs".'],
    })
  })

  test('perhaps, where ECS did not answer: so it says, and not that nothing was changed', () => {
    const plan = rollbackPlan([home])
    const journal = stepsIn(plan, 'activate').map((step) => failed(step, unanswered('ModifyImageAttribute')))
    const { facts } = messageOf(outcome(rollback(), { plan, journal, failure: failure(journal) }))
    expect(facts).toEqual([`ECS may or may not have received the request to deprecate ${bad(home).id}.`])
  })

  test('images that were made before a refusal, and the re-run that uses them', () => {
    const plan = planOf({
      copy: (region) => [
        { action: 'restore', region, image: 'm-0' },
        {
          action: 'copy',
          region,
          image: '<copy in cn-shanghai>',
          copy: {
            ...promote(),
            from: { region: home, image: 'm-0' },
            name: 'web',
            description: undefined,
            kmsKeyId: undefined,
            generation: 0,
          },
        },
      ],
    })
    const [restore, copy] = stepsIn(plan, 'copy')
    if (!restore || !copy) throw new Error('There is nothing to do.')
    const journal = [done(restore), done(copy, 1, { image: 'm-copy' })]
    const observations = seeing({ [home]: image('m-copy', 3) })
    const request = promote({ replicas: [shanghai], image: 'm-0' })
    const { facts, todo } = messageOf(outcome(request, { plan: refusal, round: 2, journal, observations }))
    expect(facts).toEqual([
      'No family was switched.',
      'Already made, and not in the family: m-copy in cn-hangzhou.',
      'Already restored, to be copied: m-0.',
    ])
    expect(todo.join(' ')).toContain('Then press "Re-run failed jobs"')
  })
})

describe('several regions', () => {
  test('a sentence that does not name its region begins with it', () => {
    const confirming = planOf({ check: (region) => [{ action: 'confirm', region, family: 'web', image: 'm-1' }] })
    const wrong = {
      code: 'step',
      reason: 'web now serves nothing, but `expected-image-id` says m-1.',
      remedy: '',
    } as const
    const journal = stepsIn(confirming, 'check')
      .slice(0, 1)
      .map((step) => failed(step, wrong))
    const request = rollback({ replicas: [shanghai, beijing] })
    const { reasons } = messageOf(outcome(request, { plan: confirming, journal, failure: failure(journal) }))
    expect(reasons).toEqual([`${home}: ${wrong.reason}`])
  })

  const plan = rollbackPlan()
  const [first, second, third] = stepsIn(plan, 'activate')
  if (!first || !second || !third) throw new Error('There is nothing to do.')

  test('two fail: both are named, with what each region serves, and what to do is said once', () => {
    const refused = [shanghai, beijing].map((region) => forbidden('ModifyImageAttribute', region))
    const [a, b] = refused
    if (!a || !b) throw new Error('There are no errors.')
    const journal = [done(first), failed(second, a), failed(third, b)]
    const observations = seeing({ [home]: old(home), [shanghai]: bad(shanghai), [beijing]: bad(beijing) })
    const of = outcome(everywhere(), { plan, journal, observations, failure: failure(journal) })
    expect(messageOf(of)).toEqual({
      title: 'Rollback of web failed in cn-shanghai, cn-beijing',
      reasons: [
        `Could not deprecate ${bad(shanghai).id} in cn-shanghai: ECS answered Forbidden.RAM: You are not authorized.`,
        `Could not deprecate ${bad(beijing).id} in cn-beijing: ECS answered Forbidden.RAM: You are not authorized.`,
      ],
      regions: regions.map((region) => ({
        region,
        state: `serves name-of-m-${region === home ? 'old' : 'bad'}-${region} (m-${region === home ? 'old' : 'bad'}-${region})`,
      })),
      facts: [],
      todo: ['Grant it in RAM.', 'Then press "Re-run failed jobs": it completes what is missing.'],
      details: [
        'ModifyImageAttribute in cn-shanghai: ECS answered Forbidden.RAM (HTTP 403, request ID R-1).',
        'ModifyImageAttribute in cn-beijing: ECS answered Forbidden.RAM (HTTP 403, request ID R-1).',
      ],
    })
  })

  test('a step that failed after ECS accepted it is told with its region before the reason', () => {
    const gone = { code: 'step', reason: 'm-1 is gone', remedy: 'Look for it.' } as const
    const journal = [failed(second, gone)]
    const { reasons } = messageOf(outcome(everywhere(), { plan, journal, failure: failure(journal) }))
    expect(reasons).toEqual(['cn-shanghai: m-1 is gone.'])
  })

  test('cancelled in the switch: a region that nobody has looked at since serves nobody knows what', () => {
    const journal = [done(first), failed(second, cancelled), failed(third, cancelled)]
    const observations = seeing({ [beijing]: bad(beijing) })
    const { regions: states, reasons } = messageOf(
      outcome(everywhere(), { plan, journal, observations, failure: failure(journal) }),
    )
    expect(states[0]).toEqual({ region: home, state: 'was changed and has not been looked at since' })
    expect(reasons).toEqual([expect.stringMatching(/^The step was cancelled\. Not finished: deprecate/)])
  })

  test('that disagree at the end are told, each with what it serves', () => {
    const verifications = [
      { region: home, kind: 'ok' as const, current: old(home) },
      {
        region: shanghai,
        kind: 'overtaken' as const,
        current: bad(shanghai),
        fails: false,
        reason: 'web serves a newer one',
      },
    ]
    const message = messageOf(outcome(everywhere({ replicas: [shanghai] }), { plan, verifications }))
    expect(message.title).toBe('Rollback of web: the regions disagree')
    expect(message.regions.map(({ region }) => region)).toEqual([home, shanghai])
  })
})

describe('to re-run', () => {
  const rerun = 'Then press "Re-run failed jobs".'
  const failedBy = (error: ErrorData) =>
    messageOf(outcome(rollback(), { failure: { doing: 'looking at the family', error, steps: [] } })).todo

  test('is what to do after every failure, also before anything was changed', () => {
    expect(failedBy(forbidden('DescribeImages'))).toEqual(['Grant it in RAM.', rerun])
    expect(noOutcome(forbidden('DescribeRegions')).todo).toEqual(['Grant it in RAM.', rerun])
  })

  test('is not added to a remedy that says how to go on, nor where it would fail in the same way', () => {
    expect(failedBy({ code: 'step', reason: 'It is gone.', remedy: 'Look for it.' })).toEqual(['Look for it.'])
    expect(invalidInputs(['`mode` is required.']).todo).toEqual([])
    expect(noOutcome(timeLimit).todo).toEqual(['Raise `wait-timeout-minutes`.'])
  })
})

test('an instance that the post step could not start: start it in the console, then the remedy', () => {
  const error = { code: 'step', reason: 'It is Stopped.', remedy: 'Look at it.' } as const
  const { todo } = notRestarted({ region: home, instance }, error)
  expect(todo).toEqual([expect.stringMatching(/^Start it in the ECS console: https:/), 'Look at it.'])
})

test('an error of the action keeps its stack for the issue', () => {
  const error = { code: 'internal', reason: 'TypeError: x', remedy: 'Open an issue.', details: 'at y' } as const
  const { reasons, details } = messageOf(
    outcome(bake(), { failure: { doing: 'looking at the family', error, steps: [] } }),
  )
  expect([reasons, details]).toEqual([['Failed while looking at the family: TypeError: x.'], ['at y']])
})

test('as text: the title, why, what is so, what to do, and what support asks for', () => {
  expect(errorText(messageOf(stoppingBake('create', forbidden('CreateImage'))))).toBe(
    [
      'Bake of web failed',
      'Could not create image web-42 in family web from instance i-1: ECS answered Forbidden.RAM: You are not authorized.',
      'The family was not switched. Instance i-1 is stopped. The post step of this action starts it again.',
      'Grant it in RAM. Then press "Re-run failed jobs": it completes what is missing.',
      'CreateImage in cn-hangzhou: ECS answered Forbidden.RAM (HTTP 403, request ID R-1).',
    ].join('\n'),
  )
  expect(errorText(invalidInputs(['`a` is b.', '`c` is d.']))).toBe(
    'Invalid inputs\n- `a` is b.\n- `c` is d.\nNo request was made.',
  )
})

describe('as Markdown', () => {
  test('two lists never follow each other directly: they would be one list', () => {
    const message: Message = {
      title: 'Rollback of web failed',
      reasons: ['It is a.', 'It is b.'],
      regions: [{ region: home, state: 'serves nothing' }],
      facts: ['Instance i-1 is stopped.'],
      todo: [],
      details: ['X in y: no answer.', 'Y in z: no answer.'],
    }
    expect(failurePage(message)).toBe(
      [
        '### ❌ Rollback of web failed',
        '- It is a.\n- It is b.',
        'After this run:',
        '- cn-hangzhou serves nothing\n- Instance i-1 is stopped.',
        'Details:',
        '- X in y: no answer.\n- Y in z: no answer.\n',
      ].join('\n\n'),
    )
  })

  test('a single fact is a paragraph, and no item of the list of errors', () => {
    expect(failurePage(invalidInputs(['`a` is b.', '`c` is d.']))).toBe(
      '### ❌ Invalid inputs\n\n- `a` is b.\n- `c` is d.\n\nNo request was made.\n',
    )
  })
})
