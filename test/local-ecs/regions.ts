import type { Answer, Call } from './call.ts'

const NAMES: Record<string, readonly [zh: string, en: string]> = {
  'cn-hangzhou': ['华东1（杭州）', 'China (Hangzhou)'],
  'cn-shanghai': ['华东2（上海）', 'China (Shanghai)'],
  'cn-beijing': ['华北2（北京）', 'China (Beijing)'],
  'cn-shenzhen': ['华南1（深圳）', 'China (Shenzhen)'],
  'cn-guangzhou': ['华南3（广州）', 'China (Guangzhou)'],
  'cn-hongkong': ['中国香港', 'China (Hong Kong)'],
  'ap-southeast-1': ['新加坡', 'Singapore'],
  'eu-central-1': ['德国（法兰克福）', 'Germany (Frankfurt)'],
  'us-west-1': ['美国（硅谷）', 'US (Silicon Valley)'],
}

export function describeRegions(call: Call): Answer {
  const language = call.parameters.AcceptLanguage?.startsWith('en') ? 1 : 0
  const regions = [...call.world.regions.keys()].map((RegionId) => ({
    RegionId,
    RegionEndpoint: `ecs.${RegionId}.aliyuncs.com`,
    LocalName: NAMES[RegionId]?.[language] ?? RegionId,
    Status: 'available',
  }))
  return { Regions: { Region: regions } }
}
