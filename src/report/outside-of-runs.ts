/** Messages for what goes wrong before a run begins, or in the post step. */

import type { ErrorCode, ErrorData } from '../engine/action-error.ts'
import { describeFailure, detailsOf, endsRun } from './describe-error.ts'
import { emptyMessage, type Message, rerun } from './message.ts'

/** The inputs are checked before the first request. */
export const invalidInputs = (errors: readonly string[]): Message => ({
  ...emptyMessage,
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

/** The run did not begin, so there is no outcome. */
export const noOutcome = (error: ErrorData): Message => ({
  ...emptyMessage,
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
  ...emptyMessage,
  title: `Instance ${instance} in ${region} may still be stopped`,
  reasons: [describeFailure(error, 'Could not start it again')],
  todo: [
    `Start it in the ECS console: https://ecs.console.aliyun.com/server/${instance}/detail?regionId=${region}`,
    ...(error.code === 'internal' ? [] : [error.remedy]),
  ],
  details: detailsOf(error),
})
