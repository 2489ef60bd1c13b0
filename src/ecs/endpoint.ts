/** Where the ECS API of a region is: by the rule of Alibaba Cloud's SDK, or by the template of the input `endpoint`. */

import { isIPv6 } from 'node:net'

/** Where a region's ECS API is: host[:port] and protocol, as the SDK's Config wants them. */
export interface Endpoint {
  readonly host: string
  readonly protocol: 'http' | 'https'
}

/**
 * The regions that `ruleOf` does not cover, by the host that serves them. The constructor of the SDK's
 * client has them (@alicloud/ecs20140526 7.11.6, dist/client.js), but comes with 3,400 models; a test holds both equal.
 */
const SHARED_HOSTS: Readonly<Record<string, readonly string[]>> = {
  'ecs-cn-hangzhou.aliyuncs.com': [
    'cn-hangzhou',
    'cn-shanghai-finance-1',
    'cn-shenzhen-finance-1',
    'cn-beijing-nu16-b01',
    'cn-fujian',
    'cn-haidian-cm12-c01',
    'cn-hangzhou-bj-b01',
    'cn-hangzhou-internal-prod-1',
    'cn-hangzhou-internal-test-1',
    'cn-hangzhou-internal-test-2',
    'cn-hangzhou-internal-test-3',
    'cn-hangzhou-test-306',
    'cn-shanghai-et15-b01',
    'cn-shanghai-et2-b01',
    'cn-shanghai-internal-test-1',
    'cn-shenzhen-st4-d01',
    'cn-shenzhen-su18-b01',
    'cn-zhangbei-na61-b01',
  ],
  'ecs.aliyuncs.com': [
    'cn-north-2-gov-1',
    'ap-northeast-2-pop',
    'cn-beijing-finance-pop',
    'cn-beijing-gov-1',
    'cn-hangzhou-finance',
    'cn-hongkong-finance-pop',
    'cn-shanghai-inner',
    'cn-shenzhen-inner',
    'cn-wuhan',
    'cn-yushanfang',
    'cn-zhangbei',
    'rus-west-1-pop',
  ],
  'ecs.cn-qingdao-nebula.aliyuncs.com': ['cn-edge-1', 'cn-huhehaote-nebula-1', 'cn-zhengzhou-nebula-1'],
  'ecs.cn-zhangjiakou.aliyuncs.com': ['cn-zhangjiakou-na62-a01'],
  'ecs.cn-shenzhen-cloudstone.aliyuncs.com': ['eu-west-1-oxs'],
}

const HOST_OF: ReadonlyMap<string, string> = new Map(
  Object.entries(SHARED_HOSTS).flatMap(([host, regions]) => regions.map((region): [string, string] => [region, host])),
)

const ruleOf = (region: string): string => `ecs.${region}.aliyuncs.com`

/** A template taken apart. `rest` is everything from the first slash, question mark or hash on. */
interface Parts {
  readonly whole: string
  readonly protocol: string
  readonly host: string
  readonly port: string | undefined
  readonly rest: string
}

/** Takes any text apart; `REQUIREMENTS` checks the parts. */
function partsOf(whole: string): Parts {
  const [, protocol = 'https', authority = '', rest = ''] =
    /^(?:([a-z][a-z0-9+.-]*):\/\/)?([^/\\?#]*)(.*)$/is.exec(whole) ?? []
  const [, host = authority, port] = /^(\[.*\]|[^:[]*):(.*)$/s.exec(authority) ?? []
  return { whole, protocol: protocol.toLowerCase(), host, port, rest }
}

const withRegion = (template: string, region: string): string => template.replaceAll('{region}', region)

const isName = (host: string): boolean => /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i.test(host)
// A zone (`%eth0`) is part of an address for Node, but not of a URL, which is what the SDK makes of the host.
const isBracketed = (host: string): boolean => /^\[[^%]*\]$/.test(host) && isIPv6(host.slice(1, -1))
const isPort = (port: string): boolean => /^[0-9]{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65535

/** Only the first that is broken is reported: the next ones may follow from it. None quotes what may hold a password. */
const REQUIREMENTS: readonly (readonly [isBroken: (parts: Parts) => boolean, must: string])[] = [
  [({ whole }) => whole.includes('@'), 'must not contain credentials: give only the host, without @'],
  [({ whole }) => /\s/.test(whole), 'must not contain whitespace'],
  [({ protocol }) => !/^https?$/.test(protocol), 'must begin with http:// or https://, or with the host'],
  [({ rest }) => /[?#]/.test(rest), 'must not contain a query or a fragment'],
  [({ rest }) => rest !== '' && rest !== '/', 'must not contain a path'],
  [({ whole }) => /[{}]/.test(whole), 'must not contain braces other than {region}'],
  [({ host, port }) => isIPv6(`${host}:${port}`), 'must have an IPv6 address in brackets, as in [::1]'],
  [({ host }) => host === '', 'must name a host'],
  [({ port }) => port !== undefined && !isPort(port), 'must have a port from 1 to 65535 after the colon'],
  [({ host }) => !isName(host) && !isBracketed(host), 'must have a host of letters, digits, dots and hyphens'],
]

/** A sentence that says what is wrong with the template; undefined when it is valid. */
export function endpointError(template: string): string | undefined {
  // Any region will do: what matters is where the template puts it.
  const parts = partsOf(withRegion(template, 'cn-hangzhou'))
  const [, must] = REQUIREMENTS.find(([isBroken]) => isBroken(parts)) ?? []
  return must && `The endpoint ${must}.`
}

/**
 * The endpoint of ECS in a region. Without a template it is the SDK's own; an invalid template throws. A template is
 * `host` or `host:port`, alone (https) or after `http://` or `https://`; `{region}` in it stands for the
 * region ID. The SDK wants host and protocol apart: given a URL as endpoint, it looks up a host called `http`.
 */
export function endpointOf(region: string, template?: string): Endpoint {
  if (template === undefined) return { host: HOST_OF.get(region) ?? ruleOf(region), protocol: 'https' }
  const error = endpointError(template)
  if (error !== undefined) throw new Error(error)
  const { protocol, host, port } = partsOf(withRegion(template, region))
  return { host: port === undefined ? host : `${host}:${port}`, protocol: protocol === 'http' ? 'http' : 'https' }
}
