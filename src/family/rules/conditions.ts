/** The conditions that a user can set for an image before it is promoted or used. */

import { createdAt, type Image, label } from '../model/image.ts'
import type { Tags } from '../model/tags.ts'
import { type Refusal, refuse } from '../plan/plan.ts'

const day = 24 * 60 * 60_000

/** @param now ECS's time, milliseconds */
export function unmetCondition(
  image: Image,
  { requireTags, maxAgeDays, now }: { requireTags: Tags; maxAgeDays: number | undefined; now: number },
): Refusal | undefined {
  const lacking = Object.entries(requireTags).filter(([key, value]) => image.tags[key] !== value)
  if (lacking.length > 0) {
    const found = lacking.map(
      ([key, value]) =>
        `${key}=${value} (it has ${Object.hasOwn(image.tags, key) ? `${key}=${image.tags[key]}` : `no tag ${key}`})`,
    )
    return refuse(
      'condition-unmet',
      `${label(image)} lacks a required tag: ${found.join(', ')}.`,
      'Tag the image once it has passed the test that the tag stands for, or change `require-tags`.',
    )
  }
  const age = (now - createdAt(image)) / day
  if (maxAgeDays === undefined || age <= maxAgeDays) return undefined
  return refuse(
    'condition-unmet',
    `${label(image)} was created at ${image.creationTime}, ${age.toFixed(age < 10 ? 1 : 0)} days ago; \`max-age-days\` allows ${maxAgeDays}.`,
    'Bake a fresh image, or change `max-age-days`.',
  )
}
