// A picture as nodes and arrows, before anybody says how it looks: what the flow of a choreography and the map of services
// are drawn as, in Mermaid's words (mermaid.ts) or as an image (svg.ts). The parts stand in the order of the text.

export type Shape = 'start' | 'event' | 'bar' | 'again' | 'ending' | 'rule' | 'service' | 'workflow' | 'outside'

export interface GraphNode {
  readonly kind: 'node'
  /** Letters, digits and -, unique in its graph. */
  readonly id: string
  readonly shape: Shape
  readonly title: string
  /** In smaller letters below the title. */
  readonly detail?: string
}

export interface GraphEdge {
  readonly kind: 'edge'
  readonly from: string
  readonly to: string
  /** Lines. */
  readonly label: readonly string[]
}

export interface Graph {
  readonly direction: 'down' | 'right'
  readonly parts: readonly (GraphNode | GraphEdge)[]
}
