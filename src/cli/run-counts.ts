// How many runs have not ended, as `ballet runs --count` prints it: those that are stuck first, by what they are and why.
import type { CountView } from '../core/views.ts'
import type { RunsRequest } from '../define/reads.ts'
import type { Given } from './command.ts'
import type { Reads } from './reads.ts'
import { table } from './table.ts'
import { print, type Terminal } from './terminal.ts'
import { statusPaint } from './timeline.ts'

/** Of all that are open, those that are asked for. Returns whether there are any. */
export async function printCounts(
  reads: Pick<Reads, 'counts'>,
  asked: Pick<RunsRequest, 'name' | 'kind' | 'status' | 'reason'>,
  given: Given,
  terminal: Terminal,
): Promise<boolean> {
  const { counts: all, more } = await reads.counts()
  const counts = all.filter((count) => isAsked(count, asked))
  print(terminal, given.flag('json'), { counts, more }, () => (counts.length === 0 ? [] : lines(counts, terminal)))
  const sum = (status: CountView['status']): string =>
    counts.reduce((runs, one) => runs + (one.status === status ? one.runs : 0), 0).toLocaleString('en')
  terminal.note(`${more ? 'At least: ' : ''}${sum('stuck')} stuck, ${sum('running')} running.`)
  return counts.length > 0
}

function isAsked(
  count: CountView,
  { name, kind, status, reason }: Pick<RunsRequest, 'name' | 'kind' | 'status' | 'reason'>,
): boolean {
  return (
    (name === undefined || count.name === name) &&
    (kind === undefined || count.kind === kind) &&
    (status === undefined || status.includes(count.status)) &&
    (reason === undefined || count.reason === reason)
  )
}

function lines(counts: readonly CountView[], { paint, columns }: Terminal): readonly string[] {
  const rows = counts.map(({ status, phase, reason, kind, name, runs }) => [
    { text: status === 'running' ? (phase ?? status) : status, colour: statusPaint(paint, status) },
    { text: reason ?? '-' },
    { text: kind },
    { text: runs.toLocaleString('en') },
    { text: name, colour: paint.bold },
  ])
  return table(['STATUS', 'REASON', 'KIND', 'RUNS', 'NAME'], rows, Math.max(columns, 60), paint)
}
