/** Which accounts an image is shared with. */
import type { EcsClient } from './client.ts'

const pageSize = 100
/** ECS ignores the eleventh account of a request without a word. */
const accountsPerRequest = 10

export async function describeShares(client: EcsClient, region: string, image: string): Promise<readonly string[]> {
  const accounts: string[] = []
  for (let pageNumber = 1; ; pageNumber++) {
    const body = await client.call('DescribeImageSharePermission', region, {
      regionId: region,
      imageId: image,
      pageNumber,
      pageSize,
    })
    const page = body.accounts?.account ?? []
    accounts.push(...page.map(({ aliyunId = '' }) => aliyunId))
    if (page.length === 0 || pageNumber * pageSize >= (body.totalCount ?? 0)) return [...new Set(accounts)]
  }
}

export async function unshare(
  client: EcsClient,
  region: string,
  { image, accounts }: { image: string; accounts: readonly string[] },
): Promise<void> {
  for (let start = 0; start < accounts.length; start += accountsPerRequest) {
    await client.call('ModifyImageSharePermission', region, {
      regionId: region,
      imageId: image,
      removeAccount: accounts.slice(start, start + accountsPerRequest),
    })
  }
}
