// The journal of a run: a line for each turn, in the words of `ballet show`, that opens to show what was delivered and what the
// run did, payloads included. A long journal is read in parts.
import type { ReactNode } from 'react'
import { Empty, Failure, Loading, Value } from './pieces.tsx'
import { useJournal } from './queries.ts'
import {
  commandWords,
  deliveredWords,
  noteWords,
  offset,
  part,
  printableView,
  shownTime,
  word,
  type JournalView as JournalRow,
  type RunView,
} from './shown.ts'

/** Characters of a payload in a line. */
const LIMIT = 90

export function JournalView({ run }: { readonly run: RunView }): ReactNode {
  const journal = useJournal(run.id, run.ended === null)
  if (journal.isPending) return <Loading />
  const rows = journal.data?.pages.flatMap(({ items }) => items) ?? []
  const asked = new Map<string, number>()
  return (
    <>
      <Failure of={journal.error} />
      {journal.data !== undefined && rows.length === 0 ? (
        <Empty>The journal has no row: a run of one call has none before its answer.</Empty>
      ) : null}
      <ol className="journal">
        {rows.map((row) => (
          <JournalLine key={`${row.pos} ${row.seq}`} row={row} run={run} asked={asked} />
        ))}
      </ol>
      {journal.hasNextPage ? (
        <button type="button" onClick={() => void journal.fetchNextPage()} disabled={journal.isFetchingNextPage}>
          More of the journal
        </button>
      ) : null}
    </>
  )
}

interface LineProps {
  readonly row: JournalRow
  readonly run: RunView
  /** When the run asked for an operation, by its id; the lines note it as they come. */
  readonly asked: Map<string, number>
}

function JournalLine({ row, run, asked }: LineProps): ReactNode {
  const safe = printableView(row)
  const at = Date.parse(row.at)
  const delivered = part(safe.delivered ?? safe.note)
  const from = asked.get(word(delivered, 'op'))
  const commands = (safe.commands ?? []).map(part)
  for (const command of commands) if (word(command, 'op') !== '') asked.set(word(command, 'op'), at)
  const words =
    row.kind === 'note'
      ? noteWords(part(safe.note), row.at, LIMIT)
      : `${row.kind === 'mail' ? 'kept for later: ' : ''}${deliveredWords(delivered, from === undefined ? undefined : at - from, LIMIT)}`
  return (
    <li className={row.kind}>
      <details>
        <summary>
          <time dateTime={row.at} title={shownTime(row.at)}>
            {offset(at, Date.parse(run.created))}
          </time>
          <span className="seq">{row.kind === 'turn' ? `turn ${row.seq}` : row.kind}</span>
          <span className="told">
            {words}
            {commands.map((command, index) => (
              <span key={index} className="did">
                → {commandWords(command, LIMIT)}
              </span>
            ))}
          </span>
        </summary>
        <Value of={row} />
      </details>
    </li>
  )
}
