// The causal graph as a picture: what brought what about, from left to right or, where that is too wide,
// from top to bottom. Runs are boxes, their calls are flat boxes, events
// are round ones, and what is awaited is dashed. Where the boxes stand is worked out by what `ballet draw` uses.
import type { ReactNode } from 'react'
import { refOf, shownId, toneOf } from './pieces.tsx'
import { href } from './router.ts'
import { errorWords, layout, printable, stuckWords, waitWords, type CausalNode } from './shown.ts'

interface Box {
  readonly id: string
  readonly kind: CausalNode['kind']
  readonly title: string
  readonly detail: string
  readonly tone: string
  readonly to: string | null
  /** Everything, for who hovers or listens. */
  readonly words: string
}

interface Link {
  readonly from: string
  readonly to: string
}

/** Boxes in one picture: more of them nobody can read. */
const MOST = 250
const LETTER = 7.2
const SMALL = 6.1
const HEIGHT = 40
const MARGIN = 16
/** Characters of a title, and the width up to which a picture needs no turning. */
const WIDEST = 34
const WIDE = 1000

export function CausalGraph({
  tree,
  of,
  now,
}: {
  readonly tree: readonly CausalNode[]
  readonly of?: string
  readonly now: number
}): ReactNode {
  const { boxes, links, isPart } = boxesOf(tree, now)
  if (boxes.length === 0) return <p className="empty">Nothing has come about yet.</p>
  const widths = new Map(boxes.map((box) => [box.id, widthOf(box)]))
  const picture = pictureOf(boxes, links, widths)
  const { at, isDown } = picture
  const [width, height] = [picture.width + 2 * MARGIN, picture.height + 2 * MARGIN]
  return (
    <figure className="picture" tabIndex={0}>
      <svg
        width={width}
        height={height}
        viewBox={`${-MARGIN} ${-MARGIN} ${width} ${height}`}
        role="group"
        aria-label="Causal graph"
      >
        {links.map((link, index) => {
          const out = (id: string): number => (isDown ? HEIGHT : (widths.get(id) ?? 0)) / 2
          const [from, to] = [moved(at(link.from), out(link.from), isDown), moved(at(link.to), -out(link.to), isDown)]
          const way = [from, ...(picture.bends[index] ?? []), to]
          return <path key={`${link.from} ${link.to}`} className="link" d={curve(way, isDown)} />
        })}
        {boxes.map((box) => (
          <BoxShape key={box.id} box={box} width={widths.get(box.id) ?? 0} {...at(box.id)} isHere={box.id === of} />
        ))}
      </svg>
      {isPart ? <figcaption>The first {MOST} of more: the timeline and the lists have all.</figcaption> : null}
    </figure>
  )
}

function BoxShape({
  box,
  x,
  y,
  width,
  isHere,
}: {
  readonly box: Box
  readonly x: number
  readonly y: number
  readonly width: number
  readonly isHere: boolean
}): ReactNode {
  const shape = (
    <g className={`box ${box.kind} ${box.tone}${isHere ? ' here' : ''}`} transform={`translate(${x} ${y})`}>
      <title>{box.words}</title>
      <rect
        x={-width / 2}
        y={-HEIGHT / 2}
        width={width}
        height={HEIGHT}
        rx={box.kind === 'event' ? HEIGHT / 2 : box.kind === 'call' ? 2 : 6}
      />
      <text y={-3}>{box.title}</text>
      <text y={12} className="small">
        {box.detail}
      </text>
    </g>
  )
  return box.to === null ? shape : <a href={box.to}>{shape}</a>
}

const widthOf = ({ title, detail, kind }: Box): number =>
  Math.ceil(Math.max(title.length * LETTER, detail.length * SMALL) + (kind === 'event' ? 36 : 24))

interface Point {
  readonly x: number
  readonly y: number
}

interface Picture {
  readonly at: (id: string) => Point
  readonly bends: readonly (readonly Point[])[]
  readonly width: number
  readonly height: number
  readonly isDown: boolean
}

/** From left to right, where that is not too wide; else from top to bottom, if that is less so. */
function pictureOf(boxes: readonly Box[], links: readonly Link[], widths: ReadonlyMap<string, number>): Picture {
  const laid = (isDown: boolean): Picture => {
    // The layout goes from top to bottom: for the other way the height of a box goes across, and its width along.
    const { places, bends, ...whole } = layout(
      boxes.map(({ id }) => {
        const width = widths.get(id) ?? 0
        return { id, ...(isDown ? { width, height: HEIGHT } : { width: HEIGHT - 14, height: width }) }
      }),
      links,
    )
    const turn = ({ x, y }: Point): Point => (isDown ? { x, y } : { x: y, y: x })
    return {
      at: (id) => turn(places.get(id) ?? { x: 0, y: 0 }),
      bends: bends.map((points) => points.map(turn)),
      ...(isDown ? whole : { width: whole.height, height: whole.width }),
      isDown,
    }
  }
  const right = laid(false)
  if (right.width <= WIDE) return right
  const down = laid(true)
  return down.width < right.width ? down : right
}

const moved = ({ x, y }: Point, by: number, isDown: boolean): Point => (isDown ? { x, y: y + by } : { x: x + by, y })

function curve([head, ...rest]: readonly Point[], isDown: boolean): string {
  if (head === undefined) return ''
  let [path, before] = [`M${head.x} ${head.y}`, head]
  for (const point of rest) {
    const half = isDown ? (before.y + point.y) / 2 : (before.x + point.x) / 2
    path += isDown
      ? `C${before.x} ${half} ${point.x} ${half} ${point.x} ${point.y}`
      : `C${half} ${before.y} ${half} ${point.y} ${point.x} ${point.y}`
    before = point
  }
  return path
}

/** The nodes of the tree in the order of the tree, as boxes. */
function boxesOf(tree: readonly CausalNode[], now: number) {
  const boxes: Box[] = []
  const links: Link[] = []
  const open = tree.map((node) => ({ node, from: null as string | null })).reverse()
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (boxes.length === MOST) return { boxes, links, isPart: true }
    const box = boxOf(next.node, now)
    boxes.push(box)
    if (next.from !== null) links.push({ from: next.from, to: box.id })
    for (const child of next.node.children.toReversed()) open.push({ node: child, from: box.id })
  }
  return { boxes, links, isPart: false }
}

const short = (text: string): string => {
  const shown = shownId(text)
  return shown.length <= WIDEST ? shown : `${shown.slice(0, WIDEST - 12)}…${shown.slice(-11)}`
}

function boxOf(node: CausalNode, now: number): Box {
  switch (node.kind) {
    case 'run':
      return runBox(node)
    case 'event': {
      const { event } = node
      return {
        id: refOf(event),
        kind: 'event',
        title: short(event.type),
        detail: short(`from ${event.source}${event.published ? '' : ', not published'}`),
        tone: event.published ? 'told' : 'kept',
        to: href(['events', refOf(event)], { root: event.correlationid }),
        words: printable(`event ${event.type} (${event.id}) from ${event.source}`),
      }
    }
    case 'call':
      return callBox(node, now)
    case 'wait': {
      const words = node.stuck ? stuckWords(node.wait, now) : waitWords(node.wait, now)
      return {
        id: `${node.run} ${node.wait.op} wait`,
        kind: 'wait',
        title: short(node.wait.for),
        detail: node.stuck ? 'stuck' : 'awaited',
        tone: node.stuck ? 'care' : 'going',
        to: href(['runs', node.run]),
        words: printable(words),
      }
    }
  }
}

function runBox({ run, call, attempts }: Extract<CausalNode, { kind: 'run' }>): Box {
  const tries = attempts > 1 ? `, ${attempts} attempts` : ''
  const error = run.error === undefined ? '' : `: ${errorWords(run.error)}`
  const name = run.kind === 'reaction' ? (call ?? run.call ?? run.name) : run.name
  return {
    id: `run:${run.id}`,
    kind: 'run',
    title: short(name),
    detail: `${run.kind}, ${run.status}${tries}`,
    tone: toneOf(run.status),
    to: href(['runs', run.id]),
    words: printable(`${run.kind} ${run.name} (${run.id}), ${run.status}${tries}${error}`),
  }
}

function callBox(node: Extract<CausalNode, { kind: 'call' }>, now: number): Box {
  const tries = node.attempts > 1 ? `, ${node.attempts} attempts` : ''
  const state = node.stuck ? 'stuck' : node.failure !== null ? 'failed' : node.ended === null ? 'running' : 'done'
  const wait = node.wait === null ? '' : `, ${node.stuck ? stuckWords(node.wait, now) : waitWords(node.wait, now)}`
  return {
    id: `${node.run} ${node.op}`,
    kind: 'call',
    title: short(node.op),
    detail: `${node.undoes === null ? (node.step ? 'step' : 'call') : `takes back ${short(node.undoes)}`}, ${state}${tries}`,
    tone: state === 'done' ? 'good' : toneOf(state),
    to: href(['runs', node.run]),
    words: printable(`${node.op} of ${node.run}, ${state}${tries}${wait}`),
  }
}
