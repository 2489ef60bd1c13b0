/** Deletes images, and the snapshots that ECS created for them. */

import type { Deletion } from '../family/plan/steps.ts'
import type { EcsClient } from './client.ts'
import { unlessGone } from './errors.ts'
import { unshare } from './sharing.ts'
import { deleteSnapshots } from './snapshots.ts'

/** Without Force, which would take the image from instances that need it to reinitialize their disks. */
export async function deleteImage(
  client: EcsClient,
  region: string,
  { image, accounts, snapshots, run }: Pick<Deletion, 'image' | 'accounts' | 'snapshots' | 'run'>,
): Promise<void> {
  const gone = 'InvalidImageId.NotFound'
  await unlessGone(gone, unshare(client, region, { image, accounts }))
  // These may last for hours: a step that is otherwise done does not wait for them.
  const busy = ['OperationDenied.ImageCopying', 'ImageIsImporting', 'ImageIsExporting']
  await unlessGone(gone, client.call('DeleteImage', region, { regionId: region, imageId: image }, { handled: busy }))
  await deleteSnapshots(client, region, { snapshots, run, imageIsGone: true })
}
