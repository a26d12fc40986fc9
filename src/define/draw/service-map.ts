// The map of services: who reacts to whose events. An arrow goes from the service that brings an
// event to the one that reacts to it. A service in another process says where that is. Which service a workflow calls is code, and not on the map.
import type { ApplicationDefinition } from '../definition.ts'
import { originOf } from '../elsewhere.ts'
import type { Graph, GraphEdge, GraphNode } from './graph.ts'

/** The map of an application. */
export function serviceMap({ services, reactions, workflows }: ApplicationDefinition): Graph {
  const bringers = (type: string): readonly string[] => {
    const owners = services.filter(({ operations }) =>
      operations.some(({ outcomes }) => outcomes.some((outcome) => outcome.type === type)),
    )
    return owners.length > 0 ? owners.map(({ name }) => `service-${name}`) : ['outside']
  }
  const arrows = new Map<string, Set<string>>()
  for (const { service, event } of reactions) {
    for (const from of bringers(event.type)) {
      const arrow = `${from} service-${service}`
      arrows.set(arrow, (arrows.get(arrow) ?? new Set()).add(event.type))
    }
  }
  const edges = [...arrows].map(([arrow, types]): GraphEdge => {
    const [from = '', to = ''] = arrow.split(' ')
    return { kind: 'edge', from, to, label: [...types] }
  })
  const node = (id: string, shape: GraphNode['shape'], title: string): GraphNode => ({ kind: 'node', id, shape, title })
  return {
    direction: 'right',
    parts: [
      ...(edges.some(({ from }) => from === 'outside') ? [node('outside', 'outside', 'outside')] : []),
      ...services.map((service): GraphNode => {
        const part = node(`service-${service.name}`, 'service', service.name)
        const origin = originOf(service)
        return origin === null ? part : { ...part, detail: `at ${origin}` }
      }),
      ...workflows.map(({ name }) => node(`workflow-${name}`, 'workflow', name)),
      ...edges,
    ],
  }
}
