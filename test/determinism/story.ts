// Failures as stories that a person can read: what went wrong, the command that brings it back, the program as
// pseudo-code, and the journal.
import { parseTurn } from '../../src/core/journal.ts'
import type { Block, Part } from './program.ts'
import type { Row } from './scene.ts'

/** A program as pseudo-code. */
export function programText(block: Block, indent = '  '): string {
  return block.map((part) => `${indent}${partText(part, indent)}`).join('\n')
}

function partText(part: Part, indent: string): string {
  const inner = (block: Block): string => `{\n${programText(block, `${indent}  `)}\n${indent}}`
  switch (part.kind) {
    case 'call':
      return `call ${part.call}${part.named ? ` id ${part.site}` : ''}${part.undo === 'none' ? '' : ` undo ${part.undo}`}${part.publish ? ' publish' : ''}`
    case 'step':
      return `step look-${part.site % 3}${part.undo ? ' undo' : ''}`
    case 'sleep':
      return `sleep ${part.ms}ms`
    case 'receive':
      return `receive ${part.wanted.join(' | ')}${part.withinMs === null ? '' : ` within ${part.withinMs}ms`}`
    case 'emit':
      return `emit ${part.type}`
    case 'child':
      return `${part.way} child ${part.seed}${part.undo ? ' undo' : ''}${part.onCancel === undefined ? '' : ` on cancel ${part.onCancel}`}${part.signal ? ' and signal it' : ''}${part.stop ? ' and stop it' : ''}`
    case 'abort':
      return `begin ${partText(part.given, indent)}, meanwhile ${inner(part.meanwhile)}, abort it`
    case 'fold':
      return part.what
    case 'patched':
      return `patched ${part.id}`
    case 'pad':
      return `await null * ${part.count}`
    case 'branches':
      return `${part.joint}${part.shared ? ' shared' : ''} ${part.branches.map(inner).join(' and ')}`
    case 'if':
      return `if value % ${part.modulus} = 0 ${inner(part.holds)} else ${inner(part.otherwise)}`
    case 'try':
      return `try ${inner(part.body)} catch${part.stubborn ? ' all' : ''} ${inner(part.caught)}${part.last === null ? '' : ` finally ${inner(part.last)}`}`
    case 'loop':
      return `loop ${part.times} ${inner(part.body)}`
    case 'shield':
      return `shield ${inner(part.body)}`
    case 'fail':
      return `fail if value % ${part.modulus} = 0`
    case 'set':
    case 'undo':
      return part.kind
  }
}

/** A journal, a turn a line: what was delivered, and what the run did about it. */
export function journalText(rows: readonly Row[]): string {
  return rows
    .map(({ seq, at, text }) => {
      const { delivered, commandsText } = parseTurn(text)
      return `  ${seq} at ${at}: ${JSON.stringify(delivered)}\n      ${commandsText}`
    })
    .join('\n')
}

/** A failure from beginning to end. `options` are those of the campaign that bring it back. */
export function storyOf(options: string, what: string, parts: Readonly<Record<string, string>>): string {
  const told = Object.entries(parts).map(([title, text]) => `${title}:\n${text}`)
  return [what, `again: npm run determinism -- ${options}`, ...told].join('\n\n')
}
