// The timeline: a row for each run and each thing that it asked for, a bar for each attempt. Bars are plain boxes, so that ten
// thousand of them scroll; what a bar means stands in words behind it, for whoever cannot tell colours or hover.
import { useState, type ReactNode } from 'react'
import { serverNow } from './api.ts'
import { shownId } from './pieces.tsx'
import { href } from './router.ts'
import { printable, showMs, type JournalView, type RunView } from './shown.ts'
import { rowsOf, scaleOf, type Row, type Scale, type Span } from './spans.ts'
import { WindowList } from './window-list.tsx'

const ROW_HEIGHT = 28
/** A bar that nobody could see is drawn so wide, in per cent. */
const LEAST = 0.4

interface TimelineProps {
  readonly runs: readonly RunView[]
  readonly journals: ReadonlyMap<string, readonly JournalView[]>
  /** The run whose page this is. */
  readonly of?: string
}

export function TimelineView({ runs, journals, of }: TimelineProps): ReactNode {
  const [isShort, setShort] = useState(true)
  const rows = rowsOf(runs, journals)
  const now = serverNow()
  const scale = scaleOf(rows, now, isShort)
  const whole = scaleOf(rows, now, true)
  return (
    <div className="timeline">
      <div className="legend">
        <span>
          <i className="bar done" /> done
        </span>
        <span>
          <i className="bar failed" /> attempt failed
        </span>
        <span>
          <i className="bar open" /> under way
        </span>
        <span>
          <i className="bar stuck" /> stuck
        </span>
        <span>
          <i className="bar wait" /> waits
        </span>
        {whole.gaps.length > 0 ? (
          <label>
            <input type="checkbox" checked={isShort} onChange={(event) => setShort(event.target.checked)} /> draw idle
            time short
          </label>
        ) : null}
        <span className="dim">
          {showMs(scale.end - scale.origin)} in all, times are from {new Date(scale.origin).toISOString()}
        </span>
      </div>
      <WindowList
        count={rows.length}
        rowHeight={ROW_HEIGHT}
        keyOf={(index) => rows[index]?.id ?? `${index}`}
        row={(index) => <TimelineRow row={rows[index] as Row} scale={scale} now={now} of={of} />}
        label="Timeline"
      />
    </div>
  )
}

function TimelineRow({
  row,
  scale,
  now,
  of,
}: {
  readonly row: Row
  readonly scale: Scale
  readonly now: number
  readonly of: string | undefined
}): ReactNode {
  const { label, detail, depth, undoes, spans, run } = row
  const last = spans.at(-1)
  const name = shownId(label)
  return (
    <div className={`bar-row depth${depth}`}>
      <div className="bar-label" title={printable(row.id)}>
        {undoes ? <span title="takes back what was done">↩ </span> : null}
        {depth === 0 && run !== of ? <a href={href(['runs', run])}>{name}</a> : name}{' '}
        <span className="dim">{shownId(detail)}</span>
      </div>
      <div className="track" aria-hidden="true">
        {scale.gaps.map((gap) => (
          <i
            key={gap.left}
            className="gap"
            title={`${showMs(gap.ms)} in which nothing was tried`}
            style={{ left: percent(gap.left), width: percent(gap.width) }}
          />
        ))}
        {spans.map((span, index) => (
          <Bar key={index} span={span} scale={scale} now={now} />
        ))}
      </div>
      <div className="bar-words">{last === undefined ? '' : wordsOf(spans, last, now)}</div>
    </div>
  )
}

function Bar({ span, scale, now }: { readonly span: Span; readonly scale: Scale; readonly now: number }): ReactNode {
  const from = scale.at(span.from)
  const width = Math.max(scale.at(span.to ?? now) - from, LEAST / 100)
  const left = Math.min(from, 1 - width)
  const length = showMs((span.to ?? now) - span.from)
  return (
    <i
      className={`bar ${span.kind}${span.to === null ? ' on' : ''}`}
      title={printable(`${span.words}, ${length}, from +${showMs(span.from - scale.origin)}`)}
      style={{ left: percent(left), width: percent(width) }}
    />
  )
}

const percent = (share: number): string => `${(share * 100).toFixed(3)}%`

/** How long it took in all, and what came of it. */
function wordsOf(spans: readonly Span[], last: Span, now: number): string {
  const from = spans[0]?.from ?? last.from
  return printable(`${showMs((last.to ?? now) - from)} ${last.words}`)
}
