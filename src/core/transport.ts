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
  /** Operations, by their names, whose attempts go on until they are told to end: how they end then says nothing. */
  readonly endless?: readonly string[] | undefined
  /**
   * Makes one attempt there. Resolves to the JSON value that was answered, undefined for none.
   * @param signal aborted when nobody waits any more; the other side is told if that can be.
   * @param heard is told whenever the attempt says that it lives.
   * @throws TerminalError for what is never to be tried again; anything else is retried by the policy of the operation.
   */
  ask(asked: Asked, signal: AbortSignal, heard?: Heard): Promise<unknown>
  /**
   * Whether a request is for an attempt that waits here for an answer which comes later. The door that it goes to limits its body, to what
   * the service may answer with, and says where it refuses one.
   */
  awaits?(request: Request): boolean
  /** Of a service that fetches its calls: an attempt begins when there is room for it, and goes out by the door. */
  readonly work?: { readonly room: Room; readonly door: WorkDoor } | undefined
}

/** Of a service that fetches its calls: where they wait until it has room for them. */
export interface Room {
  /** For how many more attempts there is room. */
  readonly free: number
  /** Keeps room for an attempt that is about to begin. */
  reserve(): KeptRoom
  /** Calls back as soon as there may be room, unless the returned function is called first. A call waits for it. */
  whenFree(tell: () => void): () => void
  /** Since when nobody has asked for work, in milliseconds since the epoch; null while somebody does. */
  readonly unaskedSince: number | null
}

/** Room that is kept for one attempt. */
export interface KeptRoom {
  /** The attempt begins: it is the one that is asked for with this signal. */
  begins(signal: AbortSignal): void
  /** It is over, or is not made. Safe twice. */
  over(): void
}

/** What is asked for: up to so many calls, and how long to wait for the first. */
export interface WorkAsked {
  /** Of this request; no other has it. */
  readonly id: string
  readonly atOnce: number
  readonly waitMs: number
}

/** Calls that are handed out. */
export interface HandedOut {
  /** One attempt each, as JSON. */
  readonly calls: readonly string[]
  /** Whether there are more that nobody has room for. */
  readonly isMore: boolean
  /** They have not come to whoever asked, or nobody knows: these attempts have failed. */
  lost(): void
}

/** The door of a service that fetches its calls; a server brings there what comes for it. */
export interface WorkDoor {
  /** Most bytes of an answer. */
  readonly answerLimitBytes: number
  /** Of this process: what remembers which ids of requests for work came before. */
  readonly mark: string
  /** Counts a request for work by its id, which is made for this mark. False when it came before. */
  counts(id: string): boolean
  /** What a request asks for, once it is sure who asks. @throws SIGNATURE_REFUSED, REQUEST_INVALID and what reading it throws */
  asked(request: Request): Promise<WorkAsked>
  /** The id of a request for work that is to end, once it is sure who asks. @throws as `asked` */
  ended(request: Request): Promise<string>
  /** Somebody waits for calls from now on, until the returned function is called. @throws OVERLOADED */
  enter(id: string, end: () => void): () => void
  /** Calls back when a call begins to wait while nobody asks here. */
  whenWanted(tell: () => void): void
  /** Answers a request for work that waits here at once. False when there is none of that id. */
  end(id: string): boolean
  /**
   * Calls, as soon as there are any, or none when the time is over.
   * @param address what their answers are sent to; a token comes behind it.
   * @param signal aborted when nobody waits any more.
   */
  take(asked: Omit<WorkAsked, 'id'>, address: string, signal: AbortSignal): Promise<HandedOut>
  /** The answer of a call. @throws ANSWER_UNAWAITED, SIGNATURE_REFUSED and what reading it throws */
  answer(token: string, request: Request): Promise<void>
  /** That a call lives which was handed out, or whether it is still wanted. @throws HEARTBEAT_UNWANTED, SIGNATURE_REFUSED and what reading it throws */
  hear(token: string, request: Request): Promise<void>
  /**
   * A request that is for another node, once it is sure who sends it; its body can be read once more.
   * @throws SIGNATURE_REFUSED and what reading it throws
   */
  judged(what: 'work' | 'answer' | 'heartbeat', request: Request): Promise<Request>
  /** Calls that were handed out by these tokens have not come to whoever asked. */
  lost(tokens: readonly string[]): void
}
