/** Messages of what goes wrong before a run has begun, or after it has ended. */

import type { ErrorCode, ErrorData } from '../engine/action-error.ts'
import { describeFailure, detailsOf, endsRun } from './describe-error.ts'
import { type Message, nothingSaid, rerun } from './message.ts'

/** Found before the first request. */
export const invalidInputs = (errors: readonly string[]): Message => ({
  ...nothingSaid,
  title: 'Invalid inputs',
  reasons: errors,
  facts: ['No request was made.'],
})

const titles: Partial<Readonly<Record<ErrorCode, string>>> = {
  credentials: 'No usable credentials',
  cancelled: 'Cancelled before the first look at ECS',
  'time-limit': 'Out of time before the first look at ECS',
  internal: 'Internal error of this action',
}

/** There is no outcome. */
export const noOutcome = (error: ErrorData): Message => ({
  ...nothingSaid,
  title: titles[error.code] ?? 'ECS cannot be reached',
  reasons: [describeFailure(error, 'Failed while connecting')],
  todo: endsRun(error) ? [error.remedy] : [error.remedy, `Then ${rerun}.`],
  details: detailsOf(error),
})

/** The post step could not start the instance that the main step stopped. */
export const notRestarted = (
  { region, instance }: { readonly region: string; readonly instance: string },
  error: ErrorData,
): Message => ({
  ...nothingSaid,
  title: `Instance ${instance} in ${region} may still be stopped`,
  reasons: [describeFailure(error, 'Could not start it again')],
  todo: [
    `Start it in the ECS console: https://ecs.console.aliyun.com/server/${instance}/detail?regionId=${region}`,
    ...(error.code === 'internal' || error.code === 'step' ? [] : [error.remedy]),
  ],
  details: detailsOf(error),
})
