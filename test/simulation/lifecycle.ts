// The life of one run as a client may see it: what a start, a look, a cancellation and a signal can be answered, one after
// the other. History (history.ts) is held against it.
import { isLinearizable, type SequentialModel } from '../../src/testing/simulation/linearizable.ts'
import type { World } from '../../src/testing/simulation/world.ts'
import type { Asked, Operation } from './history.ts'

interface Life {
  /** What it was started with. */
  readonly input: string
  /** How it ended, or null. */
  readonly ended: string | null
  readonly isCancelled: boolean
  /** Whether it is known to have failed: it takes back what it did, and ends so. */
  readonly isFailing: boolean
  /** Ids of its signals. */
  readonly signals: readonly string[]
}

type State = Life | null

const OPEN: readonly string[] = ['running', 'stuck']

const model: SequentialModel<State, Asked, string> = { initial: null, step }

/** Blames every run of which the answers cannot be put into one order. */
export function judgeLifecycles(world: World, operations: readonly Operation[]): void {
  for (const [run, own] of Map.groupBy(operations, (operation) => operation.run)) {
    const known = own.filter(({ ended }) => ended !== Infinity)
    // Whoever asks again and again without an answer has asked once: all of it is the same when it is done twice.
    const open = [...own, ...passedOn(world, own)].filter(
      ({ asked, ended }) => ended === Infinity && asked.kind !== 'get',
    )
    const once = new Map(open.toReversed().map((one) => [JSON.stringify(one.asked), one]))
    const result = isLinearizable(
      [...known, ...once.values()].map(({ asked, ...rest }) => ({ input: asked, ...rest })),
      model,
    )
    if (result !== true) world.blame('LINEARIZABLE', `${run}: ${result === null ? 'not decided' : historyWords(own)}`)
  }
}

/**
 * A cancellation that lies in the inbox of another node may have been kept for the run by a process that died before it had
 * taken it out of there: whoever reads it again finds that the run has ended by it.
 */
function passedOn(world: World, operations: readonly Operation[]): readonly Operation[] {
  if (!world.hasLeases) return []
  return operations
    .filter(({ asked, answer }) => asked.kind === 'cancel' && answer === 'ended')
    .map(({ run, begun }) => {
      const asked = { kind: 'posted', what: 'cancel', value: '' } as const
      return { run, asked, begun, ended: Infinity, answer: undefined }
    })
}

function step(state: State, asked: Asked, answer: string | undefined): State | undefined {
  const says = (...right: readonly string[]): boolean => answer === undefined || right.includes(answer)
  switch (asked.kind) {
    case 'start':
      // Its deadline had passed before it was asked for.
      if (answer === 'too late') return state
      if (state === null) return says('created', 'taken') ? born(asked.value) : undefined
      return says(...(state.input === asked.value ? ['known', 'taken'] : ['conflict'])) ? state : undefined
    case 'get':
      if (state === null) return says('missing') ? state : undefined
      return says(...(state.ended === null ? OPEN : [state.ended])) ? state : undefined
    case 'cancel':
      if (state === null) return says('missing') ? state : undefined
      if (state.ended !== null) return says('ended') ? state : undefined
      if (answer === 'refused') return state.isCancelled ? undefined : { ...state, isFailing: true }
      return says(...cancelled(state, asked.isStuck === true), 'taken') ? { ...state, isCancelled: true } : undefined
    case 'signal':
      if (state === null) return says('missing') ? state : undefined
      // Whoever asks again is told that it was taken, also when the run has ended since.
      if (state.signals.includes(asked.id)) return says('known', 'taken') ? state : undefined
      if (state.ended !== null) return says('ended') ? state : undefined
      return says('created', 'taken') ? { ...state, signals: [...state.signals, asked.id].sort() } : undefined
    case 'posted':
      return posted(state, asked)
    case 'end': {
      if (state === null || state.ended !== null) return undefined
      // A run that took a cancellation has not ended well, and one that took none was not cancelled.
      const isRight = state.isCancelled ? asked.status !== 'completed' : asked.status !== 'cancelled'
      if (state.isFailing && asked.status !== 'failed') return undefined
      return isRight ? { ...state, ended: asked.status } : undefined
    }
  }
}

/** What a cancellation may be answered. */
function cancelled({ isCancelled }: Life, isStuck: boolean): readonly string[] {
  if (!isCancelled) return ['changed']
  return isStuck ? ['known', 'changed'] : ['known']
}

/** What a row in the inbox comes to, when it is read. */
function posted(state: State, { what, value }: Extract<Asked, { kind: 'posted' }>): State {
  if (state === null) return what === 'start' ? born(value) : null
  if (state.ended !== null) return state
  if (what === 'cancel') return { ...state, isCancelled: true }
  if (what === 'signal' && !state.signals.includes(value))
    return { ...state, signals: [...state.signals, value].sort() }
  return state
}

const born = (input: string): Life => ({ input, ended: null, isCancelled: false, isFailing: false, signals: [] })

function historyWords(operations: readonly Operation[]): string {
  return operations
    .map(({ asked, begun, ended, answer }) => `[${begun}, ${ended}] ${JSON.stringify(asked)} -> ${answer ?? '?'}`)
    .join('; ')
}
