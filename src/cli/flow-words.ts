// How a flow stands, in words: one line that says what it waits for, from whom and by when, or what broke it. A pure
// function of the flow's view, used by `flows` and `why`.
import { showMs } from '../core/duration.ts'
import type { FlowBreakView, FlowView } from '../core/views.ts'
import { inTime } from './times.ts'

/** One line without a line break. */
export function flowWords(flow: FlowView, now: number): string {
  const { state, ending, awaited, deadlines } = flow
  if (state === 'complete') return `complete: ${ending ?? ''}`
  if (flow.broken !== undefined) return brokenWords(flow, flow.broken)
  const passed = deadlines.find((deadline) => deadline.passed)
  if (passed !== undefined)
    return `overdue for ${showMs(Math.max(0, now - Date.parse(passed.by)))}: ${eventWords(passed.events, awaited)}${owedWords(flow)}`
  const [next] = deadlines
  const events = awaited.map(({ event }) => event)
  const waits = next === undefined ? eventWords(events, awaited) : eventWords(next.events, awaited)
  const by = next === undefined ? '' : `, ${inTime(next.by, now)} at the latest`
  return `${state === 'may end' ? `may end as ${ending ?? ''}, or goes on with` : 'waits for'} ${waits}${by}`
}

/** What stands undone: nobody needs to give a flow up because it is late, and whoever does has to know. */
function owedWords({ owes = [] }: FlowView): string {
  if (owes.length === 0) return ''
  return `; not taken back: ${owes.map(({ operation, undo }) => `${operation} (${undo} would)`).join(', ')}`
}

const HOW: Readonly<Record<FlowBreakView['how'], string>> = {
  late: 'came after its end',
  duplicate: 'came once more',
  unexpected: 'came',
}

/** What broke it, and how it has ended all the same, if it has. */
function brokenWords(flow: FlowView, { how, event, id, expected, rule, again }: FlowBreakView): string {
  const { ending, awaited, breaks } = flow
  const end = ending !== undefined && awaited.length === 0 ? ` as ${ending}` : ''
  const came = again === undefined ? HOW[how] : 'came once more, after its end'
  const wanted = rule ?? (expected.length === 0 ? '' : `expected was ${expected.join(' or ')}`)
  return [
    `broken: ${event} (${id}) ${came}${how === 'late' ? end : ''}`,
    wanted === '' ? '' : `; ${wanted}`,
    breaks > 1 ? ` (and ${breaks - 1} more)` : '',
    how === 'late' || end === '' ? '' : `; it ended${end}`,
    owedWords(flow),
  ].join('')
}

/** `payment.approved or payment.declined from payment` */
function eventWords(events: readonly string[], awaited: FlowView['awaited']): string {
  const from = new Set(awaited.filter(({ event }) => events.includes(event)).flatMap((one) => one.from))
  return `${events.join(' or ')}${from.size === 0 ? '' : ` from ${[...from].join(' or ')}`}`
}
