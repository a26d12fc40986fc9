// What lies aside: it came, was acknowledged, and cannot be taken now. Each with its cause and all that it says, and what a person can do
// about it: have it looked at once more, or drop it for good, which asks first.
import { useState, type ReactNode } from 'react'
import { AsideDeeds } from './aside-deeds.tsx'
import { Failure, Loading, Part, Value, When } from './pieces.tsx'
import { useAside, useAsides, useNot } from './queries.ts'
import { asideAgainWords, asideCauseWords, asideKindWords, printable, type AsideItemView } from './shown.ts'
import { Table } from './table.tsx'

/** @param rows that are counted; what was dropped just now may be counted still. */
export function Asides({ rows }: { readonly rows: number }): ReactNode {
  const { data, error, isLoading } = useAsides(rows > 0)
  const not = useNot('act')
  // What was dropped stands there no more: what came of it is said above the rest.
  const [said, setSaid] = useState('')
  const items = rows === 0 ? [] : (data?.items ?? [])
  if (said === '' && (rows === 0 || (error === null && !isLoading && items.length === 0))) return null
  return (
    <Part title="Aside" note="acknowledged, and cannot be taken now; the oldest first">
      <Failure of={error} />
      <p role="status">{printable(said)}</p>
      {isLoading ? <Loading /> : null}
      {items.length === 0 ? null : (
        <Table label="Aside" heads={['What', 'Of', 'Came', 'Why it lies there', 'What can be done']} isRoomy>
          {items.map((one) => (
            <Item key={one.item} of={one} onSaid={setSaid} />
          ))}
        </Table>
      )}
      {data?.more === true ? <p className="dim">There are more, which ballet aside lists.</p> : null}
      {not === undefined ? null : <p className="not dim">Try again, Drop: {not}.</p>}
    </Part>
  )
}

interface ItemProps {
  readonly of: AsideItemView
  readonly onSaid: (words: string) => void
}

function Item({ of: one, onSaid }: ItemProps): ReactNode {
  const [isOpen, setOpen] = useState(false)
  return (
    <tr>
      <td>
        <strong>{one.kind}</strong> {printable(one.name ?? '')}
        <div className="dim small">{asideKindWords(one.kind)}</div>
      </td>
      <td>
        <span className="id">{printable(one.id)}</span>
        <div className="dim small id">{printable(one.item)}</div>
      </td>
      <td>
        <When at={one.since} ago />
        {one.version === null ? null : <div className="dim small">from version {printable(one.version)}</div>}
      </td>
      <td>
        {printable(asideCauseWords(one))}
        <div className="dim small">Looked at again {asideAgainWords(one.again)}.</div>
        <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
          <summary>What it says</summary>
          {isOpen ? <Content item={one.item} /> : null}
        </details>
      </td>
      <td>
        <AsideDeeds of={one} onSaid={onSaid} />
      </td>
    </tr>
  )
}

function Content({ item }: { readonly item: string }): ReactNode {
  const { data, error, isPending } = useAside(item)
  return (
    <>
      <Failure of={error} />
      {isPending ? <Loading /> : null}
      {data === undefined ? null : data.content === undefined ? (
        <p className="dim">It cannot be read at this node.</p>
      ) : (
        <Value of={data.content} />
      )}
    </>
  )
}
