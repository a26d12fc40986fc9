// What operators see of runs, events and the application: the shapes that the API, the command line and the
// application's own queries answer with. Made by engine/queries.ts from committed rows alone.
import type { Json } from './json.ts'
import type { FlowStanding, RunKind, RunStatus } from './store-queries.ts'

/** An error as it is kept: the code of the catalogue (or the thrown error's name) and its words. */
export interface ErrorView {
  readonly code: string
  readonly message: string
  readonly details?: Json | undefined
}

/** What a call waits for before it is made: its service, or the operation, takes no more at the moment. */
export interface PlaceView {
  /** What is limited: `payment`, or `crm.update`. */
  readonly at: string
  /** In words: `20 at once, 100/s`. */
  readonly limit: string
  /** The value of the field by which it is limited. */
  readonly per?: { readonly field: string; readonly value: string } | undefined
  /** How many come before it, at this node, counted to 1,000. */
  readonly before: number
  readonly fetched?: FetchedView | undefined
}

/** How a service stands that fetches its calls, as far as this node knows. */
export interface FetchedView {
  /** Calls that it has in its hands. */
  readonly running: number
  /** Since when nobody has asked for its work (ISO 8601); null while somebody does. */
  readonly unasked: string | null
}

/** What a call has said of itself, whose operation has a `heartbeat`. */
export interface HeartbeatView {
  /** The attempt that said so. */
  readonly attempt: number
  /** When it was heard of last (ISO 8601): to the moment where the process answers that carries the run, else up to five seconds earlier. */
  readonly at: string
  /** How far it was when it last said so. */
  readonly progress?: Json | undefined
}

/** One thing that a run waits for: what, from whom, since when, until when (ISO 8601; null: without limit). */
export interface WaitView {
  /** Operation id in the run, for example `payment.charge#0`. */
  readonly op: string
  /** `call`, `step`, `timer`, `event`, `signal`, `child`. */
  readonly kind: 'call' | 'step' | 'timer' | 'receive' | 'child'
  /** `payment.charge`, `order.shipped`, `approve`, `timer`, or the child's id. Several are joined by ` | `. */
  readonly for: string
  /** The service, `signal`, `event`, `clock`, or the workflow that will answer. */
  readonly from: string
  /** Of a call: the origin of the process that carries it out, when that is another one, `https://payment.internal`. Told where the application is open. */
  readonly at?: string | undefined
  readonly since: string
  readonly until: string | null
  /** Of a call or step: by what its service knows it in every attempt. With it, look there before you answer in its place. */
  readonly idempotencyKey?: string | undefined
  /** The run has given it up (cancelled, aborted, taken back): it waits only to know what is to be undone. */
  readonly givenUp?: true | undefined
  /** The operation of this run that it takes back, when it is an undo. */
  readonly undoes?: string | undefined
  /**
   * Of a call or step that a process before this one asked for, and of which nothing is known: an attempt of that one may have reached
   * the service, under the same key. Told by the process that carries the run.
   */
  readonly asked?: 'before' | undefined
  /**
   * Of a reaction that has not begun, so that its service was not asked: the run that holds it, the first of its service and key
   * that has not ended. Told where the application is open, as reactions may be declared to have no order.
   */
  readonly behind?: string | undefined
  /** Of a call that waits for a place at a limited service. Told by the process that carries the run. */
  readonly place?: PlaceView | undefined
  /** Of a call that has said that it lives. */
  readonly heartbeat?: HeartbeatView | undefined
  /** The last failed attempt, when there was one. */
  readonly attempt?: { readonly number: number; readonly error: ErrorView; readonly next: string | null } | undefined
}

/** Something that a person can do to a stuck run; `op` names the call or step that it is about. */
export interface ChoiceView {
  readonly action: 'retry' | 'answer' | 'fail' | 'cancel'
  readonly op?: string | undefined
  /** What must come first, in words: `mend the code`. */
  readonly after?: string | undefined
}

/** Of a run that is tried on its own, because processes have died: what they died at, and how many while it was alone. */
export interface SuspectView {
  /** `its replay`, `turn 3`, or the op of a call. */
  readonly what: string
  readonly deaths: number
}

/** A call of a run that conducts a flow. Times are ISO 8601. */
export interface StepView {
  /** What the run waits for it by. */
  readonly op: string
  /** The reaction whose call it is, `payment:stock.reserved`, and its run. */
  readonly step: string
  readonly run: string
  /** What is called: `payment.charge`, or a workflow; empty while the reaction has come to no call. */
  readonly call: string
  readonly status: 'open' | 'done' | 'failed'
  /** The type of the event that it was answered with. */
  readonly outcome?: string | undefined
  readonly error?: ErrorView | undefined
  readonly since: string
  readonly ended: string | null
}

/** A run. Times are ISO 8601. */
export interface RunView {
  readonly id: string
  readonly kind: RunKind
  readonly name: string
  /** Of a reaction: what it calls, `payment.charge` or a workflow; absent when it has answered with no call. */
  readonly call?: string | undefined
  readonly version: string
  readonly key: { readonly field: string; readonly value: string } | null
  readonly root: string
  readonly cause: string | null
  /** Of a run that was asked for from outside: the caller's span, as W3C Trace Context has it. */
  readonly traceparent?: string | undefined
  readonly parent: string | null
  readonly status: RunStatus
  /** `scheduled`: it begins later, at `at`. `undoing`: it takes back what it did. `cancelling`: it was asked to stop. */
  readonly phase?: 'scheduled' | 'undoing' | 'cancelling' | undefined
  /** Its body has failed, and it takes back what it did: it ends as failed, and cannot be cancelled. */
  readonly failing?: true
  /** When a scheduled run begins, and when a run that has not ended is cancelled. */
  readonly at?: string | undefined
  readonly deadline?: string | undefined
  /** How often the run has continued as a new generation; absent for 0. */
  readonly generation?: number | undefined
  readonly reason?: string | undefined
  readonly suspect?: SuspectView | undefined
  readonly state?: Json | undefined
  /** Why `state`, `waits` and `steps` are not told: the journal of the run cannot be read now, or is damaged. */
  readonly unread?: ErrorView | undefined
  readonly waits: readonly WaitView[]
  /** Of a run that conducts a flow: its calls, in the order of the events that asked for them. */
  readonly steps?: readonly StepView[] | undefined
  /** What a person can do about a stuck run. */
  readonly choices: readonly ChoiceView[]
  readonly input: Json
  readonly output?: Json | undefined
  readonly error?: ErrorView | undefined
  readonly created: string
  readonly ended: string | null
}

/** A journal row, decoded. `delivered` and `commands` of a turn; `note` of a note. */
export interface JournalView {
  readonly pos: number
  readonly seq: number
  readonly kind: 'turn' | 'note' | 'mail'
  readonly at: string
  readonly delivered?: Json | undefined
  readonly commands?: readonly Json[] | undefined
  readonly note?: Json | undefined
}

/** An event as CloudEvents 1.0 JSON, with Ballet's extension attributes. */
export interface EventView {
  readonly specversion: '1.0'
  readonly id: string
  readonly source: string
  readonly type: string
  readonly subject: string
  readonly time: string
  readonly datacontenttype: 'application/json'
  readonly data: Json
  readonly correlationid: string
  readonly causationid?: string | undefined
  /** Of an event from outside: the span of whoever published it. */
  readonly traceparent?: string | undefined
  readonly partitionkey: string
  /** Position in the shard, as a string of 16 digits, so that it sorts as text. */
  readonly sequence: string
  /** Extension: whether reactions and `receive` saw it. */
  readonly published: boolean
}

/** A schedule. Times are ISO 8601. */
export interface ScheduleView {
  readonly name: string
  /** Its times: one of the two. */
  readonly cron: string | null
  readonly every: string | null
  readonly timezone: string
  readonly overlap: 'skip' | 'allow'
  readonly catchUp: 'last' | 'all' | 'none'
  readonly within: string | null
  /** The run that it is itself, `@schedule:<name>`: its journal says what was decided, and why it is stuck. */
  readonly run: string
  /** `ended`: a version of Ballet without schedules had the store, and somebody ended the run there. It fires no more. */
  readonly state: 'active' | 'paused' | 'stuck' | 'ended'
  /** When it fires next; null while it is paused, has not been begun or cannot be read, and when it has ended. */
  readonly next: string | null
  readonly paused: { readonly by: string; readonly why: string; readonly at: string } | null
  /** The latest time that it fired for, the run that was started, and how that stands; a status of null for one that is forgotten. */
  readonly last: {
    readonly at: string
    readonly run: string
    readonly status: RunStatus | null
    readonly ended: string | null
  } | null
  /** The latest time that was left out because the run of the one before was under way, and how many were so far. */
  readonly skipped: { readonly at: string; readonly run: string; readonly count: number } | null
  /** The first and the last time of those that were missed last because nothing ran, and that are not made up for. */
  readonly missed: { readonly from: string; readonly to: string } | null
}

/** A run that the store names but cannot read, because the page that it lies on is damaged; or an event that the codec does not decode. */
export interface UnreadableView {
  readonly id: string
  readonly error: ErrorView
}

/** How the flow of one key stands against its choreography. */
export interface FlowView {
  readonly choreography: string
  readonly key: { readonly field: string; readonly value: string }
  /** `broken` before `overdue`, and that before all others. */
  readonly state: FlowStanding
  /** The name of the ending, when it is complete or may end. */
  readonly ending?: string | undefined
  /** Times of its first and last event (ISO 8601). */
  readonly began: string
  readonly changed: string
  /** What can come next, and from which services; from none: from outside. */
  readonly awaited: readonly { readonly event: string; readonly from: readonly string[] }[]
  /** By when one of these events has to come, earliest first; `passed`: it has not. */
  readonly deadlines: readonly { readonly events: readonly string[]; readonly by: string; readonly passed: boolean }[]
  /** The first event that did not fit. */
  readonly broken?: FlowBreakView | undefined
  /** Of a broken or an overdue flow: what was done, has not been taken back, and can be, by `undo`. Absent for nothing. */
  readonly owes?: readonly { readonly operation: string; readonly undo: string }[] | undefined
  /** How many events did not fit, and how many deadlines have passed. */
  readonly breaks: number
  readonly overdues: number
}

/** `late`: the flow was complete; `duplicate`: one of its type had come; `unexpected`: anything else. */
export interface FlowBreakView {
  readonly how: 'late' | 'duplicate' | 'unexpected'
  readonly event: string
  readonly source: string
  readonly id: string
  readonly time: string
  /** What could have come. */
  readonly expected: readonly string[]
  /** The rule that it breaks, in words. */
  readonly rule?: string | undefined
  /** It came late, and one of its type had come before. */
  readonly again?: true | undefined
}

/** Runs and events that belong together, oldest first. */
export interface Related {
  readonly runs: readonly RunView[]
  readonly events: readonly EventView[]
  /** Runs and events that belong to them and cannot be read; absent when there are none. */
  readonly unreadable?: readonly UnreadableView[]
  /** Goes on where this answer ends, where there is more than one can hold; absent at the end. */
  readonly cursor?: string
}

/** Everything of one key. */
export interface KeyView extends Related {
  readonly field: string
  readonly value: string
  /** How its flows stand, one for each choreography of its field that has begun; without an application none. */
  readonly flows: readonly FlowView[]
}

/** A page of a list: `cursor` continues it, absent at the end. */
export interface Page<Item> {
  readonly items: readonly Item[]
  /** Runs, or events, that belong on this page and cannot be read; absent when there are none. */
  readonly unreadable?: readonly UnreadableView[]
  readonly cursor?: string | undefined
}

/**
 * The picture of a flow as boxes and arrows, as `ballet draw` has it; where they stand is for who draws them. An `event` has its
 * type as its title and who brings it as its detail, an `ending` its name, a `rule` its words; from a `bar` on, parts go side by side.
 */
export interface DrawingView {
  readonly direction: 'down' | 'right'
  readonly parts: readonly (
    | {
        readonly kind: 'node'
        readonly id: string
        readonly shape: 'start' | 'event' | 'bar' | 'again' | 'ending' | 'rule' | 'service' | 'workflow' | 'outside'
        readonly title: string
        readonly detail?: string
      }
    | { readonly kind: 'edge'; readonly from: string; readonly to: string; readonly label: readonly string[] }
  )[]
}

/** The application as it stands: what can be called, what reacts to what. */
export interface ApplicationView {
  readonly name: string
  readonly version: string
  readonly store: { readonly kind: string; readonly name: string; readonly id: string; readonly incarnation: number }
  readonly services: readonly {
    readonly name: string
    /** How often it may be asked, in words: `20 at once, 100/s`. */
    readonly limit?: string | undefined
    /** Of one that fetches its calls; `waiting`: how many wait at this node. */
    readonly fetched?: (FetchedView & { readonly waiting: number }) | undefined
    /** Of a transport of events: the types that come from there. */
    readonly takes?: readonly string[] | undefined
    readonly operations: readonly {
      readonly name: string
      readonly outcomes: readonly string[]
      readonly undoes?: string | undefined
      readonly limit?: string | undefined
      /** The origin of the service that carries it out, when that is another process: `https://payment.internal`. */
      readonly elsewhere?: string | undefined
    }[]
    readonly reactions: readonly { readonly name: string; readonly event: string; readonly order: 'key' | 'none' }[]
  }[]
  readonly workflows: readonly {
    readonly name: string
    readonly key?: string | undefined
    readonly signals: readonly string[]
  }[]
  readonly choreographies: readonly {
    readonly name: string
    readonly key: string
    readonly events: readonly string[]
    readonly endings: readonly string[]
    readonly drawing: DrawingView
  }[]
  readonly events: readonly { readonly type: string; readonly key: string }[]
  readonly signals: readonly string[]
}

/** How many runs have not ended; of schedules, which never do, those that are stuck. */
export interface CountsView {
  readonly counts: readonly CountView[]
  /** Whether there are more of them than were counted. */
  readonly more: boolean
}

/** Runs that are of one kind and name, and stand alike. */
export interface CountView {
  readonly status: 'running' | 'stuck'
  readonly phase?: string
  /** Why they are stuck. */
  readonly reason?: string
  readonly kind: RunKind
  readonly name: string
  readonly runs: number
}
