// What clients asked of runs and were told, as operations with a beginning and an end, so that somebody can say whether
// there is one order of all of them in which every answer is right. Beginning and end are places in the trace.
import { isBalletError } from '../../src/core/errors.ts'
import type { Application } from '../../src/define/application.ts'
import type { Stage } from '../../src/testing/simulation/stage.ts'

/** What is asked of one run. */
export type Asked =
  | { readonly kind: 'start'; readonly value: string }
  | { readonly kind: 'get' }
  /** Of a run whose code threw, or could not read what came: that is given up, also where it had been asked to stop before. */
  | { readonly kind: 'cancel'; readonly isStuck?: true }
  | { readonly kind: 'signal'; readonly id: string }
  /** By a row in the inbox: done when somebody reads that, or never when it was for nothing. */
  | { readonly kind: 'posted'; readonly what: 'start' | 'cancel' | 'signal'; readonly value: string }
  /** Told by the disk: the run has ended. */
  | { readonly kind: 'end'; readonly status: string }

/** An operation on one run. */
export interface Operation {
  readonly run: string
  readonly asked: Asked
  readonly begun: number
  /** Infinity: nobody knows whether it was done. */
  ended: number
  /** What was answered; undefined when nothing was. */
  answer: string | undefined
}

/** Refused before anything was done: as if it had never been asked. */
const NOTHING: ReadonlySet<string> = new Set([
  'NODE_STANDBY',
  'OVERLOADED',
  'STORE_FULL',
  'SIGNALS_FULL',
  'RUN_UNREADABLE',
])
/** Whoever gets these does not know. */
const UNKNOWN: ReadonlySet<string> = new Set([
  'COMMIT_UNKNOWN',
  'PROCESS_UNREACHABLE',
  'SHARD_FENCED',
  'STORE_FAILED',
  'STORE_UNREACHABLE',
  'APP_CLOSED',
  'OWNER_SILENT',
  'NOT_READY',
])
const ANSWERS: Readonly<Record<string, string>> = {
  RUN_UNKNOWN: 'missing',
  RUN_ENDED: 'ended',
  RUN_CONFLICT: 'conflict',
  ACTION_REFUSED: 'refused',
  OP_UNKNOWN: 'refused',
  TIME_INVALID: 'too late',
}

/** What a client heard: an answer, a refusal, or nothing that it could rely on. */
export type Heard = { readonly kind: 'answer'; readonly answer: string } | { readonly kind: 'nothing' | 'unknown' }

export class History {
  readonly operations: Operation[] = []
  readonly #stage: Stage

  constructor(stage: Stage) {
    this.#stage = stage
  }

  #isStuck(run: string): boolean {
    return this.#stage.world.disks.some(({ runs }) =>
      [...runs.values()].some(({ id, status }) => id === run && status === 'stuck'),
    )
  }

  /** Asks the application something about a run, and writes down what was heard. */
  async ask(run: string, asked: Asked, ask: (app: Application) => Promise<string>): Promise<Heard> {
    const { world } = this.#stage
    world.note(`asks ${words(asked)} ${run}`)
    const what = asked.kind === 'cancel' && this.#isStuck(run) ? ({ ...asked, isStuck: true } as const) : asked
    const operation: Operation = { run, asked: what, begun: world.trace.count, ended: Infinity, answer: undefined }
    this.operations.push(operation)
    const heard = await this.#heard(ask)
    world.note(`hears ${words(asked)} ${run}: ${heard.kind === 'answer' ? heard.answer : heard.kind}`)
    if (heard.kind === 'nothing') this.operations.splice(this.operations.indexOf(operation), 1)
    if (heard.kind === 'answer') {
      operation.ended = world.trace.count
      operation.answer = heard.answer
    }
    return heard
  }

  /** Something was done to a run: at this very moment, or since a place in the trace. */
  happened(run: string, asked: Asked, ended: number, begun = this.#stage.world.trace.count): void {
    this.operations.push({ run, asked, begun, ended, answer: undefined })
  }

  async #heard(ask: (app: Application) => Promise<string>): Promise<Heard> {
    try {
      return { kind: 'answer', answer: await this.#stage.ask(ask) }
    } catch (error) {
      if (!isBalletError(error)) return { kind: 'unknown' }
      if (NOTHING.has(error.code)) return { kind: 'nothing' }
      if (UNKNOWN.has(error.code)) return { kind: 'unknown' }
      const answer = ANSWERS[error.code]
      if (answer !== undefined) return { kind: 'answer', answer }
      this.#stage.world.blame('ANSWER', `${error.code}: ${error.message}`)
      return { kind: 'unknown' }
    }
  }
}

function words(asked: Asked): string {
  return [asked.kind, ...('what' in asked ? [asked.what] : []), ...('id' in asked ? [asked.id] : [])].join(' ')
}
