/** Steps in words, for people. */

import { describeSource } from '../model/request.ts'
import { tag } from '../model/tags.ts'
import type { Deletion, Step } from './steps.ts'

/** A sentence in the imperative without its full stop, for people. */
export function describeStep(step: Step): string {
  switch (step.action) {
    case 'create': {
      const { name, family, source } = step.create
      return `create image ${name} ${family === undefined ? '' : `in family ${family} `}from ${describeSource(source)}${family === undefined ? ' (it joins the family later)' : ''}`
    }
    case 'copy':
      return `copy ${step.copy.from.image} from ${step.copy.from.region} to ${step.region} as ${step.copy.name}`
    case 'await':
      return `wait until ${step.image} is available${step.family === undefined ? '' : ` in family ${step.family}`}`
    case 'stop':
      return `stop instance ${step.instance}${step.force ? ' by force' : ''}`
    case 'start':
      return `start instance ${step.instance}`
    case 'rename':
      return `rename failed image ${step.image} to ${step.name}`
    case 'tag':
      return describeTags(step)
    case 'untag':
      return `remove ${step.keys.join(', ')} from ${step.ids.join(', ')}`
    case 'confirm':
      return `make sure that ${step.family} still resolves to ${step.image}`
    case 'join-family':
      return `put ${step.image} into family ${step.family}`
    case 'restore':
      return `restore ${step.image}`
    case 'share':
      return `share ${step.image} with ${countAccounts(step.accounts)}`
    case 'unshare':
      return `stop sharing ${step.image} with ${countAccounts(step.accounts)}`
    case 'deprecate':
      return `deprecate ${step.image}`
    case 'quarantine':
      return `move ${step.image} into family ${step.family}`
    case 'claim-snapshots':
      return `record on ${step.snapshots.join(', ')} that this run deletes ${step.snapshots.length === 1 ? 'it' : 'them'}`
    case 'delete-snapshots':
      return `delete ${step.snapshots.join(', ')}, left behind by an earlier attempt`
    case 'delete':
      return `delete ${step.image}${describeDeletionExtras(step)}`
  }
}

const countAccounts = (accounts: readonly string[]): string =>
  `${accounts.length} account${accounts.length === 1 ? '' : 's'} (${accounts.join(', ')})`

function describeDeletionExtras({ snapshots, accounts }: Deletion): string {
  const count = snapshots.length
  const things = [
    ...(count > 0 ? [`the ${count === 1 ? 'snapshot' : `${count} snapshots`} made for it`] : []),
    ...(accounts.length > 0 ? [`its shares with ${countAccounts(accounts)}`] : []),
  ]
  return things.length === 0 ? '' : ` with ${things.join(' and ')}`
}

/** The action's own tags are described by their meaning. */
function describeTags({ ids, tags }: Extract<Step, { action: 'tag' }>): string {
  const on = ids.join(', ')
  const decision = tags[tag.decision]
  if (decision?.startsWith('done')) return `mark the decision as done on ${on}`
  if (decision !== undefined) return `record the decision${tag.reason in tags ? ' and its reason' : ''} on ${on}`
  if (tag.stopped in tags) return `record on ${on} that this run stops it`
  return `tag ${on} with ${Object.keys(tags).join(', ')}`
}
