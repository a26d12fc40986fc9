// The page of a run as lines: first why it waits and what can be done, then what it is, then its journal as a timeline:
// what came, what the run did about it, the attempts between, and what it still waits for. Pure: views in, lines out.
import type { Json } from '../core/json.ts'
import type { JournalView, RunView } from '../core/views.ts'
import { anewLines, choiceLines } from './choices.ts'
import { answerWords, commandWords, deliveredWords, noteWords, part, word } from './journal-words.ts'
import { plain, type Paint } from './paint.ts'
import { cut, printableView } from './printable.ts'
import { inTime, offset, shownTime } from './times.ts'
import { errorWords, firingWords, isStuckAt, placesOf, stuckWords, waitingLine, waitWords } from './why-waiting.ts'

export interface TimelineStyle {
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly paint: Paint
  readonly columns: number
  /** What stands behind every command that is printed to be copied (place.ts); default nothing. */
  readonly place?: string
  /** The stuck runs that it waits for, or that these wait for; default none. */
  readonly below?: readonly RunView[]
}

const OFFSET_WIDTH = 9
const SEQ_WIDTH = 5

/** The page of a run. The first line says why it waits and what can be done. */
export function timeline(
  unsafe: RunView,
  unsafeJournal: readonly JournalView[],
  style: TimelineStyle,
): readonly string[] {
  const run = printableView(unsafe)
  const journal = printableView(unsafeJournal)
  const { paint, now, place } = style
  return [
    statusPaint(paint, run.status)(waitingLine(run, now, place).replaceAll('\n', ' ')),
    ...choiceLines(run, place),
    ...anewLines(unsafe, place),
    ...belowLines(style),
    '',
    ...header(run, style),
    '',
    ...soloStart(run, journal, style),
    ...rows(run, journal, style),
    ...run.waits.map((wait) => {
      const waits = firingWords(run, now) ?? waitWords(wait, now)
      const words = isStuckAt(run, wait) ? `✋ ${stuckWords(wait, now)}` : `⌛ ${waits}`
      return entry(style, '', '', words, paint.yellow)
    }),
  ]
}

/** What holds up a run that waits for others, with what can be done about it. */
function belowLines({ below = [], now, paint, place }: TimelineStyle): string[] {
  return below.flatMap((unsafe) => {
    const run = printableView(unsafe)
    const line = waitingLine(run, now, place).replaceAll('\n', ' ')
    return [paint.yellow(`It is held up by ${run.id}: ${line}`), ...choiceLines(run, place)]
  })
}

/** The colour in which a status is written. */
export function statusPaint(paint: Paint, status: RunView['status']): (text: string) => string {
  switch (status) {
    case 'completed':
      return paint.green
    case 'running':
      return paint.cyan
    case 'stuck':
      return paint.yellow
    case 'failed':
    case 'cancelled':
      return paint.red
  }
}

function header(run: RunView, { now, paint, columns }: TimelineStyle): string[] {
  const key = run.key === null ? '' : `, key ${run.key.field}:${run.key.value}`
  const own = `run:${run.id}`
  const causes = [
    run.parent === null ? '' : `child of ${run.parent}`,
    run.cause === null || run.cause === `run:${run.parent ?? ''}` ? '' : `caused by ${run.cause}`,
    run.root === own || run.root === run.cause ? '' : `root ${run.root}`,
    run.traceparent === undefined ? '' : `asked for by the span ${run.traceparent}`,
  ].filter((text) => text !== '')
  const phase = run.phase === undefined ? '' : `, ${run.phase}`
  const generation = run.generation === undefined ? '' : `, generation ${run.generation}`
  const lines = [
    `${paint.bold(run.id)}  ${run.kind} ${run.name}, version ${run.version}${key}${generation}, ${run.status}${phase}`,
    paint.dim([times(run, now), ...causes].join('; ')),
  ]
  const payload = (name: string, value: Json | undefined): void => {
    if (value !== undefined) lines.push(`${paint.dim(name.padEnd(7))} ${answerWords(value, Math.max(40, columns - 8))}`)
  }
  payload('input', run.input)
  payload('state', run.state)
  payload('output', run.output)
  const at = placesOf(run.error).map((place) => `${paint.dim('thrown ')} ${place}`)
  const [, ...more] = run.error?.message.split('\n') ?? []
  if (run.error === undefined || more.length === 0) return [...lines, ...at]
  return [...lines, `${paint.dim('error  ')} ${errorWords(run.error)}`, ...more.map((line) => paint.red(line)), ...at]
}

/** When it began, or is to; when it ended, or must have. */
function times({ created, at, phase, ended, deadline }: RunView, now: number): string {
  // One that was cancelled before its time has not begun.
  const isBegun = at !== undefined && phase !== 'scheduled' && (ended === null || Date.parse(at) <= Date.parse(ended))
  const begun = isBegun ? `, began ${shownTime(at)}` : ''
  const begins = phase === 'scheduled' && at !== undefined ? `, begins ${shownTime(at)} (${inTime(at, now)})` : begun
  const limit = deadline === undefined ? '' : `, deadline ${shownTime(deadline)}`
  const left = limit === '' || ended !== null ? limit : `${limit} (${inTime(deadline ?? '', now)})`
  const first = at === undefined ? `began ${shownTime(created)}` : `asked for ${shownTime(created)}`
  return `${first}${begins}${ended === null ? '' : `, ended ${shownTime(ended)}`}${left}`
}

/** Whether a run is one call: an operation or a reaction. */
const isSolo = ({ kind }: RunView): boolean => kind === 'operation' || kind === 'reaction'

/** A run of one call has no row for its start. */
function soloStart(run: RunView, journal: readonly JournalView[], style: TimelineStyle): string[] {
  if (!isSolo(run) || run.waits[0]?.behind !== undefined) return []
  const op = run.waits[0]?.op ?? journal.map(({ delivered }) => word(part(delivered), 'op')).find((name) => name !== '')
  return op === undefined ? [] : [entry(style, '+0ms', '', `→ calls ${op}`)]
}

function rows(run: RunView, journal: readonly JournalView[], style: TimelineStyle): string[] {
  const origin = Date.parse(run.created)
  const limit = Math.max(30, style.columns - 50)
  /** When the run asked for an operation, by its id. */
  const asked = new Map<string, number>()
  if (isSolo(run)) asked.set('', origin)
  return journal.flatMap((row) => {
    const at = Date.parse(row.at)
    const when = offset(at, origin)
    if (row.kind === 'note')
      return [entry(style, when, '', noteWords(part(row.note), row.at, limit), style.paint.yellow)]
    const delivered = part(row.delivered ?? row.note)
    const from = asked.get(word(delivered, 'op')) ?? (word(delivered, 'op') === '' ? undefined : asked.get(''))
    const words = deliveredWords(delivered, from === undefined ? undefined : at - from, limit)
    const lines =
      row.kind === 'mail'
        ? [entry(style, when, '', `kept for later: ${words}`)]
        : [entry(style, when, String(row.seq), words, style.paint.bold)]
    for (const command of row.commands ?? []) {
      const op = word(part(command), 'op')
      if (op !== '') asked.set(op, at)
      lines.push(entry(style, '', '', `→ ${commandWords(part(command), limit)}`))
    }
    return lines
  })
}

function entry(
  { paint, columns }: TimelineStyle,
  when: string,
  seq: string,
  text: string,
  colour = plain.bold,
): string {
  const head = `${when.padStart(OFFSET_WIDTH)} ${seq.padStart(SEQ_WIDTH)}  `
  return `${paint.dim(head)}${colour(cut(text, Math.max(60, columns - head.length)))}`
}
