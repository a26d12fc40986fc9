// Waits in a test for something to hold of an application. It looks again after each commit, so that it needs no delay, and what
// holds already is seen at once.
import type { Application } from '../define/application.ts'

/**
 * Resolves with what `look` gives, as soon as it gives something else than undefined, null or false; asked at once, and after every
 * commit of the application:
 *
 *     const { id } = await app.start(booking({ stayId: 's1', room: '12' }))
 *     await until(app, async () => (await app.run(id))?.waits.some(({ kind }) => kind === 'receive'))
 *     clock.pass('10s')
 *
 * It waits for as long as that takes: the time limit is that of the test. Rejects with what `look` rejects with.
 */
export async function until<Found>(
  app: Pick<Application, 'watch'>,
  look: () => Promise<Found>,
): Promise<Exclude<Found, undefined | null | false>> {
  let wake = Promise.withResolvers<void>()
  const stop = app.watch(null, () => wake.resolve())
  try {
    for (;;) {
      const found = await look()
      if (isFound(found)) return found
      await wake.promise
      wake = Promise.withResolvers()
    }
  } finally {
    stop()
  }
}

function isFound<Found>(found: Found): found is Exclude<Found, undefined | null | false> {
  return found !== undefined && found !== null && found !== false
}
