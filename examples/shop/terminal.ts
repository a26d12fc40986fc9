// How the shop speaks in a terminal: aligned lines, with colour only where somebody looks at them. `paint` leaves text
// as it is when the output is no terminal or NO_COLOR is set (no-color.org).
import type { OrderView, StepView } from './status.ts'

export type Colour = 'green' | 'yellow' | 'red' | 'dim' | 'bold'
export type Paint = (colour: Colour, text: string) => string

const codes: Readonly<Record<Colour, number>> = { green: 32, yellow: 33, red: 31, dim: 2, bold: 1 }

export function paintFor(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): Paint {
  const isPlain = !isTerminal || Boolean(env['NO_COLOR']) || env['TERM'] === 'dumb'
  return (colour, text) => (isPlain ? text : `\u001b[${codes[colour]}m${text}\u001b[0m`)
}

const colours: Readonly<Record<StepView['status'], Colour>> = {
  done: 'green',
  refused: 'yellow',
  running: 'dim',
  retrying: 'yellow',
  stuck: 'red',
}

/** `    +12 ms  reserve   done      tutu: 249.00` */
export function stepLine({ step, item, status, at, attempts, detail }: StepView, since: string, paint: Paint): string {
  const ms = `+${Date.parse(at) - Date.parse(since)} ms`
  const words = [item ?? '', attempts === undefined ? '' : `attempt ${attempts}`, detail ?? '']
    .filter((word) => word !== '')
    .join(': ')
  return `  ${paint('dim', ms.padStart(9))}  ${step.padEnd(9)} ${paint(colours[status], status.padEnd(9))} ${words}`.trimEnd()
}

/** `          =  confirmed, paid 107.00` */
export function endLine({ status, paid }: OrderView, paint: Paint): string {
  const words = paid === 0 ? 'nothing paid' : `paid ${(paid / 100).toFixed(2)}`
  return `  ${paint('dim', '='.padStart(9))}  ${paint(status === 'confirmed' ? 'green' : 'yellow', status)}, ${words}`
}
