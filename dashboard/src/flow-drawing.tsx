// The picture of a choreography, as `ballet draw` makes it, with what one flow has come to: events that have come, and those that
// are awaited.
import { useLayoutEffect, useRef, type ReactNode } from 'react'
import { layout, printable, type DrawingView } from './shown.ts'

type Part = DrawingView['parts'][number]
type Node = Extract<Part, { kind: 'node' }>
type Edge = Extract<Part, { kind: 'edge' }>

interface DrawingProps {
  readonly drawing: DrawingView
  readonly label: string
  readonly come?: ReadonlySet<string>
  readonly awaited?: ReadonlySet<string>
  readonly ending?: string | undefined
}

interface Point {
  readonly x: number
  readonly y: number
}

const LETTER = 7.4
const MARGIN = 24
/** A picture that is wider than its place is drawn smaller, but never smaller than this. */
const LEAST = 0.7

function sizeOf({ shape, title, detail }: Node): { readonly width: number; readonly height: number } {
  if (shape === 'start') return { width: 18, height: 18 }
  if (shape === 'bar') return { width: 90, height: 6 }
  const letters = Math.max(title.length, (detail?.length ?? 0) * 0.85)
  return { width: Math.round(letters * LETTER + 24), height: detail === undefined ? 32 : 44 }
}

export function FlowDrawing({ drawing, label, come, awaited, ending }: DrawingProps): ReactNode {
  const nodes = drawing.parts.filter((part): part is Node => part.kind === 'node')
  const edges = drawing.parts.filter((part): part is Edge => part.kind === 'edge')
  const sizes = new Map(nodes.map((node) => [node.id, sizeOf(node)]))
  const laid = layout(
    nodes.map(({ id }) => ({ id, width: 0, height: 0, ...sizes.get(id) })),
    edges,
  )
  const at = (id: string): Point => laid.places.get(id) ?? { x: 0, y: 0 }
  const [width, height] = [laid.width + 2 * MARGIN, laid.height + 2 * MARGIN]
  const start = nodes.find(({ shape }) => shape === 'start')
  const middle = start === undefined ? 0.5 : (at(start.id).x + MARGIN) / width
  // What is still wider begins where the flow does.
  const place = useRef<HTMLElement>(null)
  useLayoutEffect(() => {
    const { current } = place
    if (current !== null) current.scrollLeft = current.scrollWidth * middle - current.clientWidth / 2
  }, [middle])
  const toneOf = ({ shape, title }: Node): string => {
    if (shape === 'ending') return ending === title ? 'come' : ''
    if (shape !== 'event') return ''
    return come?.has(title) === true ? 'come' : awaited?.has(title) === true ? 'awaited' : ''
  }
  return (
    <figure className="picture" tabIndex={0} ref={place}>
      <svg
        width={width}
        style={{ maxWidth: `max(100%, ${Math.round(width * LEAST)}px)` }}
        viewBox={`${-MARGIN} ${-MARGIN} ${width} ${height}`}
        role="img"
        aria-label={label}
      >
        {edges.map((edge, index) => (
          <EdgeShape
            key={`${edge.from} ${edge.to} ${edge.label.join(' ')}`}
            edge={edge}
            points={[
              border(at(edge.from), sizes.get(edge.from)?.height ?? 0, 1),
              ...(laid.bends[index] ?? []),
              border(at(edge.to), sizes.get(edge.to)?.height ?? 0, -1),
            ]}
          />
        ))}
        {nodes.map((node) => (
          <NodeShape key={node.id} node={node} tone={toneOf(node)} {...at(node.id)} />
        ))}
      </svg>
    </figure>
  )
}

const border = ({ x, y }: Point, height: number, side: 1 | -1): Point => ({ x, y: y + (side * height) / 2 })

function EdgeShape({ edge, points }: { readonly edge: Edge; readonly points: readonly Point[] }): ReactNode {
  const [head, second] = points
  if (head === undefined || second === undefined) return null
  let [path, before] = [`M${head.x} ${head.y}`, head]
  for (const point of points.slice(1)) {
    const half = (before.y + point.y) / 2
    path += `C${before.x} ${half} ${point.x} ${half} ${point.x} ${point.y}`
    before = point
  }
  const middle = { x: (head.x + second.x) / 2, y: (head.y + second.y) / 2 }
  return (
    <>
      <path className="link" d={path} />
      {edge.label.map((line, index) => (
        <text
          key={line}
          className="edge-label"
          x={middle.x}
          y={middle.y + 4 + (index - (edge.label.length - 1) / 2) * 13}
        >
          {printable(line)}
        </text>
      ))}
    </>
  )
}

function NodeShape({ node, x, y, tone }: { readonly node: Node; readonly tone: string } & Point): ReactNode {
  const { shape, title, detail } = node
  const { width, height } = sizeOf(node)
  if (shape === 'start') return <circle className="start" cx={x} cy={y} r={9} />
  const isRound = shape === 'ending' || shape === 'again' || shape === 'outside'
  const mark = tone === 'come' ? '✓ ' : ''
  return (
    <g className={`part ${shape} ${tone}`} transform={`translate(${x} ${y})`}>
      <rect
        x={-width / 2}
        y={-height / 2}
        width={width}
        height={height}
        rx={isRound ? height / 2 : shape === 'bar' ? 0 : 4}
      />
      {shape === 'bar' ? null : (
        <text y={detail === undefined ? 4 : -3}>
          {mark}
          {printable(title)}
        </text>
      )}
      {detail === undefined ? null : (
        <text className="small" y={14}>
          {printable(detail)}
        </text>
      )}
    </g>
  )
}
