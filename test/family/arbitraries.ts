/** Any family in three regions, and any place where a process may crash. */
import { type Arbitrary, array, constant, constantFrom, integer, oneof, option, record, tuple } from 'fast-check'
import type { Image } from '../../src/family/model/image.ts'
import type { Tags } from '../../src/family/model/tags.ts'
import { type FakeEcs, there } from './fake-ecs.ts'
import { beijing, copyOf, image, manyTags, region, shanghai } from './images.ts'
import type { Crash } from './walk.ts'

const weighted = <const T>(...all: readonly (readonly [number, T])[]): Arbitrary<T> =>
  oneof(...all.map(([weight, value]) => ({ weight, arbitrary: constant(value) })))

const somewhere = record({
  day: integer({ min: 1, max: 12 }),
  status: weighted([12, 'Available'], [4, 'Deprecated'], [1, 'CreateFailed'], [1, 'Creating']),
  family: weighted([15, 'web'], [1, 'api'], [1, '']),
  tags: constantFrom<Tags[]>({}, {}, {}, {}, manyTags(3), manyTags(18)),
})
/** One image: where it was made first, and what there is of it in each region, some of it twice. */
const oneImage = record({
  born: integer({ min: 0, max: 2 }),
  standing: tuple(
    ...[0, 1, 2].map(() =>
      weighted([1, 0], [8, 1], [1, 2]).chain((times) => array(somewhere, { minLength: times, maxLength: times })),
    ),
  ),
})

/** Any family in three regions: `m-0-h1` is the first of what there is of image 0 in cn-hangzhou. */
export const anyRegions: Arbitrary<FakeEcs> = array(oneImage, { minLength: 2, maxLength: 4 }).map((images) =>
  there(
    ...images.flatMap(({ born, standing }, index) =>
      standing.flatMap((all, where) =>
        all.map(({ day, tags, ...given }, nth): Image => {
          const [id, place] = [`m-${index}-${'hsb'[where]}${nth + 1}`, [region, shanghai, beijing][where] ?? '']
          const isOriginal = where === born && nth === 0
          const first = image(`m-${index}-${'hsb'[born]}1`, 1, { region: [region, shanghai, beijing][born] ?? '' })
          // Where there are copies, there was an image to be copied.
          const status = given.status === 'Deprecated' || standing.flat().length === 1 ? given.status : 'Available'
          if (isOriginal) return image(id, day, { ...given, status, tags, region: place })
          // CopyImage puts its image into no family.
          const family = given.status === 'Creating' ? '' : given.family
          return copyOf(first, place, id, day, { ...given, tags, family })
        }),
      ),
    ),
  ),
)

export const anyCrash: Arbitrary<Crash> = record({
  phases: integer({ min: 0, max: 6 }),
  cuts: tuple(...[0, 1, 2].map(() => integer({ min: 0, max: 6 }))),
})
export const perhaps = <T>(arbitrary: Arbitrary<T>): Arbitrary<T | undefined> => option(arbitrary, { nil: undefined })
