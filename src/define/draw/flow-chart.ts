// The picture of a choreography: a box for each event, in the order in which the flow has them,
// with the service that brings it, its limit on the arrow to it, a bar where parts go side by side, and the endings. It
// follows the pattern as it was written, so that a reader finds the text in it again; rules stand in notes below.
import { showMs } from '../../core/duration.ts'
import { UNNAMED_ENDING } from '../../core/flow.ts'
import type { FlowPattern } from '../../core/flow-pattern.ts'
import { showRule } from '../../core/flow-rules.ts'
import type { ApplicationDefinition, ChoreographyDefinition } from '../definition.ts'
import type { Graph, GraphEdge, GraphNode } from './graph.ts'

/** Where a path stands: at a node, with the name that its ending has by now, and the limit of what comes next. */
interface Stand {
  readonly node: string
  readonly ending: string | null
  readonly limit: string | null
}

/** The flow of a choreography. */
export function flowChart(choreography: ChoreographyDefinition, { services }: ApplicationDefinition): Graph {
  const outside = new Set(choreography.outside.map(({ type }) => type))
  const chart = new Chart((type) => {
    const owners = services.filter(({ operations }) =>
      operations.some(({ outcomes }) => outcomes.some((outcome) => outcome.type === type)),
    )
    if (owners.length > 0) return owners.map(({ name }) => name).join(', ')
    return outside.has(type) ? 'from outside' : 'nobody'
  })
  chart.parts.push({ kind: 'node', id: 'start', shape: 'start', title: '' })
  const stands = chart.draw(choreography.flow.pattern, [{ node: 'start', ending: null, limit: null }])
  for (const { node, ending } of stands) chart.end(node, ending ?? UNNAMED_ENDING)
  for (const [index, rule] of choreography.flow.rules.entries())
    chart.parts.push({ kind: 'node', id: `rule${index}`, shape: 'rule', title: showRule(rule) })
  return { direction: 'down', parts: chart.parts }
}

class Chart {
  readonly parts: (GraphNode | GraphEdge)[] = []
  readonly #bringer: (type: string) => string
  #nodes = 0

  constructor(bringer: (type: string) => string) {
    this.#bringer = bringer
  }

  /** Draws a part after where paths stand; gives where they stand after it. */
  draw(pattern: FlowPattern, stands: readonly Stand[]): readonly Stand[] {
    switch (pattern.kind) {
      case 'event': {
        const node = this.#node('event', pattern.type, this.#bringer(pattern.type))
        for (const stand of stands) this.#arrow(stand, node)
        return endingsOf(stands).map((ending) => ({ node, ending, limit: null }))
      }
      case 'seq':
        return pattern.parts.reduce((before, part) => this.draw(part, before), stands)
      case 'choice':
        return pattern.parts.flatMap((part) => this.draw(part, stands))
      case 'all': {
        const fork = this.#node('bar', '')
        for (const stand of stands) this.#arrow(stand, fork)
        const after = pattern.parts.flatMap((part) => this.draw(part, [{ node: fork, ending: null, limit: null }]))
        const join = this.#node('bar', '')
        for (const stand of after) this.#arrow(stand, join)
        const own = endingsOf(after).filter((ending) => ending !== null)
        return (own.length > 0 ? own : endingsOf(stands)).map((ending) => ({ node: join, ending, limit: null }))
      }
      case 'optional':
        return [...this.draw(pattern.part, stands), ...stands]
      case 'many': {
        const turn = this.#node('again', 'again')
        for (const stand of stands) this.#arrow(stand, turn)
        for (const stand of this.draw(pattern.part, [{ node: turn, ending: null, limit: null }]))
          this.#arrow(stand, turn)
        return endingsOf(stands).map((ending) => ({ node: turn, ending, limit: null }))
      }
      case 'within': {
        const limit = `${pattern.part.kind === 'event' ? '' : 'complete '}within ${showMs(pattern.ms)}`
        return this.draw(
          pattern.part,
          stands.map((stand) => ({ ...stand, limit: [stand.limit, limit].filter(Boolean).join(', ') })),
        )
      }
      case 'as':
        return this.draw(pattern.part, stands).map((stand) => ({ ...stand, ending: stand.ending ?? pattern.ending }))
    }
  }

  end(node: string, ending: string): void {
    const over = `over-${ending}`
    this.parts.push({ kind: 'node', id: over, shape: 'ending', title: ending })
    this.parts.push({ kind: 'edge', from: node, to: over, label: [] })
  }

  #node(shape: GraphNode['shape'], title: string, detail?: string): string {
    const id = `n${++this.#nodes}`
    this.parts.push({ kind: 'node', id, shape, title, ...(detail === undefined ? {} : { detail }) })
    return id
  }

  #arrow({ node, limit }: Stand, to: string): void {
    this.parts.push({ kind: 'edge', from: node, to, label: limit === null ? [] : [limit] })
  }
}

const endingsOf = (stands: readonly Stand[]): readonly (string | null)[] => [
  ...new Set(stands.map(({ ending }) => ending)),
]
