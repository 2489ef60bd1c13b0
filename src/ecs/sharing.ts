/** Which accounts an image is shared with. */

import { accountsPerRequest } from '../family/model/limits.ts'
import { splitIntoParts } from '../family/model/parts.ts'
import type { EcsClient } from './client.ts'

const sharesPerPage = 100

export async function describeShares(client: EcsClient, region: string, image: string): Promise<readonly string[]> {
  const accounts: string[] = []
  for (let pageNumber = 1; ; pageNumber++) {
    const body = await client.call('DescribeImageSharePermission', region, {
      regionId: region,
      imageId: image,
      pageNumber,
      pageSize: sharesPerPage,
    })
    const page = body.accounts?.account ?? []
    accounts.push(...page.map(({ aliyunId = '' }) => aliyunId))
    if (page.length === 0 || pageNumber * sharesPerPage >= (body.totalCount ?? 0)) return [...new Set(accounts)]
  }
}

interface Shares {
  readonly image: string
  readonly accounts: readonly string[]
}

export async function share(client: EcsClient, region: string, { image, accounts }: Shares): Promise<void> {
  for (const addAccount of splitIntoParts(accounts, accountsPerRequest)) {
    await client.call('ModifyImageSharePermission', region, { regionId: region, imageId: image, addAccount })
  }
}

export async function unshare(client: EcsClient, region: string, { image, accounts }: Shares): Promise<void> {
  for (const removeAccount of splitIntoParts(accounts, accountsPerRequest)) {
    await client.call('ModifyImageSharePermission', region, { regionId: region, imageId: image, removeAccount })
  }
}
