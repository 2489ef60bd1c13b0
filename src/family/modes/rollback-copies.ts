/** A region without a copy of the image to fall back to: the whole is refused, with the two runs that help. */
import type { FamilyState } from '../model/family-state.ts'
import { type Image, label } from '../model/image.ts'
import type { RollbackRequest } from '../model/request.ts'
import type { RegionCase } from '../plan/decision.ts'
import { type Refusal, refuse } from '../plan/plan.ts'

/** What was given about shares holds for the runs that help as well. */
const sharesGiven = ({ quarantineFamily, unshare, shareWith }: RollbackRequest): string[] => [
  ...(quarantineFamily === undefined ? [] : [`quarantine-family: ${quarantineFamily}`]),
  ...(unshare ? ['unshare: true'] : []),
  ...(shareWith.length === 0 ? [] : [`share-with: ${shareWith.join(',')}`]),
]

const inputs = (given: readonly string[]): string => given.map((each) => `\`${each}\``).join(', ')

/** Where home serves the target already, only the second run is left to do. */
export function refuseMissingCopies(
  request: RollbackRequest,
  { home, target, missing }: { home: RegionCase; target: Image; missing: readonly FamilyState[] },
): Refusal {
  const { region, replicas, family, withdrawPending } = request
  const without = missing.map((state) => state.region)
  const rest = replicas.filter((each) => !without.includes(each))
  const served = missing.map(
    (state) => `${state.region} (which serves ${state.current ? label(state.current) : 'nothing'})`,
  )
  const back = inputs([
    'mode: rollback',
    `region-id: ${region}`,
    ...(rest.length > 0 ? [`replica-region-ids: ${rest.join(',')}`] : []),
    `to-image-id: ${target.id}`,
    ...sharesGiven(request),
    ...(withdrawPending ? ['withdraw-pending: true'] : []),
  ])
  const there = inputs([
    'mode: promote',
    `region-id: ${region}`,
    `replica-region-ids: ${without.join(',')}`,
    `image-id: ${target.id}`,
    'deprecate-newer: true',
    ...sharesGiven(request),
  ])
  const { current } = home.state
  const bad = current ? ` ${label(current)} or a copy of it` : ' the image that is rolled back'
  const now = `At once: ${back}${rest.length > 0 ? '' : ', without `replica-region-ids`'}; ${without.join(', ')} may serve${bad} until the next is done. Then: `
  return refuse(
    'copy-missing',
    `Family ${family} has no copy of ${label(target)} in ${served.join(', ')}: not every region can fall back to it.`,
    `${home.decision.kind === 'change' ? now : ''}${there}, which copies it there.`,
  )
}
