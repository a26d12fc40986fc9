// Who told whom what, as lanes: a column for each party, a row for each arrow, in the order in which it came about. A table in
// its bones, so that it reads from top to bottom without a picture.
import type { ReactNode } from 'react'
import { offset, OUTSIDE, printable, sequenceLines, shownTime, type CausalNode, type SequenceLine } from './shown.ts'
import { WindowList } from './window-list.tsx'

const ROW_HEIGHT = 30
const LANE = 150

export function SequenceView({ tree }: { readonly tree: readonly CausalNode[] }): ReactNode {
  const { parties, lines } = sequenceLines(tree)
  const origin = lines[0]?.at ?? 0
  if (lines.length === 0) return <p className="empty">Nothing has come about yet.</p>
  const width = { width: LANE * parties.length }
  return (
    <div className="sequence" tabIndex={0} role="group" aria-label="Sequence">
      <div className="parties">
        <div className="seq-time" />
        <div className="lanes" style={width}>
          {parties.map((party) => (
            <div key={party} className={party === OUTSIDE ? 'party dim' : 'party'} title={printable(party)}>
              {printable(party)}
            </div>
          ))}
        </div>
      </div>
      <WindowList
        count={lines.length}
        rowHeight={ROW_HEIGHT}
        keyOf={(index) => `${index}`}
        row={(index) => <SequenceRow line={lines[index] as SequenceLine} parties={parties} origin={origin} />}
        label="Sequence"
      />
    </div>
  )
}

interface RowProps {
  readonly line: SequenceLine
  readonly parties: readonly string[]
  readonly origin: number
}

function SequenceRow({ line, parties, origin }: RowProps): ReactNode {
  return (
    <div className="seq-row">
      <time className="seq-time dim" title={shownTime(line.at)}>
        {offset(line.at, origin)}
      </time>
      <div className="lanes" style={{ width: LANE * parties.length }}>
        {parties.map((party, index) => (
          <i key={party} className="lifeline" style={{ left: LANE * (index + 0.5) }} />
        ))}
        {line.kind === 'note' ? (
          <span
            className="seq-note"
            style={{ left: LANE * (parties.indexOf(line.party) + 0.5), maxWidth: LANE * 2 }}
            title={printable(line.words)}
          >
            {printable(line.words)}
          </span>
        ) : (
          <Arrow line={line} parties={parties} />
        )}
      </div>
    </div>
  )
}

function Arrow({
  line,
  parties,
}: {
  readonly line: Extract<SequenceLine, { kind: 'arrow' }>
  readonly parties: readonly string[]
}): ReactNode {
  const [from, to] = [parties.indexOf(line.from), parties.indexOf(line.to)]
  const isSelf = from === to
  const left = LANE * (Math.min(from, to) + 0.5)
  const width = isSelf ? LANE / 3 : LANE * Math.abs(from - to)
  const words = printable(`${line.from} to ${line.to}: ${line.words}`)
  return (
    <span
      className={`arrow ${line.what} ${isSelf ? 'self' : to > from ? 'right' : 'left'}`}
      style={{ left, width }}
      title={words}
    >
      <span className="seq-words">{printable(line.words)}</span>
    </span>
  )
}
