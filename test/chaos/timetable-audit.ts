// What became of the counts of a campaign (timetable.ts): each second had one, without a gap; each of them has ended, went on in every attempt from
// where the one before had said that it was, whichever node that was, and has left nothing behind. Asked for when the orders have ended,
// while the nodes live; judged by what the store and the lines of the attempts say.
import { existsSync, readFileSync } from 'node:fs'
import postgres from 'postgres'
import { z } from 'zod'
import { pause } from './pause.ts'
import { COUNT, COUNTING, EVERY_MS, ROWS, ROWS_EACH, type CountLine } from './timetable.ts'

/** A run that was started for a time. */
export interface Firing {
  readonly id: string
  readonly status: string
}

export interface TimetableExhibits {
  readonly firings: readonly Firing[]
  readonly lines: readonly CountLine[]
  /** Rows of how far a run is, in the store. */
  readonly beside: number
}

export interface TimetableFinding {
  readonly rule: 'FIRED' | 'COUNTED' | 'PROGRESS' | 'BESIDE'
  readonly about: string
  readonly detail: string
}

/** How long the last counts have after the last blow. */
const END_MS = 60_000
const LOOK_MS = 200
const Runs = z.object({
  items: z.array(z.object({ id: z.string(), status: z.string() })),
  cursor: z.string().nullish(),
})

/** Lets nothing more begin, and waits for the counts that are under way. @param current some node that answers */
export async function endOfTimetable(current: () => Promise<string>): Promise<readonly Firing[]> {
  const body = JSON.stringify({ by: 'the campaign', why: 'it is over' })
  const headers = { 'content-type': 'application/json' }
  for (;;) {
    const url = `${await current()}/api/schedules/${COUNT}/pause`
    const answer = await fetch(url, { method: 'POST', headers, body }).catch(() => null)
    if (answer?.ok === true) break
    await pause(LOOK_MS)
  }
  for (let left = END_MS / LOOK_MS; ; left--) {
    await pause(LOOK_MS)
    const firings = await firingsOf(await current())
    if (left <= 0 || firings.every(({ status }) => status !== 'running' && status !== 'stuck')) return firings
  }
}

async function firingsOf(url: string): Promise<readonly Firing[]> {
  const all: Firing[] = []
  for (let cursor: string | null | undefined = ''; typeof cursor === 'string';) {
    const page = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const answer = await fetch(`${url}/api/runs?name=${COUNTING}&limit=1000${page}`)
    const read = Runs.parse(await answer.json())
    all.push(...read.items)
    cursor = read.cursor
  }
  return all
}

/** @param url of the database */
export async function exhibitsOf(firings: readonly Firing[], file: string, url: string): Promise<TimetableExhibits> {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  const lines = text.split('\n').filter((line) => line !== '')
  const sql = postgres(url.replace(/\?.*/, ''), { max: 1, onnotice: () => {} })
  try {
    const [row] = await sql<{ beside: number }[]>`SELECT count(*)::int AS beside FROM ballet.journal WHERE run < 0`
    return { firings, lines: lines.map((line) => JSON.parse(line) as CountLine), beside: row?.beside ?? 0 }
  } finally {
    await sql.end()
  }
}

/** Everything that is wrong. */
export function auditTimetable({ firings, lines, beside }: TimetableExhibits): TimetableFinding[] {
  const found: TimetableFinding[] = []
  const find = (rule: TimetableFinding['rule'], about: string, detail: string): void =>
    void found.push({ rule, about, detail })
  if (firings.length === 0) find('FIRED', 'the campaign', 'nothing was fired')
  const times = firings.map(({ id }) => timeOf(id)).sort((left, right) => left - right)
  for (const [index, time] of times.entries()) {
    const before = times[index - 1]
    if (before !== undefined && time - before !== EVERY_MS)
      find('FIRED', new Date(time).toISOString(), `${time - before} ms after the one before`)
  }
  const counts = Map.groupBy(lines, ({ at }) => Date.parse(at))
  for (const { id, status } of firings) {
    const own = counts.get(timeOf(id)) ?? []
    const keys = new Set(own.map(({ key }) => key))
    if (status !== 'completed') find('COUNTED', id, `it is ${status}`)
    if (keys.size !== 1) find('COUNTED', id, `it was made under ${keys.size} keys`)
    if (!own.some(({ to }) => to === ROWS)) find('COUNTED', id, `nobody was at row ${ROWS}`)
    for (const { attempt, from } of own)
      if (from !== (attempt - 1) * ROWS_EACH) find('PROGRESS', id, `attempt ${attempt} began at row ${from}`)
  }
  for (const at of counts.keys())
    if (!times.includes(at)) find('FIRED', new Date(at).toISOString(), 'it was counted, and there is no such run')
  if (beside > 0) find('BESIDE', 'the store', `${beside} rows of counts that are over`)
  return found
}

/** In words: how many there were, and how many of them several processes had a part in. */
export function timetableFigures({ firings, lines }: TimetableExhibits): string {
  const shared = [...Map.groupBy(lines, ({ key }) => key).values()].filter(
    (own) => new Set(own.map(({ pid }) => pid)).size > 1,
  )
  return `${firings.length} counts, ${lines.length} attempts, ${shared.length} counts by several processes`
}

/** `count@20260302T030000Z` */
function timeOf(id: string): number {
  const [, day = '', hour = ''] = /^count@(\d{8})T(\d{6})Z$/.exec(id) ?? []
  return Date.parse(`${day.replace(/(....)(..)(..)/, '$1-$2-$3')}T${hour.replace(/(..)(..)(..)/, '$1:$2:$3')}Z`)
}
