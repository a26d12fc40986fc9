// The turns of a run: what was delivered to it and what it did about it. One turn is one journal row of three lines,
// none of which can hold a newline (they are JSON):
//   1  what was delivered, without its payload
//   2  the payload, as it was stored; empty when there is none
//   3  the commands that the run issued in response; where all it did was to end with that payload, that it did
// Line 3 of a replay is compared with the stored line as text; only where they differ are both parsed (replay.ts).
import { assertNever } from './errors.ts'
import type { Failure } from './failure.ts'
import { parseText } from './json-text.ts'
import type { JsonText } from './json.ts'

/** What can be delivered to a run. */
export type Delivered =
  | { readonly kind: 'start'; readonly seed: number }
  /**
   * An operation, step or child answered: in `attempt`, after `ms`; or a person in its place, `by` whom and `why`. `mail` is the
   * seq of the mail row in which it waited while the run was frozen; that of a signal or a cancellation is the same. It is
   * `untold` where it waits before its turn, so that whoever said it has not heard yet that it was taken.
   */
  | {
      readonly kind: 'done'
      readonly op: string
      readonly payload: JsonText | undefined
      readonly attempt?: number
      readonly ms?: number
      readonly by?: string
      readonly why?: string
      readonly mail?: number
      readonly untold?: true | undefined
    }
  /** `lost` is told to a run that conducts: the types of event that the call would have brought; absent when it could be any. */
  | {
      readonly kind: 'failed'
      readonly op: string
      readonly error: Failure
      readonly lost?: readonly string[]
      readonly attempt?: number
      readonly by?: string
      readonly why?: string
      readonly mail?: number
      readonly untold?: true | undefined
    }
  | { readonly kind: 'timer'; readonly op: string }
  /**
   * `hash` tells it from another one of its id; it has none where nobody else can have given it that id. `traceparent` is the span of
   * whoever sent it, as caller.ts keeps it.
   */
  | {
      readonly kind: 'signal'
      readonly name: string
      readonly id: string
      readonly hash?: string | undefined
      readonly payload: JsonText | undefined
      readonly traceparent?: string
      readonly mail?: number
      readonly untold?: true | undefined
    }
  | {
      readonly kind: 'event'
      readonly type: string
      readonly pos: number
      readonly source: string
      readonly id: string
      readonly key: string
      readonly payload: JsonText
    }
  /**
   * `forced`: the code cannot go on (it threw), so nothing of it is run but what takes things back. `of` is the turn that
   * threw: what it was delivered is known, though the code could not take it.
   */
  | {
      readonly kind: 'cancel'
      readonly by: string
      readonly why: string
      readonly forced?: true
      readonly of?: number
      readonly mail?: number
      readonly untold?: true | undefined
    }
  /** The turn `of` threw; the code was mended and the same delivery is made again, now with these commands. */
  | { readonly kind: 'resume'; readonly of: number }

/** How a call came out. */
export type Answer = Extract<Delivered, { readonly kind: 'done' | 'failed' }>

/** Who cancelled a run, and why. */
export interface Cancelled {
  readonly by: string
  readonly why: string
}

/** What a run can do in a turn. */
export type Command =
  /** `raw` is the input as the workflow gave it, when its schema made something else of it. */
  | {
      readonly kind: 'call'
      readonly op: string
      readonly call: string
      readonly input: JsonText
      readonly raw?: JsonText
      readonly publish?: boolean
      readonly undo?: boolean
      readonly undoes?: string
    }
  | { readonly kind: 'step'; readonly op: string; readonly undo?: boolean }
  | { readonly kind: 'sleep'; readonly op: string; readonly due: number }
  /** `names` are `event:<type>` and `signal:<type>`. */
  | { readonly kind: 'wait'; readonly op: string; readonly names: readonly string[]; readonly due?: number }
  /** `wait` is false for a child that the run does not wait for. */
  | {
      readonly kind: 'child'
      readonly op: string
      readonly run: string
      readonly call: string
      readonly input: JsonText
      readonly raw?: JsonText
      readonly wait: boolean
      readonly undo?: boolean
      readonly undoes?: string
    }
  | { readonly kind: 'join'; readonly op: string; readonly run: string }
  | {
      readonly kind: 'emit'
      readonly op: string
      readonly type: string
      readonly key: string
      /** As the workflow says; otherwise it is the workflow's, under an id of its own. */
      readonly source?: string
      readonly id?: string
      readonly input: JsonText
      readonly raw?: JsonText
    }
  | {
      readonly kind: 'send'
      readonly op: string
      readonly run: string
      readonly name: string
      readonly input: JsonText
      readonly raw?: JsonText
    }
  /** `after` so many that were refused, behind the one before it. */
  | { readonly kind: 'set'; readonly after?: number; readonly state: JsonText }
  | { readonly kind: 'patch'; readonly id: string }
  /** A call, step or wait is given up. `settles`: its answer is still wanted, to know what there is to undo. */
  | { readonly kind: 'drop'; readonly op: string; readonly settles?: true }
  /** A child is asked to stop. */
  | { readonly kind: 'stop'; readonly run: string }
  /** The run begins to take back what it did, or is done with that. */
  /** `failed`: its body has, and the run ends so when it has taken back what it did. */
  | { readonly kind: 'phase'; readonly phase: 'undoing' | null; readonly failed?: true }
  /**
   * `raw` is what the workflow returned, when its schema made something else of it; `null` for nothing. `cancelled` when
   * the run was: then it has taken back what it did.
   */
  | {
      readonly kind: 'end'
      readonly output: JsonText | undefined
      readonly raw?: JsonText
      readonly cancelled?: Cancelled
    }
  | { readonly kind: 'fail'; readonly error: Failure }
  /** The code of the run threw: nothing else of this turn counts, and the run is frozen until a `resume`. */
  | { readonly kind: 'threw'; readonly error: Failure }
  /** The run goes on as a new generation with this input and what it carries (a `Carried`). */
  | { readonly kind: 'continue'; readonly input: JsonText; readonly raw?: JsonText; readonly carry: JsonText }

/** The last command of a run. */
export type RunEnding = Extract<Command, { kind: 'end' | 'fail' }>

/** Why a run is stuck, as its row and its notes say. */
export const STUCK_REASONS = ['call', 'threw', 'diverged', 'limit', 'poisoned', 'conflict', 'unreadable'] as const

/** A row that is not replayed: what happened around a run. */
export type Note =
  | {
      readonly kind: 'attempt'
      readonly op: string
      readonly attempt: number
      readonly error: Failure
      readonly ms: number
      readonly next: number | null
      /** Milliseconds that the service asked to be left alone for. */
      readonly askedMs?: number
    }
  | { readonly kind: 'stuck'; readonly op: string | null; readonly reason: string; readonly error: Failure }
  | { readonly kind: 'freed'; readonly reason: string }
  /**
   * A call answered after it had been taken back (after its undo had found nothing to do: `nothing`): `run` takes it back again, or
   * an error says why none does.
   */
  | {
      readonly kind: 'late'
      readonly op: string
      readonly attempt: number
      readonly run: string | null
      readonly nothing?: true
      readonly error?: Failure
    }
  /** What a person asked for, and why. */
  | {
      readonly kind: 'action'
      readonly action: 'retry' | 'fail' | 'cancel'
      readonly op: string | null
      readonly by: string
      readonly why: string
      /** The run that takes the place of one which failed to take something back. */
      readonly run?: string
      /** The run had been asked to stop, and now ends without taking anything back. */
      readonly drops?: 'cancel' | 'undo'
      /** That it is to stop was kept for the run, which had failed before, and ends so. Nothing of it is delivered any more. */
      readonly tooLate?: true
    }

/** A turn as it is stored. */
export interface Turn {
  readonly delivered: Delivered
  /** Line 3, as it was written. */
  readonly commandsText: string
}

/** A command as it was stored: payloads are parsed. */
export type StoredCommand = { readonly kind: Command['kind'] } & Readonly<Record<string, unknown>>

const quote = JSON.stringify

/** Line 3 of a run that ends with what was delivered, as every run of one call does: line 2 is not written once more. */
const ENDS_WITH_PAYLOAD = '[{"kind":"end","payload":true}]'
const END_BEFORE = '[{"kind":"end","output":'
const END_AFTER = '}]'

/** The three lines of a turn. */
export function turnText(delivered: Delivered, commands: string): string {
  if (!('payload' in delivered)) return `${quote(delivered)}\n\n${commands}`
  const { payload, ...head } = delivered
  if (payload === undefined) return `${quote(head)}\n\n${commands}`
  return `${quote(head)}\n${payload}\n${endsWith(payload, commands) ? ENDS_WITH_PAYLOAD : commands}`
}

/** Whether these commands are the end with this output, and nothing else. */
const endsWith = (payload: JsonText, commands: string): boolean =>
  commands.length === END_BEFORE.length + payload.length + END_AFTER.length &&
  commands.startsWith(END_BEFORE) &&
  commands.startsWith(payload, END_BEFORE.length)

/** Reads the three lines of a turn. */
export function parseTurn(text: string): Turn {
  const first = text.indexOf('\n')
  const second = text.indexOf('\n', first + 1)
  const head = parseText(text.slice(0, first)) as Delivered
  const line3 = text.slice(second + 1)
  if (head.kind !== 'done' && head.kind !== 'signal' && head.kind !== 'event')
    return { delivered: head, commandsText: line3 }
  const payload = second === first + 1 ? undefined : text.slice(first + 1, second)
  const isPayload = payload !== undefined && line3 === ENDS_WITH_PAYLOAD
  const commands = isPayload ? `${END_BEFORE}${payload}${END_AFTER}` : line3
  return { delivered: { ...head, payload } as Delivered, commandsText: commands }
}

/** Line 3: the commands as a JSON array, their payloads put in as they are. */
export function commandsText(commands: readonly Command[]): string {
  if (commands.length === 0) return '[]'
  let text = '['
  for (const [index, command] of commands.entries()) text += (index === 0 ? '' : ',') + commandText(command)
  return `${text}]`
}

function commandText(command: Command): string {
  switch (command.kind) {
    case 'call':
      return callText(command)
    case 'child':
    case 'emit':
    case 'send': {
      const { input, raw, ...head } = command
      return `${quote(head).slice(0, -1)}${field('input', input)}${field('raw', raw)}}`
    }
    case 'set':
      return `{"kind":"set"${field('after', command.after === undefined ? undefined : quote(command.after))},"state":${command.state}}`
    case 'end':
      return `{"kind":"end"${field('output', command.output)}${field('raw', command.raw)}${field('cancelled', command.cancelled && quote(command.cancelled))}}`
    case 'continue':
      return `{"kind":"continue","input":${command.input}${field('raw', command.raw)},"carry":${command.carry}}`
    case 'step':
    case 'sleep':
    case 'wait':
    case 'join':
    case 'patch':
    case 'drop':
    case 'stop':
    case 'phase':
    case 'fail':
    case 'threw':
      return quote(command)
    default:
      return assertNever(command)
  }
}

/** What most turns have, put together field by field: to make an object of what goes before the payload takes longer. */
function callText({ op, call, input, raw, publish, undo, undoes }: Extract<Command, { kind: 'call' }>): string {
  let text = `{"kind":"call","op":${quote(op)},"call":${quote(call)}`
  if (publish !== undefined) text += `,"publish":${publish}`
  if (undo !== undefined) text += `,"undo":${undo}`
  if (undoes !== undefined) text += `,"undoes":${quote(undoes)}`
  return `${text}${field('input', input)}${field('raw', raw)}}`
}

function field(name: string, payload: JsonText | undefined): string {
  return payload === undefined ? '' : `,"${name}":${payload}`
}

/** Reads line 3. */
export function parseCommands(text: string): readonly StoredCommand[] {
  return parseText(text) as readonly StoredCommand[]
}

const FIRST_KIND = '[{"kind":"'
const THEN_OP = '","op":'

/** Whether the first command of line 3 is known, by its beginning, to have this id, which is given as JSON. */
export function firstOpIs(text: string, quotedOp: string): boolean {
  const at = text.indexOf('"', FIRST_KIND.length)
  return text.startsWith(FIRST_KIND) && text.startsWith(THEN_OP, at) && text.startsWith(quotedOp, at + THEN_OP.length)
}

/** A stored command as the run would issue it: payloads as text again. */
export function revive(stored: StoredCommand): Command {
  const text: Record<string, unknown> = { ...stored }
  for (const name of ['input', 'raw', 'state', 'output', 'carry'] as const) {
    if (name in text) text[name] = quote(text[name])
  }
  if (stored.kind === 'end' && !('output' in stored)) text['output'] = undefined
  return text as unknown as Command
}
