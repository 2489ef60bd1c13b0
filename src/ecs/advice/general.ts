/** What any operation may answer, and what is about the account as a whole. */
import { type Advice, fail, pollUntil, retry } from './advice.ts'

export const runAgainLater = retry(
  'Run the step again later; if it keeps failing, see https://status.alibabacloud.com and give support the request ID.',
)
export const slowDown = retry(
  'Run fewer jobs on this account and region at once, or raise `poll-interval-seconds`, then run the step again.',
)
const sameTokenRunning = retry(
  'Run the step again in a minute: an earlier request of this run is in progress, and its result will be adopted.',
)
/** The token is a function of run and inputs: the source or the settings have changed between two attempts. */
const tokenReused = fail(
  'Start a new workflow run, or change `idempotency-key`: an earlier attempt of this run asked for something else.',
)
export const quotaUsedUp = fail(
  'Free some of what the message names, or ask for more in the Quota Center, then run the step again.',
)
const clearArrears = fail('Settle the overdue bills in the Expenses and Costs console, then run the step again.')
const topUp = fail("Top up the account's balance in the Expenses and Costs console, then run the step again.")

export const general = {
  // Any operation
  SignatureNonceUsed: retry('Run the step again; if it keeps failing, look for a proxy that sends requests twice.'),
  DryRunOperation: fail('Take this as a pass: the checks of a dry run succeeded, and nothing was changed.'),
  'InvalidAction.NotFound': fail(
    'Check `endpoint`: what answers there does not know this request, so it may not be ECS.',
  ),
  'InvalidRegionId.NotFound': fail(
    'Correct `region-id` or `replica-region-ids`: IDs such as cn-hangzhou, of regions that this account can use.',
  ),
  'InvalidResourceGroup.NotFound': fail(
    'Correct `resource-group-id`: an ID such as rg-…, of a group of this account (Resource Management console).',
  ),
  OperationConflict: pollUntil('the other operation on this resource has ended'),
  'InvalidOperation.Conflict': pollUntil('the other operation on this resource has ended'),
  InternalError: runAgainLater,
  ServiceUnavailable: runAgainLater,
  'LimitedOperation.ServiceUnavailable': runAgainLater,
  'ServiceUnavailable.RegionMaintaining': retry(
    'Run the step again when the maintenance of this region is over; see https://status.alibabacloud.com.',
  ),

  // The ClientToken
  LastTokenProcessing: sameTokenRunning,
  IdempotentProcessing: sameTokenRunning,
  IdempotentParameterMismatch: tokenReused,
  IdempotenceParamNotMatch: tokenReused,
  'InvalidParamter.Conflict': tokenReused,

  // The account
  'Account.Arrearage': clearArrears,
  'AccountForbidden.CreateOrder': fail(
    "Ask the account's owner why it may not order (Account Center, Expenses and Costs); ECS refuses it as abnormal.",
  ),
  'InvalidAccountStatus.NotEnoughBalance': topUp,
  AccountEnterpriseStatusInvalid: fail(
    "Update the company's real-name verification in the Account Center; its registration counts as revoked.",
  ),
} satisfies Record<string, Advice>
