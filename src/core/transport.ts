// What a transport is to the rest: a way to an operation that is carried out in another process. It carries one attempt
// there and its answer back. What an attempt is told is what the body of an operation is told in this process, but for
// what cannot cross: its signal, which the transport brings about over there by its own means, and its log. Implemented
// in src/transports, put into a definition by define/elsewhere.ts; carried out over there by define/hosted.ts.

/** What an operation is told of the attempt that it serves, in whichever process that is. */
export interface Attempt {
  /** The same in every attempt of this call, and in no other call. */
  readonly idempotencyKey: string
  /** `incarnation.shard.epoch`, never falls. */
  readonly fence: string
  /** 1 in the first attempt. */
  readonly attempt: number
  /** How long the attempt may take; then it has failed. */
  readonly timeoutMs: number
  /** `field:value`, or null. */
  readonly key: string | null
  readonly run: string
  readonly op: string
  readonly root: string
  readonly cause: string | null
  /** The idempotency key of the call that is taken back. */
  readonly undoes: string | null
  /** Of W3C Trace Context: the span of this attempt. */
  readonly traceparent: string
}

/** One attempt, as it is sent. */
export interface Asked extends Attempt {
  /** `service.operation` */
  readonly operation: string
  readonly input: unknown
}

/** The way to the operations of one service. */
export interface Transport {
  /** Where they are, for people: without a path, and without anything that is secret. */
  readonly origin: string
  /**
   * Makes one attempt there. Resolves to the JSON value that was answered, undefined for none.
   * @param signal aborted when nobody waits any more; the other side is told if that can be.
   * @throws TerminalError for what is never to be tried again; anything else is retried by the policy of the operation.
   */
  ask(asked: Asked, signal: AbortSignal): Promise<unknown>
}
