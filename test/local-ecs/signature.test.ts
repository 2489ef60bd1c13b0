import { expect, test } from 'vitest'
import { acs3Signature, canonicalRequest, encode, legacySignature, type Pairs, sha256 } from './signature.ts'

const EMPTY = sha256('')

/** A CreateImage as the SDK sent it, with a description that the URL and the signature encode differently. */
const QUERY: Pairs = [
  ['ClientToken', '123e4567-e89b-12d3-a456-426655440000'],
  ['Description', "nightly (build #7) it's a*b ~ 中文"],
  ['DiskDeviceMapping.1.Device', '/dev/xvda'],
  ['DiskDeviceMapping.1.DiskType', 'system'],
  ['DiskDeviceMapping.1.SnapshotId', 's-bp1sys0001'],
  ['DiskDeviceMapping.2.Device', '/dev/xvdb'],
  ['DiskDeviceMapping.2.DiskType', 'data'],
  ['DiskDeviceMapping.2.Size', '40'],
  ['Features.ImdsSupport', 'v2'],
  ['ImageFamily', 'app'],
  ['ImageName', 'app-20260401'],
  ['RegionId', 'cn-hangzhou'],
  ['Tag.1.Key', 'git:sha'],
  ['Tag.1.Value', '0f3c'],
  ['Tag.2.Key', 'empty'],
  ['Tag.2.Value', ''],
]

function sdkRequest(more: Record<string, string> = {}): string {
  const headers: Record<string, string> = {
    host: '127.0.0.1:18080',
    'x-acs-action': 'CreateImage',
    'x-acs-content-sha256': EMPTY,
    'x-acs-credentials-provider': 'static_ak',
    'x-acs-date': '2026-04-01T08:30:00Z',
    'x-acs-signature-nonce': '0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0',
    'x-acs-version': '2014-05-26',
    ...more,
  }
  const signedHeaders = Object.keys(headers).sort()
  // The order of the wire is not that of the signature.
  const query = QUERY.toReversed()
  return canonicalRequest({ method: 'POST', path: '/', query, headers, signedHeaders, payloadHash: EMPTY })
}

test('signs a request as the SDK does', () => {
  expect(sha256(sdkRequest())).toBe('604a46ae0f465332cd930cf456c1b17738c11e91e2891767b85f004abbf07700')
  expect(acs3Signature(sdkRequest(), 'DummySecret000000000000000001')).toBe(
    '45c1bd225ee490dbf8c13c4104366caa7d39b65b9c4d640f1734b94510239fda',
  )
})

test('signs a request with a security token as the SDK does', () => {
  const canonical = sdkRequest({
    'x-acs-credentials-provider': 'static_sts',
    'x-acs-accesskey-id': 'LTAI5tDummyKeyId0001',
    'x-acs-security-token': 'CAISdummySecurityToken==',
  })
  expect(sha256(canonical)).toBe('60bc6fbd2802fce6749236144a8b8e5763bb9a999bb040e4cb85e84813398fb0')
  expect(acs3Signature(canonical, 'DummySecret000000000000000001')).toBe(
    '35c72b7806c66cfaae5c3452163387d2018dcd5e2409c52c94018af34953262f',
  )
})

test("agrees with Alibaba Cloud's own example of ACS3-HMAC-SHA256", () => {
  const headers: Record<string, string> = {
    host: 'ecs.cn-shanghai.aliyuncs.com',
    'x-acs-action': 'RunInstances',
    'x-acs-content-sha256': EMPTY,
    'x-acs-date': '2023-10-26T10:22:32Z',
    'x-acs-signature-nonce': '3156853299f313e23d1673dc12e1703d',
    'x-acs-version': '2014-05-26',
  }
  const query: Pairs = [
    ['ImageId', 'win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd'],
    ['RegionId', 'cn-shanghai'],
  ]
  const signedHeaders = Object.keys(headers)
  const canonical = canonicalRequest({ method: 'POST', path: '/', query, headers, signedHeaders, payloadHash: EMPTY })
  expect(sha256(canonical)).toBe('7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259')
  expect(acs3Signature(canonical, 'YourAccessKeySecret')).toBe(
    '06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0',
  )
})

test("agrees with Alibaba Cloud's own example of HMAC-SHA1", () => {
  const parameters: Pairs = [
    ['AccessKeyId', 'testid'],
    ['Action', 'DescribeRegions'],
    ['Format', 'XML'],
    ['SignatureMethod', 'HMAC-SHA1'],
    ['SignatureNonce', '3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf'],
    ['SignatureVersion', '1.0'],
    ['Timestamp', '2016-02-23T12:46:24Z'],
    ['Version', '2014-05-26'],
    ['Signature', 'is not part of what is signed'],
  ]
  expect(legacySignature('GET', parameters, 'testsecret')).toBe('OLeaidS1JvxuMvnyHOwuJ+uX5qY=')
})

test('encodes what Node leaves bare', () => {
  expect(encode("it's (a) *b*! ~-_.")).toBe('it%27s%20%28a%29%20%2Ab%2A%21%20~-_.')
})
