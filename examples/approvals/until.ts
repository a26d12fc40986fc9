// Waits for something to hold of an application, looking after every commit.
import type { Application } from 'ballet'

/** What `look` gives, as soon as it gives something. */
export async function until<Found>(app: Application, look: () => Promise<Found | undefined>): Promise<Found> {
  let wake = (): void => {}
  let changed = new Promise<void>((resolve) => (wake = resolve))
  const stop = app.watch(null, () => wake())
  try {
    for (;;) {
      const found = await look()
      if (found !== undefined) return found
      await changed
      changed = new Promise<void>((resolve) => (wake = resolve))
    }
  } finally {
    stop()
  }
}
