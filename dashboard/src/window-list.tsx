// A long list of which only what is seen is in the page, by the scroll of the window.
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { useLayoutEffect, useRef, useState, type ReactNode } from 'react'

export interface WindowListProps {
  readonly count: number
  /** Height of a row in pixels, before it is measured. */
  readonly rowHeight: number
  readonly keyOf: (index: number) => string
  readonly row: (index: number) => ReactNode
  readonly label: string
}

/** Fewer are simply there. */
const FEW = 120

export function WindowList(props: WindowListProps): ReactNode {
  const { count, keyOf, row, label } = props
  if (count > FEW) return <Windowed {...props} />
  return (
    <div className="rows" role="list" aria-label={label}>
      {Array.from({ length: count }, (_, index) => (
        <div key={keyOf(index)} role="listitem">
          {row(index)}
        </div>
      ))}
    </div>
  )
}

function Windowed({ count, rowHeight, keyOf, row, label }: WindowListProps): ReactNode {
  const place = useRef<HTMLDivElement>(null)
  const [top, setTop] = useState(0)
  useLayoutEffect(() => setTop(place.current?.offsetTop ?? 0), [])
  const list = useWindowVirtualizer({
    count,
    estimateSize: () => rowHeight,
    getItemKey: keyOf,
    overscan: 20,
    scrollMargin: top,
  })
  // A row that turns out higher than was thought moves what is below it, and never the window: that would end a scroll under way.
  list.shouldAdjustScrollPositionOnItemSizeChange = () => false
  return (
    <div className="rows windowed" role="list" aria-label={label} ref={place} style={{ height: list.getTotalSize() }}>
      {list.getVirtualItems().map((item) => (
        <div
          key={item.key}
          role="listitem"
          aria-setsize={count}
          aria-posinset={item.index + 1}
          data-index={item.index}
          ref={list.measureElement}
          style={{ transform: `translateY(${item.start - top}px)` }}
        >
          {row(item.index)}
        </div>
      ))}
    </div>
  )
}
