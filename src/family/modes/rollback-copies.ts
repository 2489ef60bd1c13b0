/** Refuses a rollback when a region has no copy of the image to fall back to, and names the two runs that help. */
import type { FamilyState } from '../model/family-state.ts'
import { type Image, label } from '../model/image.ts'
import type { RollbackRequest } from '../model/request.ts'
import type { DecidedRegion } from '../plan/decision.ts'
import { type Refusal, refuse } from '../plan/plan.ts'

/** The inputs about shares, which the two runs need as well. */
const sharingInputs = ({ quarantineFamily, unshare, shareWith }: RollbackRequest): string[] => [
  ...(quarantineFamily === undefined ? [] : [`quarantine-family: ${quarantineFamily}`]),
  ...(unshare ? ['unshare: true'] : []),
  ...(shareWith.length === 0 ? [] : [`share-with: ${shareWith.join(',')}`]),
]

const listInputs = (given: readonly string[]): string => given.map((each) => `\`${each}\``).join(', ')

/** When the target is already current at home, only the second run is needed. */
export function refuseMissingCopies(
  request: RollbackRequest,
  { home, target, missing }: { home: DecidedRegion; target: Image; missing: readonly FamilyState[] },
): Refusal {
  const { region, replicas, family, withdrawPending } = request
  const missingRegions = missing.map((state) => state.region)
  const otherReplicas = replicas.filter((each) => !missingRegions.includes(each))
  const served = missing.map(
    (state) => `${state.region} (which serves ${state.current ? label(state.current) : 'nothing'})`,
  )
  const rollbackInputs = listInputs([
    'mode: rollback',
    `region-id: ${region}`,
    ...(otherReplicas.length > 0 ? [`replica-region-ids: ${otherReplicas.join(',')}`] : []),
    `to-image-id: ${target.id}`,
    ...sharingInputs(request),
    ...(withdrawPending ? ['withdraw-pending: true'] : []),
  ])
  const promoteInputs = listInputs([
    'mode: promote',
    `region-id: ${region}`,
    `replica-region-ids: ${missingRegions.join(',')}`,
    `image-id: ${target.id}`,
    'deprecate-newer: true',
    ...sharingInputs(request),
  ])
  const { current } = home.state
  const badImage = current ? `${label(current)} or a copy of it` : 'the image that is rolled back'
  const rollbackFirst = `First, run with ${rollbackInputs}${otherReplicas.length > 0 ? '' : ', without `replica-region-ids`'}. ${missingRegions.join(', ')} may serve ${badImage} until the next run is done. Then run with `
  return refuse(
    'copy-missing',
    `Family ${family} has no copy of ${label(target)} in ${served.join(', ')}: not every region can fall back to it.`,
    `${home.decision.kind === 'change' ? rollbackFirst : 'Run with '}${promoteInputs}, which copies it there.`,
  )
}
