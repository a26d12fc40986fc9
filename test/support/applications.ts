// Applications for tests: opened on a store that outlives them, closed after each test, with a log that is kept.
import { afterEach } from 'vitest'
import type { Application } from '../../src/define/application.ts'
import type { ApplicationDefinition, Log } from '../../src/define/definition.ts'
import { open, type OpenOptions } from '../../src/index.ts'
import { until as untilIn } from '../../src/testing/until.ts'

const opened: Application[] = []

afterEach(async () => {
  for (const application of opened.splice(0)) await application.close()
})

/** A log that keeps its lines. */
export function keptLog(): Log & { readonly lines: string[] } {
  const lines: string[] = []
  const keep =
    (level: string) =>
    (message: string): void =>
      void lines.push(`${level} ${message}`)
  return { lines, info: keep('info'), warn: keep('warn'), error: keep('error') }
}

/** Opens an application for one test. */
export async function openForTest(definition: ApplicationDefinition, options: OpenOptions = {}): Promise<Application> {
  const application = await open(definition, { log: keptLog(), graceMs: 0, ...options })
  opened.push(application)
  return application
}

/** As `until` of `ballet/testing`, after commits that concern `key` alone (any, for null). */
export const until = <Found>(
  app: Application,
  key: string | null,
  look: () => Promise<Found>,
): ReturnType<typeof untilIn<Found>> => untilIn({ watch: (_, wake) => app.watch(key, wake) }, look)

/** A promise that a test settles. */
export function gate<T = void>(): {
  readonly promise: Promise<T>
  open: (value: T) => void
  fail: (error: Error) => void
} {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  return { promise, open: resolve, fail: reject }
}
