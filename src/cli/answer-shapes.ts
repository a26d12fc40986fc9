// What an application answers, checked where it comes in: a server of another version, or something else that listens
// there, must be named as such and not fail somewhere in a renderer. A shape checks and leaves the value as it is, so
// that --json passes on fields that this version does not know.
import { isRecord } from '../core/json.ts'
import type { AsideActed, AsideWholeView } from '../core/aside-views.ts'
import type { NodesView } from '../core/node-views.ts'
import type {
  ApplicationView,
  CountsView,
  EventView,
  FlowView,
  JournalView,
  KeyView,
  Page,
  RunView,
  ScheduleView,
} from '../core/views.ts'
import type { AsidesActed, AsidesPage } from '../define/asides.ts'
import type { Acted, ActedAll, ScheduleActed } from '../define/application.ts'

/** Returns the path of the first thing that is not as it should be, or undefined. */
type Shape = (value: unknown, path: string) => string | undefined

const is =
  (type: 'string' | 'number' | 'boolean'): Shape =>
  (value, path) =>
    typeof value === type ? undefined : `${path} is not a ${type}`
const text = is('string')
const number = is('number')
const flag = is('boolean')
const present: Shape = (value, path) => (value === undefined ? `${path} is missing` : undefined)

const nullable =
  (shape: Shape): Shape =>
  (value, path) =>
    value === null ? undefined : shape(value, path)

const optional =
  (shape: Shape): Shape =>
  (value, path) =>
    value === undefined ? undefined : shape(value, path)

const list =
  (shape: Shape): Shape =>
  (value, path) => {
    if (!Array.isArray(value)) return `${path} is not a list`
    for (const [index, item] of value.entries()) {
      const problem = shape(item, `${path}.${index}`)
      if (problem !== undefined) return problem
    }
    return undefined
  }

const record =
  (fields: Readonly<Record<string, Shape>>): Shape =>
  (value, path) => {
    if (!isRecord(value)) return `${path} is not an object`
    for (const [name, shape] of Object.entries(fields)) {
      const problem = shape(value[name], `${path}.${name}`)
      if (problem !== undefined) return problem
    }
    return undefined
  }

const error = record({ code: text, message: text })
const wait = record({
  op: text,
  kind: text,
  for: text,
  from: text,
  since: text,
  until: nullable(text),
  givenUp: optional(flag),
  undoes: optional(text),
  asked: optional(text),
  behind: optional(text),
  place: optional(record({ at: text, limit: text, before: number })),
  heartbeat: optional(record({ attempt: number, at: text })),
  attempt: optional(record({ number, error, next: nullable(text) })),
})
const run = record({
  id: text,
  kind: text,
  name: text,
  call: optional(text),
  version: text,
  key: nullable(record({ field: text, value: text })),
  root: text,
  cause: nullable(text),
  traceparent: optional(text),
  parent: nullable(text),
  status: text,
  phase: optional(text),
  failing: optional(flag),
  at: optional(text),
  deadline: optional(text),
  generation: optional(number),
  reason: optional(text),
  unread: optional(error),
  waits: list(wait),
  choices: list(record({ action: text, op: optional(text), after: optional(text) })),
  error: optional(error),
  created: text,
  ended: nullable(text),
})
const event = record({
  id: text,
  source: text,
  type: text,
  subject: text,
  time: text,
  data: present,
  correlationid: text,
  causationid: optional(text),
  traceparent: optional(text),
  sequence: text,
  published: flag,
})
const journal = record({ pos: number, seq: number, kind: text, at: text, commands: optional(list(present)) })
const unreadable = optional(list(record({ id: text, error: record({ message: text }) })))
const page = (item: Shape): Shape => record({ items: list(item), unreadable, cursor: optional(text) })
const named = record({ name: text })

const flow = record({
  choreography: text,
  key: record({ field: text, value: text }),
  state: text,
  ending: optional(text),
  began: text,
  changed: text,
  awaited: list(record({ event: text, from: list(text) })),
  deadlines: list(record({ events: list(text), by: text, passed: flag })),
  broken: optional(
    record({ how: text, event: text, source: text, id: text, time: text, expected: list(text), rule: optional(text) }),
  ),
  owes: optional(list(record({ operation: text, undo: text }))),
  breaks: number,
  overdues: number,
})

const asideItem = {
  item: text,
  shard: number,
  kind: text,
  name: nullable(text),
  version: nullable(text),
  id: text,
  again: text,
  since: text,
  cause: nullable(error),
}

const related = { runs: list(run), events: list(event), unreadable, cursor: optional(text) }

const shapes = {
  run,
  runs: page(run),
  counts: record({
    counts: list(
      record({ status: text, phase: optional(text), reason: optional(text), kind: text, name: text, runs: number }),
    ),
    more: flag,
  }),
  journal: page(journal),
  events: page(event),
  flows: page(flow),
  key: record({ field: text, value: text, flows: list(flow), ...related }),
  graph: record(related),
  app: record({
    name: text,
    version: text,
    store: record({ id: text, name: text }),
    services: list(named),
    workflows: list(record({ name: text, key: optional(text) })),
    choreographies: list(named),
    events: list(record({ type: text, key: text })),
  }),
  nodes: record({
    leaseMs: nullable(number),
    nodes: list(
      record({
        id: text,
        app: text,
        version: text,
        ballet: text,
        address: nullable(text),
        state: text,
        began: text,
        heard: nullable(text),
        until: nullable(text),
        self: flag,
      }),
    ),
    shards: list(
      record({
        shard: number,
        owner: nullable(text),
        address: nullable(text),
        since: nullable(text),
        until: nullable(text),
        epoch: number,
        head: number,
      }),
    ),
    // Of a process of an older version there is none.
    aside: optional(list(record({ kind: text, name: nullable(text), rows: number, since: text, ids: list(text) }))),
  }),
  asides: record({ items: list(record(asideItem)), more: flag }),
  aside: record(asideItem),
  asideActed: record({
    item: text,
    action: text,
    outcome: text,
    changed: flag,
    cause: optional(error),
    dropped: optional(record({ by: text, why: text, at: text })),
  }),
  asidesActed: record({
    action: text,
    matched: number,
    changed: number,
    outcomes: record({}),
    more: flag,
    refused: list(record({ item: text, code: text, message: text })),
    rehearsed: optional(list(text)),
  }),
  schedules: record({
    items: list(
      record({
        name: text,
        cron: nullable(text),
        every: nullable(text),
        timezone: text,
        run: text,
        state: text,
        next: nullable(text),
        paused: nullable(record({ by: text, why: text, at: text })),
        last: nullable(record({ at: text, run: text, status: nullable(text) })),
        skipped: nullable(record({ at: text, run: text, count: number })),
        missed: nullable(record({ from: text, to: text })),
      }),
    ),
  }),
  scheduleActed: record({ schedule: text, action: text }),
  accepted: record({ id: text, created: flag }),
  acted: record({
    id: text,
    action: text,
    changed: flag,
    ops: list(text),
    kept: optional(flag),
    takesBack: optional(flag),
    dropped: optional(text),
  }),
  actedAll: record({
    action: text,
    matched: number,
    changed: number,
    more: flag,
    kept: optional(number),
    refused: list(record({ id: text, code: text, message: text })),
  }),
} satisfies Record<string, Shape>

/** What a write answers. */
export interface Accepted {
  readonly id: string
  readonly created: boolean
}

/** The type that a checked answer has. */
export interface Answers {
  readonly run: RunView
  readonly runs: Page<RunView>
  readonly counts: CountsView
  readonly journal: Page<JournalView>
  readonly events: Page<EventView>
  readonly flows: Page<FlowView>
  readonly key: KeyView
  readonly graph: { readonly runs: readonly RunView[]; readonly events: readonly EventView[] }
  readonly app: ApplicationView
  readonly nodes: NodesView
  readonly asides: AsidesPage
  readonly aside: AsideWholeView
  readonly asideActed: AsideActed
  readonly asidesActed: AsidesActed
  readonly schedules: { readonly items: readonly ScheduleView[] }
  readonly scheduleActed: ScheduleActed
  readonly accepted: Accepted
  readonly acted: Acted
  readonly actedAll: ActedAll
}

/** What is wrong with an answer, or undefined when it has the shape. */
export function shapeProblem(kind: keyof Answers, value: unknown): string | undefined {
  return shapes[kind](value, 'it')
}
