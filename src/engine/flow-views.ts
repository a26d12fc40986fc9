// Flows as operators see them: pure functions over their rows, and the keys that are meant. Used by queries.ts and flows-elsewhere.ts.
import { parseDetail, type FlowBreak } from '../core/flow-account.ts'
import { splitKey } from '../core/names.ts'
import type { FlowRow } from '../core/store.ts'
import type { FlowBreakView, FlowView } from '../core/views.ts'

/** The flow of a key, from its row. */
export function flowView({ name, key, standing, ending, detail, began, changed }: FlowRow): FlowView {
  const { awaited, deadlines, broken, breaks, overdues, owes } = parseDetail(detail)
  return {
    choreography: name,
    key: splitKey(key),
    state: standing,
    ...(ending === null ? {} : { ending }),
    began: iso(began),
    changed: iso(changed),
    awaited: awaited.map(({ type, from }) => ({ event: type, from })),
    deadlines: deadlines.map(({ by, types, passed = false }) => ({ events: types, by: iso(by), passed })),
    ...(broken === null ? {} : { broken: breakView(broken) }),
    ...(owes === undefined ? {} : { owes }),
    breaks,
    overdues,
  }
}

/** The keys that may be meant by `field:value`, or by a value alone. @param field of the keys of a choreography. */
export function keysMeant(field: string, key: string): readonly string[] {
  return key.startsWith(`${field}:`) ? [key, `${field}:${key}`] : [`${field}:${key}`]
}

function breakView({ how, type, source, id, at, expected, rule, again }: FlowBreak): FlowBreakView {
  const more = { ...(rule === null ? {} : { rule }), ...(again === undefined ? {} : { again }) }
  return { how, event: type, source, id, time: iso(at), expected, ...more }
}

const iso = (ms: number): string => new Date(ms).toISOString()
