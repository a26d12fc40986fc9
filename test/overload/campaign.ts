// Overload: the peak is measured with clients that wait for their answers; then orders come at a multiple of it, whatever
// is answered; then the peak is measured again, which tells whether all is as before and how steady the machine was. Judged
// from the store, by id: what was accepted has completed, what was refused left nothing, nothing of what has ended is in
// memory any more, and the orders finished in a second are not much fewer than at the peak.
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sqlite } from '../../src/index.ts'
import { Crowd, orderId } from './crowd.ts'

export interface Plan {
  /** Of the overload; the peak is measured for a quarter of that, 5 s at least. */
  readonly seconds: number
  /** Times the peak. */
  readonly factor: number
  readonly connections: number
}

export interface Figures {
  /** Before the overload, and after it. */
  readonly peakPerSecond: number
  readonly peakAfterPerSecond: number
  readonly offeredPerSecond: number
  readonly sent: number
  readonly withheld: number
  readonly accepted: number
  readonly refused: number
  readonly unknown: number
  readonly broken: number
  readonly completed: number
  /** Orders finished in a second of the overload, after its first second. */
  readonly goodputPerSecond: number
  /** Of the mean of both peaks. */
  readonly goodput: number
  /** Orders that the server finished for a second of processor time, in all its threads, compared with the same at the peak. */
  readonly goodputByCpu: number
  /** From the last order that was sent to the last that was finished. */
  readonly recoveredMs: number
  readonly rssMaxBytes: number
  /** Of the second half of the overload; least squares. */
  readonly rssSlopeBytesPerSecond: number
  /** Memory of the server in use after the overload, beyond that before it, both after a collection. */
  readonly liveGrowthBytes: number
  /** What is wrong, in words. */
  readonly findings: readonly string[]
}

/** In flight where the peak is measured: as many as the engine is measured with elsewhere. */
const PEAK_CONNECTIONS = 64

/** A process that held on to 50 bytes of each order would be past it after a minute. */
const LIVE_GROWTH_BYTES = 16 * 2 ** 20

interface Beat {
  readonly at: number
  readonly finished: number
  readonly rssBytes: number
  /** Processor time so far. */
  readonly cpuMs: number
}

type Told = ({ readonly kind: 'beat' } & Omit<Beat, 'at'>) | { readonly kind: 'weight'; readonly liveBytes: number }

export async function overload({ seconds, factor, connections }: Plan): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-overload-'))
  try {
    const server = await Server.start(join(folder, 'store.db'))
    const crowd = new Crowd(server.port)
    await crowd.open(PEAK_CONNECTIONS)
    // Once without being counted, so that the code is warm.
    await crowd.closedLoop(2000, PEAK_CONNECTIONS)
    const measurePeak = async (): Promise<readonly Beat[]> => {
      const began = Date.now()
      await crowd.closedLoop(Math.max(5000, seconds * 250), PEAK_CONNECTIONS)
      const beats = server.between(began, Date.now())
      await server.finished(crowd.accepted)
      return beats
    }
    const before = await measurePeak()
    const peak = perSecond(before)

    // Not before: a server closes connections that are idle.
    await crowd.open(connections - PEAK_CONNECTIONS)
    const liveBytes = await server.weigh()
    const from = Date.now()
    const withheld = await crowd.openLoop(peak * factor, seconds * 1000)
    const to = Date.now()
    await crowd.answered()
    const last = await server.finished(crowd.accepted)
    const liveGrowthBytes = (await server.weigh()) - liveBytes
    const after = await measurePeak()
    const peakAfter = perSecond(after)
    crowd.close()
    await server.stop()
    const during = server.between(from + 1000, to)
    const goodputPerSecond = perSecond(during)
    const stored = await endings(join(folder, 'store.db'))
    const count = (word: string): number => crowd.words.filter((one) => one === word).length
    return {
      peakPerSecond: Math.round(peak),
      peakAfterPerSecond: Math.round(peakAfter),
      offeredPerSecond: Math.round(peak * factor),
      sent: crowd.sent,
      withheld,
      accepted: count('accepted'),
      refused: count('refused'),
      unknown: count('unknown'),
      broken: count('broken'),
      completed: [...stored.values()].filter((status) => status === 'completed').length,
      goodputPerSecond: Math.round(goodputPerSecond),
      goodput: Math.round((goodputPerSecond / ((peak + peakAfter) / 2)) * 1000) / 1000,
      goodputByCpu:
        Math.round((perCpuSecond(during) / ((perCpuSecond(before) + perCpuSecond(after)) / 2)) * 1000) / 1000,
      recoveredMs: Math.max(0, last.at - to),
      rssMaxBytes: Math.max(...server.beats.map(({ rssBytes }) => rssBytes)),
      rssSlopeBytesPerSecond: Math.round(slope(during.slice(Math.floor(during.length / 2)))),
      liveGrowthBytes,
      findings: [...findingsOf(crowd, stored), ...leakOf(liveGrowthBytes)],
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function findingsOf(crowd: Crowd, stored: ReadonlyMap<string, string>): string[] {
  const wrong = crowd.words.flatMap((word, order) => {
    const status = stored.get(`checkout:${orderId(order)}`)
    if (word === 'accepted' && status !== 'completed') return [`order ${order} was accepted and is ${status ?? 'lost'}`]
    if (word === 'refused' && status !== undefined) return [`order ${order} was refused and is ${status}`]
    if (word === 'broken') return [`order ${order} was answered with neither`]
    return status === undefined || status === 'completed' ? [] : [`order ${order} is ${status}`]
  })
  return wrong.length > 10 ? [...wrong.slice(0, 10), `and ${wrong.length - 10} more`] : wrong
}

function leakOf(growthBytes: number): string[] {
  return growthBytes > LIVE_GROWTH_BYTES ? [`the server holds on to ${growthBytes} bytes more than before`] : []
}

/** How every run of the store stands, by its id. */
async function endings(file: string): Promise<ReadonlyMap<string, string>> {
  const store = sqlite({ file, readOnly: true })
  await store.open()
  const found = new Map<string, string>()
  for (let after = 0; ;) {
    const page = await store.aged(0, 'default', after, 10_000)
    for (const { id, status } of page) found.set(id, status)
    const last = page.at(-1)
    if (last === undefined) break
    after = last.num
  }
  await store.close()
  return found
}

const perSecond = (beats: readonly Beat[]): number => rate(beats, ({ at }) => at)
const perCpuSecond = (beats: readonly Beat[]): number => rate(beats, ({ cpuMs }) => cpuMs)

/** Orders finished in a thousand milliseconds of some clock. */
function rate(beats: readonly Beat[], clockMs: (beat: Beat) => number): number {
  const [first, last] = [beats[0], beats.at(-1)]
  if (first === undefined || last === undefined || clockMs(last) === clockMs(first)) return 0
  return ((last.finished - first.finished) / (clockMs(last) - clockMs(first))) * 1000
}

/** Bytes a second (ordinary least squares over time). */
function slope(beats: readonly Beat[]): number {
  const mean = (of: (beat: Beat) => number): number => beats.reduce((sum, beat) => sum + of(beat), 0) / beats.length
  const [at, rss] = [mean((beat) => beat.at), mean((beat) => beat.rssBytes)]
  const over = beats.reduce((sum, beat) => sum + (beat.at - at) * (beat.rssBytes - rss), 0)
  const under = beats.reduce((sum, beat) => sum + (beat.at - at) ** 2, 0)
  return under === 0 ? 0 : (over / under) * 1000
}

/** The server process, and what it told. */
class Server {
  readonly beats: Beat[] = []
  readonly port: number
  readonly #child: ChildProcess
  #onWeight: (liveBytes: number) => void = () => {}

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
    child.on('message', (message) => {
      const told = message as Told
      if (told.kind === 'weight') this.#onWeight(told.liveBytes)
      else this.beats.push({ ...told, at: Date.now() })
    })
  }

  static async start(file: string): Promise<Server> {
    const child = fork(fileURLToPath(new URL('./server-process.ts', import.meta.url)), [file], {
      execArgv: ['--expose-gc'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    const [ready] = (await once(child, 'message')) as [{ readonly port: number }]
    return new Server(child, ready.port)
  }

  between(from: number, to: number): readonly Beat[] {
    return this.beats.filter(({ at }) => at >= from && at <= to)
  }

  /** The first beat at which so many orders are finished. Throws when none is for a minute. */
  async finished(count: number): Promise<Beat> {
    for (let at = this.beats.length - 1, idle = 0; ;) {
      const beat = this.beats[Math.max(0, at)]
      if (beat !== undefined && beat.finished >= count) return beat
      await once(this.#child, 'message')
      const now = this.beats.at(-1)
      idle = now?.finished === beat?.finished ? idle + 1 : 0
      if (idle > 240) throw new RangeError(`${now?.finished} of ${count} orders are finished, and no more come`)
      at = this.beats.length - 1
    }
  }

  /** Bytes in use, when what is unused has been collected. */
  weigh(): Promise<number> {
    this.#child.send('weigh')
    return new Promise((resolve) => (this.#onWeight = resolve))
  }

  async stop(): Promise<void> {
    this.#child.send('stop')
    await once(this.#child, 'exit')
  }
}
