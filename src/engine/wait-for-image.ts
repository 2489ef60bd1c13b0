/** Watches an image until it is what is waited for, and lets a person see that it gets on. */
import { type Image, label } from '../family/model/image.ts'
import type { Clock } from './clock.ts'
import type { Log } from './ports.ts'

/** Without news a line all the same, so that nobody takes a long wait for a hang: at 5 s, one a minute. */
const quietLooks = 12

const describe = (image: Image | undefined): string =>
  image
    ? `${label(image)}: ${image.status}${image.progress === undefined ? '' : `, ${image.progress}%`}${image.usable === false ? ', not usable yet' : ''}`
    : 'ECS does not list the image yet'

export async function waitForImage(
  look: () => Promise<Image | undefined>,
  judge: (image: Image | undefined) => 'good' | 'on its way' | 'hopeless',
  { clock, log }: { clock: Clock; log: Log },
): Promise<{ readonly seen: Image | undefined; readonly isGood: boolean }> {
  let said = ''
  let quiet = 0
  const began = performance.now()
  const report = (image: Image | undefined): void => {
    const line = describe(image)
    quiet += 1
    if (line === said && quiet < quietLooks) return
    log.info(`${line} (after ${duration(performance.now() - began)})`)
    said = line
    quiet = 0
  }
  return await clock.pollUntilStable(async () => {
    const image = await look()
    report(image)
    return image
  }, judge)
}

/** `1 h 04 min`, `4 min 10 s`, `12 s` */
export function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000)
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  if (hours > 0) return `${hours} h ${String(minutes).padStart(2, '0')} min`
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`
}
