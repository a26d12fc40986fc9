// What the parts of a shard share. One object per shard, built in shard.ts; the parts are functions over it, each in a
// file of its own, and reach one another through the few functions at its end, so that no file imports its caller.
import type { Codec, PayloadPlace } from '../core/codec.ts'
import type { Clock, Random } from '../core/clock.ts'
import type { FlowAccount } from '../core/flow-account.ts'
import type { JsonText } from '../core/json.ts'
import type { Delivered, RunEnding } from '../core/journal.ts'
import type { Placement } from '../core/placement.ts'
import type { EventRow, FlowGone, FlowRow, RunRow, Store } from '../core/store.ts'
import type { ChoreographyDefinition, Log } from '../define/definition.ts'
import type { Limits } from '../define/limits.ts'
import type { Admission } from './admission.ts'
import type { CallEnvironment } from './call-context.ts'
import type { Claims } from './claims.ts'
import type { Conducts } from './conducts.ts'
import type { Counts } from './counts.ts'
import type { Directory } from './directory.ts'
import type { Effects } from './effects.ts'
import type { Inbox } from './inbox.ts'
import type { Lanes } from './lanes.ts'
import type { LiveRun } from './live-run.ts'
import type { OpenRuns } from './open-runs.ts'
import type { Pump } from './pump.ts'
import type { Receivers } from './receivers.ts'
import type { Space } from './space.ts'
import type { StuckLines } from './stuck-lines.ts'
import type { Suspects } from './suspects.ts'
import type { Timers } from './timers.ts'
import type { Watchers } from './watchers.ts'
import type { Writer } from './writer.ts'

/**
 * How a delivery came out: it was taken, it had been made before, another one had under its id, the run had ended, is frozen,
 * holds too many signals, or has failed and takes back what it did.
 */
export type DeliveryResult = 'taken' | 'seen' | 'conflict' | 'ended' | 'frozen' | 'full' | 'failing'

/** What goes with a delivery from outside. */
export interface DeliveryExtras {
  /** The inbox row that it came in. */
  readonly drained?: number
  /**
   * The run whose end is the answer: only what waits for that run takes it. A generation that is over may have given up a
   * child under the name that a child of this one has.
   */
  readonly ended?: string
  /** When the timer was due: a wait of an earlier generation, of the same name, had another. */
  readonly due?: number
  /** Whoever asks the run to stop waits for an answer: where that changes nothing any more it is refused. */
  readonly isRefusable?: true
  /** Told when that is written: what it writes in turn is durable with it. */
  readonly settling?: (result: DeliveryResult) => void
  /** Told once the turn is durable: whether it was taken, or had been delivered before. */
  readonly settled?: (result: DeliveryResult) => void
  readonly failed?: (error: Error) => void
}

/** A run that is to be brought back from its journal, and stopped there: its code cannot go on. */
export interface ForcedStop {
  readonly delivered: Extract<Delivered, { kind: 'cancel' }>
  readonly extras: DeliveryExtras
}

export interface ShardContext {
  readonly shard: number
  readonly place: Placement
  readonly ns: string
  readonly version: string
  readonly store: Store
  readonly codec: Codec
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly stuckLines: StuckLines
  readonly counts: Counts
  readonly directory: Directory
  readonly limits: Limits
  readonly environment: CallEnvironment
  readonly space: Space
  readonly writer: Writer
  readonly pump: Pump
  readonly effects: Effects
  readonly timers: Timers
  readonly receivers: Receivers
  readonly lanes: Lanes
  readonly inbox: Inbox
  readonly claims: Claims
  readonly admission: Admission
  readonly open: OpenRuns
  readonly watchers: Watchers
  readonly suspects: Suspects
  readonly conducts: Conducts

  /** Time of the shard: never earlier than it was before. */
  now(): number
  /** The journal has reached this time. */
  notBefore(at: number): void
  /** Text of a payload of a row, and back. When the codec fails, the shard does: what is in memory cannot be written. */
  readonly encode: (text: JsonText, row: PayloadPlace['row'], id: string) => EventRow['data']
  /** The same for what is asked for from outside, while nothing has changed yet: when the codec fails, that alone is refused. */
  readonly encodeAsked: ShardContext['encode']
  decode(payload: EventRow['data'], row: PayloadPlace['row'], id: string): JsonText
  /** Gives something to a run: at once, or after it was loaded. A run that has ended takes nothing. */
  deliver(run: number, delivered: Delivered, extras?: DeliveryExtras): void
  /** The live run, brought back if it is parked; undefined when it has ended. */
  live(run: number): Promise<LiveRun | undefined>
  /** Brings a frozen run back from its journal, with today's code: to go on, or to stop. */
  thaw(run: LiveRun, stop?: ForcedStop): void
  /** The code of a run did something outside a turn: it is parked. */
  blame(run: LiveRun, error: Error): void
  /** Hash of the canonical form of a value. */
  hash(value: unknown): string
  /** Run `run` waits with `op` for the end of the run `id`, which may have ended already. */
  joined(id: string, run: number, op: string): void
  /** What a run awaited that is not durable, in words; empty when that is not watched. */
  foreignWork(run: LiveRun): string
  /** An event is durable: whoever follows flows takes it. */
  followEvent(event: EventRow): void
  /** A run has ended: whoever conducts the flow that it belongs to takes notice. */
  leftFlow(row: RunRow, ending: RunEnding): void
  /** The flow of a key as it stands by the events that are durable now: at once, or when it was read. */
  followed(choreography: ChoreographyDefinition, key: string, use: (account: FlowAccount | null) => void): void
  /** Of these flows those that nothing has come for since; whoever follows flows knows them no more. */
  readonly forgettable: (flows: readonly FlowRow[]) => readonly FlowGone[]
  /** Something for the inbox of a shard is durable: its owner may look. */
  posted(shard: number): void
  /** Lets a reaction begin: it is the head of its lane. */
  release(run: LiveRun): void
  /** Lets a new run begin; a reaction enters its lane first. */
  begin(run: LiveRun): void
  /** The shard stops: nothing is written or started any more. */
  fail(error: unknown): void
}
