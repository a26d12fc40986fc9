// The process that is attacked: the hostile application on a SQLite file, served as `ballet serve` does, with short
// time limits so that slow clients are dealt with while others are sent. It watches its own event loop, by the histogram
// of Node and, because a busy machine delays everybody, by the processor time that its main thread spent between two
// ticks; its parent asks for both over the channel. What the log says of the engine or the server is kept.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { open } from '../../src/index.ts'
import { serve } from '../../src/server.ts'
import { application } from './application.ts'
import type { Health } from './target.ts'

const TICK_MS = 5
const [storePath = ''] = process.argv.slice(2)

let health: { busyMs: number; errors: string[]; logged: number } = { busyMs: 0, errors: [], logged: 0 }
const delays = monitorEventLoopDelay({ resolution: 1 })
delays.enable()

let spent = process.threadCpuUsage()
setInterval(() => {
  const { user, system } = process.threadCpuUsage(spent)
  spent = process.threadCpuUsage()
  health.busyMs = Math.max(health.busyMs, (user + system) / 1000)
}, TICK_MS).unref()

const noted = (what: string) => (error: unknown) => {
  health.errors.push(`${what}: ${error instanceof Error ? error.stack : String(error)}`)
}
// Nobody listens for rejections here, so that one which nobody handles ends the process, as it would anybody's.
process.on('uncaughtExceptionMonitor', (error) => console.error(error))

const app = await open(application, {
  store: `file:${storePath}`,
  graceMs: 0,
  log: {
    info: () => void (health.logged += 1),
    warn: () => void (health.logged += 1),
    // A run that is stuck is told here too (many of them once a minute, on a slow machine), and judged by its status; what is said of
    // the engine or the server is not.
    error(message) {
      const isMeant = ['The run "', 'Runs of ', "the application's route "].some((words) => message.startsWith(words))
      if (!isMeant) noted('log')(message)
    },
  },
})
void app.stopped.then((failure) => failure !== null && noted('the engine stopped')(failure))
const server = await serve(app, { port: 0, headersTimeoutMs: 2000, requestTimeoutMs: 4000, graceMs: 0 })

process.on('message', () => {
  const report: Health = { ...health, blockedMs: delays.max / 1e6, rssBytes: process.memoryUsage.rss() }
  process.send?.(report)
  health = { busyMs: 0, errors: [], logged: 0 }
  delays.reset()
})
process.once('disconnect', () => process.exit())
process.send?.({ port: server.port })
