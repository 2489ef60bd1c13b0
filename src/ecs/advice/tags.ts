/** Tags on images, instances and snapshots; TagResources, UntagResources, ListTagResources. */
import { type Advice, fail, reportBug } from './advice.ts'

const tooManyTags = fail('Shorten `tags`: a resource carries at most 20 tags, including those that this action sets.')

export const tags = {
  'Duplicate.TagKey': fail('Give each key once in `tags`.'),
  'InvalidTagKey.Malformed': fail(
    'Correct the keys in `tags`: 1 to 128 characters, not starting with aliyun or acs:, without http(s)://.',
  ),
  'InvalidTagValue.Malformed': fail(
    'Correct the values in `tags`: at most 128 characters, not starting with acs:, without http(s)://.',
  ),
  'TagKey.Duplication': fail(
    'Change the keys in `tags`: one differs from an existing key only in upper and lower case.',
  ),
  'QuotaExceed.Tags': tooManyTags,
  InvalidTagCount: tooManyTags,
  'NumberExceed.Tags': tooManyTags,
  'OperationDenied.QuotaExceed': tooManyTags,
  'NoPermission.Tag': fail(
    'Grant `ecs:TagResources` on image/*, instance/* and snapshot/* to the identity of this step (RAM console).',
  ),
  'InvalidResourceId.NotFound': fail(
    'Check that image, snapshot or instance still exists in this region (ECS console), then run the step again.',
  ),

  // What this action never sends
  'InvalidTag.Mismatch': reportBug,
  'NumberExceed.ResourceIds': reportBug,
  'InvalidResourceId.NotSupported': reportBug,
  'InvalidResourceType.NotFound': reportBug,
  'BothEmpty.TagsAndResources': reportBug,
  'Invalid.NextToken': reportBug,
} satisfies Record<string, Advice>
