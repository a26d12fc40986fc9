// Where the nodes of a picture stand: in layers, so that arrows go one way. The method is that of Sugiyama, Tagawa and
// Toda (1981): arrows that close a circle are turned round, each node gets the layer of its longest way from a beginning, long
// arrows bend in the layers between, the order in a layer follows the mean of the neighbours, and places across are moved
// towards the neighbours without overlapping. The same graph gives the same picture.

export interface Box {
  readonly id: string
  /** Across the layers, and along them. */
  readonly width: number
  readonly height: number
}

export interface Link {
  readonly from: string
  readonly to: string
}

export interface Point {
  readonly x: number
  readonly y: number
}

export interface Layout {
  /** The middle of each box. */
  readonly places: ReadonlyMap<string, Point>
  /** The bends of each link between its two boxes, from its first to its last, in the order of the links. */
  readonly bends: readonly (readonly Point[])[]
  readonly width: number
  readonly height: number
}

const ACROSS = 30
const BETWEEN = 56
const SWEEPS = 12

interface Spot {
  readonly id: string
  readonly width: number
  readonly height: number
  readonly before: Spot[]
  readonly after: Spot[]
  layer: number
  x: number
}

/** Lays boxes out, layers from top to bottom. Links of a box to itself have no bends. */
export function layout(boxes: readonly Box[], links: readonly Link[]): Layout {
  const spots = new Map<string, Spot>(boxes.map((box) => [box.id, { ...box, before: [], after: [], layer: 0, x: 0 }]))
  const ways = forwards(boxes, links)
  setLayers(spots, ways)
  const chains = ways.map((way) => chainOf(way, spots))
  const layers: Spot[][] = []
  for (const spot of [...spots.values(), ...chains.flatMap(({ bends }) => bends)])
    (layers[spot.layer] ??= []).push(spot)
  for (let sweep = 0; sweep < SWEEPS; sweep++) arrange(layers, sweep % 2 === 0)
  for (const layer of layers) spread(layer, () => 0)
  for (let sweep = 0; sweep < SWEEPS; sweep++) align(layers, sweep % 2 === 0)
  centre(layers)
  const left = Math.min(...layers.flat().map(({ x, width }) => x - width / 2))
  const tops: number[] = []
  let height = 0
  for (const layer of layers) {
    const tall = Math.max(...layer.map((spot) => spot.height))
    tops.push(height + tall / 2)
    height += tall + BETWEEN
  }
  const pointOf = ({ x, layer }: Spot): Point => ({ x: Math.round(x - left), y: Math.round(tops[layer] as number) })
  return {
    places: new Map(boxes.map(({ id }) => [id, pointOf(spots.get(id) as Spot)])),
    bends: chains.map(({ bends, isTurned }) => (isTurned ? bends.toReversed() : bends).map(pointOf)),
    width: Math.ceil(Math.max(...layers.flat().map(({ x, width }) => x + width / 2)) - left),
    height: Math.max(0, height - BETWEEN),
  }
}

/** A link in the direction of the layers. */
interface Way extends Link {
  readonly isTurned: boolean
}

/** Turns those links round that lead back to where one came from, depth first in the order of the boxes. */
function forwards(boxes: readonly Box[], links: readonly Link[]): readonly Way[] {
  const state = new Map<string, 'open' | 'done'>()
  const turned = new Set<Link>()
  const visit = (id: string): void => {
    state.set(id, 'open')
    for (const link of links) {
      if (link.from !== id || link.to === id) continue
      if (state.get(link.to) === 'open') turned.add(link)
      else if (!state.has(link.to)) visit(link.to)
    }
    state.set(id, 'done')
  }
  for (const { id } of boxes) if (!state.has(id)) visit(id)
  return links.map((link) =>
    turned.has(link) ? { from: link.to, to: link.from, isTurned: true } : { ...link, isTurned: false },
  )
}

/** What no link concerns stands below everything else. */
function setLayers(spots: ReadonlyMap<string, Spot>, ways: readonly Way[]): void {
  for (let hasMoved = true; hasMoved;) {
    hasMoved = false
    for (const { from, to } of ways) {
      const [one, other] = [spots.get(from) as Spot, spots.get(to) as Spot]
      if (one === other || other.layer > one.layer) continue
      other.layer = one.layer + 1
      hasMoved = true
    }
  }
  const deepest = Math.max(0, ...[...spots.values()].map(({ layer }) => layer))
  const linked = new Set(ways.flatMap(({ from, to }) => [from, to]))
  if (linked.size > 0) for (const spot of spots.values()) if (!linked.has(spot.id)) spot.layer = deepest + 1
}

/** Connects two boxes through a bend in every layer between them. */
function chainOf({ from, to, isTurned }: Way, spots: ReadonlyMap<string, Spot>) {
  const [first, last] = [spots.get(from) as Spot, spots.get(to) as Spot]
  const bends: Spot[] = []
  let before = first
  for (let layer = first.layer + 1; layer < last.layer; layer++) {
    const bend: Spot = { id: '', width: 1, height: 0, before: [], after: [], layer, x: 0 }
    connect(before, bend)
    bends.push(bend)
    before = bend
  }
  if (first !== last) connect(before, last)
  return { bends, isTurned }
}

function connect(one: Spot, other: Spot): void {
  one.after.push(other)
  other.before.push(one)
}

/** Orders each layer by where its neighbours in the one before (or after) stand. */
function arrange(layers: readonly Spot[][], isDown: boolean): void {
  for (const layer of isDown ? layers : layers.toReversed()) {
    for (const [index, spot] of layer.entries()) {
      const near = isDown ? spot.before : spot.after
      if (spot.x === 0 && near.length === 0) spot.x = index
      if (near.length > 0) spot.x = mean(near)
    }
    layer.sort((one, other) => one.x - other.x)
    for (const [index, spot] of layer.entries()) spot.x = index
  }
}

const mean = (spots: readonly Spot[]): number => spots.reduce((sum, { x }) => sum + x, 0) / spots.length

/** Moves the spots of each layer towards their neighbours. */
function align(layers: readonly Spot[][], isDown: boolean): void {
  for (const layer of isDown ? layers : layers.toReversed()) {
    spread(layer, (spot) => {
      const near = isDown ? spot.before : spot.after
      return near.length === 0 ? spot.x : mean(near)
    })
  }
}

/** Moves the layer that no link concerns to the middle of the others. */
function centre(layers: readonly Spot[][]): void {
  const loose = layers.at(-1) ?? []
  const others = layers.slice(0, -1).flat()
  if (others.length === 0 || loose.some(({ before }) => before.length > 0)) return
  const by = mean(others) - mean(loose)
  for (const spot of loose) spot.x += by
}

/** Gives each spot the place that it wants, as far as its neighbours in the layer leave it: the mean of two ways to push. */
function spread(layer: readonly Spot[], wanted: (spot: Spot) => number): void {
  const wish = layer.map(wanted)
  const apart = (index: number): number => ((layer[index]?.width ?? 0) + (layer[index + 1]?.width ?? 0)) / 2 + ACROSS
  const right = [...wish]
  for (let index = 1; index < layer.length; index++)
    right[index] = Math.max(wish[index] as number, (right[index - 1] as number) + apart(index - 1))
  const left = [...wish]
  for (let index = layer.length - 2; index >= 0; index--)
    left[index] = Math.min(wish[index] as number, (left[index + 1] as number) - apart(index))
  for (const [index, spot] of layer.entries()) spot.x = ((left[index] as number) + (right[index] as number)) / 2
}
