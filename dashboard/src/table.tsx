// A table, in a frame that scrolls by itself where the page is narrower, also by the keyboard.
import type { ReactNode } from 'react'

interface TableProps {
  readonly label: string
  /** What stands above the columns; numbers stand at the right. */
  readonly heads: readonly (string | { readonly count: string })[]
  /** Rows of several lines each have more room. */
  readonly isRoomy?: boolean
  readonly children: ReactNode
}

export function Table({ label, heads, isRoomy = false, children }: TableProps): ReactNode {
  return (
    <div className="wide" tabIndex={0} role="group" aria-label={label}>
      <table className={isRoomy ? 'roomy' : undefined}>
        <thead>
          <tr>
            {heads.map((head) =>
              typeof head === 'string' ? (
                <th key={head}>{head}</th>
              ) : (
                <th key={head.count} className="count">
                  {head.count}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  )
}
