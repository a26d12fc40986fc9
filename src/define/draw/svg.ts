// A picture as an SVG image that needs nothing else: no font, no script, no style from outside. Widths of words are
// estimated, as nobody can measure letters here.
import type { Graph, GraphEdge, GraphNode, Shape } from './graph.ts'
import { layout, type Point } from './layers.ts'

const LETTER = 7.4
const MARGIN = 24
/** How far an arrow stands aside for the one in the other direction. */
const PAIR = 9
const INK = '#1f2933'
const FILL: Readonly<Record<Shape, string>> = {
  start: INK,
  event: '#eef4ff',
  bar: INK,
  again: '#ffffff',
  ending: '#e8f7ec',
  rule: '#fff7e0',
  service: '#eef4ff',
  workflow: '#f3ecff',
  outside: '#ffffff',
}

interface Size {
  readonly width: number
  readonly height: number
}

/** An SVG document of a graph. */
export function svg({ direction, parts }: Graph): string {
  const nodes = new Map(parts.flatMap((part) => (part.kind === 'node' ? [[part.id, part] as const] : [])))
  const edges = [
    ...new Map(parts.flatMap((part) => (part.kind === 'edge' ? [[edgeName(part), part] as const] : []))).values(),
  ]
  const isDown = direction === 'down'
  const turn = ({ x, y }: Point): Point => (isDown ? { x, y } : { x: y, y: x })
  const sizes = new Map([...nodes.values()].map((node) => [node.id, sizeOf(node)]))
  // To the right, the words on the arrows need their place between the layers.
  const room = isDown
    ? 0
    : Math.max(0, ...edges.flatMap(({ label }) => label.map((line) => line.length * LETTER * 0.85)))
  const boxes = [...sizes].map(([id, { width, height }]) => ({
    id,
    ...(isDown ? { width, height } : { width: height, height: width + room }),
  }))
  const { places, bends, ...whole } = layout(boxes, edges)
  const at = (id: string): Point => turn(places.get(id) as Point)
  const size = isDown ? whole : { width: whole.height, height: whole.width }
  const lines = edges.map((edge, index) => {
    // Two arrows between the same boxes go beside each other.
    const isPair = edges.some(({ from, to }) => from === edge.to && to === edge.from)
    const shift = isPair ? (edge.from < edge.to ? PAIR : -PAIR) : 0
    const route = { from: at(edge.from), to: at(edge.to), bends: (bends[index] ?? []).map(turn), shift }
    return edgeText(edge, route, sizes, isDown)
  })
  const shapes = [...nodes.values()].map((node) => nodeText(node, at(node.id), sizes.get(node.id) as Size))
  const [width, height] = [size.width + 2 * MARGIN, size.height + 2 * MARGIN]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="${-MARGIN} ${-MARGIN} ${width} ${height}" font-family="sans-serif" font-size="13" fill="${INK}">`,
    `<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>`,
    ...lines,
    ...shapes,
    '</svg>',
  ].join('\n')
}

const edgeName = ({ from, to, label }: GraphEdge): string => `${from} ${to} ${label.join(' ')}`

function sizeOf({ shape, title, detail }: GraphNode): Size {
  if (shape === 'start') return { width: 18, height: 18 }
  if (shape === 'bar') return { width: 90, height: 6 }
  const letters = Math.max(title.length, (detail?.length ?? 0) * 0.85)
  return { width: Math.round(letters * LETTER + 24), height: detail === undefined ? 32 : 44 }
}

function nodeText({ shape, title, detail }: GraphNode, { x, y }: Point, { width, height }: Size): string {
  if (shape === 'start') return `<circle cx="${x}" cy="${y}" r="9" fill="${FILL.start}"/>`
  const round = shape === 'ending' || shape === 'again' || shape === 'outside' ? height / 2 : shape === 'bar' ? 0 : 4
  const box = `<rect x="${x - width / 2}" y="${y - height / 2}" width="${width}" height="${height}" rx="${round}" fill="${FILL[shape]}" stroke="${INK}"${shape === 'rule' ? ' stroke-dasharray="4 3"' : ''}/>`
  if (shape === 'bar') return box
  const first = text(title, { x, y: y + (detail === undefined ? 4 : -3) })
  return `${box}${first}${detail === undefined ? '' : text(detail, { x, y: y + 14 }, ' font-size="11" fill="#52606d"')}`
}

interface Route {
  readonly from: Point
  readonly to: Point
  readonly bends: readonly Point[]
  /** Aside, across the layers. */
  readonly shift: number
}

/** An arrow from the edge of a box, through its bends, to the edge of another. */
function edgeText(
  { from, to, label }: GraphEdge,
  route: Route,
  sizes: ReadonlyMap<string, Size>,
  isDown: boolean,
): string {
  if (from === to) return loopText(label, route.from, sizes.get(from) as Size)
  const next = route.bends[0] ?? route.to
  const last = route.bends.at(-1) ?? route.from
  const aside = ({ x, y }: Point, by: number): Point => (isDown ? { x: x + by, y } : { x, y: y + by })
  const points = [
    aside(border(route.from, sizes.get(from) as Size, next, isDown), route.shift),
    ...route.bends,
    aside(border(route.to, sizes.get(to) as Size, last, isDown), route.shift),
  ]
  const [head = route.from, ...rest] = points
  let path = `M${head.x} ${head.y}`
  for (const [index, point] of rest.entries()) {
    const before = points[index] as Point
    const half = isDown ? (before.y + point.y) / 2 : (before.x + point.x) / 2
    path += isDown
      ? `C${before.x} ${half} ${point.x} ${half} ${point.x} ${point.y}`
      : `C${half} ${before.y} ${half} ${point.y} ${point.x} ${point.y}`
  }
  const second = points[1] as Point
  const middle = { x: (head.x + second.x) / 2, y: (head.y + second.y) / 2 }
  const place = aside(middle, isDown ? route.shift : Math.sign(route.shift) * label.length * 7)
  return `<path d="${path}" fill="none" stroke="${INK}" marker-end="url(#tip)"/>${labelText(label, place)}`
}

/** Where an arrow towards a point leaves a box: on the side that faces it along the layers. */
function border({ x, y }: Point, { width, height }: Size, towards: Point, isDown: boolean): Point {
  if (isDown) return { x, y: y + (towards.y >= y ? height / 2 : -height / 2) }
  return { x: x + (towards.x >= x ? width / 2 : -width / 2), y }
}

function loopText(label: readonly string[], { x, y }: Point, { width, height }: Size): string {
  const top = y - height / 2
  const path = `M${x - width / 4} ${top}C${x - width / 4} ${top - 22} ${x + width / 4} ${top - 22} ${x + width / 4} ${top}`
  return `<path d="${path}" fill="none" stroke="${INK}" marker-end="url(#tip)"/>${labelText(label, { x, y: top - 20 })}`
}

function labelText(label: readonly string[], { x, y }: Point): string {
  const halo = ' font-size="11" stroke="#ffffff" stroke-width="4" paint-order="stroke"'
  return label.map((line, index) => text(line, { x, y: y + 4 + (index - (label.length - 1) / 2) * 13 }, halo)).join('')
}

function text(words: string, { x, y }: Point, attributes = ''): string {
  return `<text x="${x}" y="${y}" text-anchor="middle"${attributes}>${escaped(words)}</text>`
}

const escaped = (words: string): string =>
  words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
