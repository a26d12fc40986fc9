// What a transport is to the rest: a way to an operation that is carried out in another process. It carries one attempt
// there and its answer back. What an attempt is told is what the body of an operation is told in this process, but for
// what cannot cross: its signal, which the transport brings about over there by its own means, and its log. Implemented
// in src/transports, put into a definition by define/elsewhere.ts; carried out over there by define/hosted.ts.
import type { Json } from './json.ts'

/** What an operation is told of the attempt that it serves, in whichever process that is. */
export interface Attempt {
  /** The same in every attempt of this call, and in no other call: hand it to whatever you call. */
  readonly idempotencyKey: string
  /**
   * `incarnation.shard.epoch`, never falls: refuse a lower one than you have seen of a shard, it is a zombie. All three are numbers;
   * the epoch is a time in milliseconds, so it needs more than 32 bits.
   */
  readonly fence: string
  /** 1 in the first attempt. */
  readonly attempt: number
  /** Milliseconds that this attempt may take; then it has failed, and `signal` is aborted. */
  readonly timeoutMs: number
  /** The business key of the run, `field:value`, or null. */
  readonly key: string | null
  /** The id of the run that made the call. */
  readonly run: string
  /** By what the run knows the call: `payment.charge#0`. */
  readonly op: string
  /** What began the causal graph: `run:<id>` or `event:<source>:<id>`. */
  readonly root: string
  /** What brought the run about, in the same form; null when it was started from outside. */
  readonly cause: string | null
  /** The idempotency key of the call that this call takes back, when it is an undo. */
  readonly undoes: string | null
  /**
   * This attempt in the trace of the order, as a header of W3C Trace Context: send it along, and what the service tells of itself
   * stands under it. It is there whether traces are sent or not, and the same when the attempt is made again after a crash.
   */
  readonly traceparent: string
  /**
   * How far the attempts before have come: what was said last by `context.heartbeat(progress)`, as it is known here. After a crash it
   * may be some seconds old. Undefined when nothing was said.
   */
  readonly progress?: Json | undefined
}

/** One attempt, as it is sent. */
export interface Asked extends Attempt {
  /** `service.operation` */
  readonly operation: string
  readonly input: unknown
  /** After so many milliseconds in which it says nothing the attempt has failed; null or absent: it is not asked to say anything. */
  readonly heartbeatMs?: number | null | undefined
}

/** What a transport hands on of an attempt that goes on there: that it lives, and how far it is where it says so. */
export type Heard = (progress?: unknown) => void

/** The way to the operations of one service. */
export interface Transport {
  /** Where they are, for people: without a path, and without anything that is secret. */
  readonly origin: string
  /** Whether what goes on there can say that it lives. */
  readonly hears?: boolean | undefined
  /**
   * Makes one attempt there. Resolves to the JSON value that was answered, undefined for none.
   * @param signal aborted when nobody waits any more; the other side is told if that can be.
   * @param heard is told whenever the attempt says that it lives.
   * @throws TerminalError for what is never to be tried again; anything else is retried by the policy of the operation.
   */
  ask(asked: Asked, signal: AbortSignal, heard?: Heard): Promise<unknown>
}
