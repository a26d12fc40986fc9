// A picture as Mermaid text, which most places that show Markdown draw. Labels are quoted, so that no word of theirs is
// taken for syntax.
import type { Graph, GraphEdge, GraphNode } from './graph.ts'

/** Mermaid text of a graph; what stands in it twice is written once. */
export function mermaid({ direction, parts }: Graph): string {
  const lines = parts.map((part) => `  ${part.kind === 'node' ? nodeText(part) : edgeText(part)}`)
  return [`flowchart ${direction === 'down' ? 'TD' : 'LR'}`, ...new Set(lines)].join('\n')
}

function nodeText({ id, shape, title, detail }: GraphNode): string {
  const label = `"${detail === undefined ? title : `${title}<br/><small>${detail}</small>`}"`
  switch (shape) {
    case 'start':
      return `${id}(( ))`
    case 'event':
    case 'service':
      return `${id}[${label}]`
    case 'bar':
      return `${id}@{ shape: fork }`
    case 'again':
    case 'outside':
      return `${id}((${title}))`
    case 'ending':
      return `${id}([${label}])`
    case 'rule':
      return `${id}>${label}]`
    case 'workflow':
      return `${id}[[${label}]]`
  }
}

function edgeText({ from, to, label }: GraphEdge): string {
  return label.length === 0 ? `${from} --> ${to}` : `${from} -->|"${label.join('<br/>')}"| ${to}`
}
