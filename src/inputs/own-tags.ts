/** The tags that the action puts on images itself, and the room that they leave for the user's. */
import { tagLimit, tagValueLimit } from '../family/model/limits.ts'
import { type Tags, tag } from '../family/model/tags.ts'
import type { RunContext } from '../github/context.ts'

/** What an image or a copy says of the run that made it, a function of inputs and run alone. */
export const provenanceTags = ({ repository, sha, workflowRun }: RunContext, runKey: string): Tags => ({
  [tag.run]: runKey,
  ...(repository ? { 'github:repository': cutValue(repository), 'github:sha': sha, 'github:run': workflowRun } : {}),
})

/** The full name of a repository has up to 140 characters. */
const cutValue = (value: string): string => value.slice(0, tagValueLimit)

/** Those that promote and rollback will need room for: the decision and its reason. */
const laterTags = 2

/** @param isMade whether this run makes the image or copies of it: a tag says where they come from, besides the run's */
export function checkRoomForTags(tags: Tags, { context, isMade }: { context: RunContext; isMade: boolean }): string[] {
  const own = isMade ? Object.keys(provenanceTags(context, '')).length + 1 : 0
  const room = tagLimit - own - laterTags
  const count = Object.keys(tags).length
  if (count <= room) return []
  return [
    `\`tags\` has ${count} tags, but there is room for ${room}: ECS allows ${tagLimit}, and this action needs the others.`,
  ]
}
