// The map of services as a Mermaid flowchart: who reacts to whose events. An arrow goes from the service that brings an
// event to the one that reacts to it. Which service a workflow calls is code, and not on the map.
import type { ApplicationDefinition } from '../definition.ts'

/** Mermaid text of the map of an application. */
export function serviceMap({ services, reactions, workflows }: ApplicationDefinition): string {
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
  const lines = [...arrows].map(([arrow, types]) => {
    const [from = '', to = ''] = arrow.split(' ')
    return `  ${from} -->|"${[...types].join('<br/>')}"| ${to}`
  })
  return [
    'flowchart LR',
    ...(lines.some((line) => line.startsWith('  outside')) ? ['  outside((outside))'] : []),
    ...services.map(({ name }) => `  service-${name}["${name}"]`),
    ...workflows.map(({ name }) => `  workflow-${name}[["${name}"]]`),
    ...lines,
  ].join('\n')
}
