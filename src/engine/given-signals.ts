// What a run has been given, where it is not in memory: its journal says so, for as long as that is kept. And what tells two
// signals of one id apart.
import { carriedOf } from '../core/carry.ts'
import { fault } from '../core/errors.ts'
import { parseCommands, parseTurn, type Delivered, type Turn } from '../core/journal.ts'
import { isOtherSignal, seenOf, type SeenSignals } from '../core/mailbox.ts'
import type { RunRow } from '../core/store.ts'
import type { SignalRequest } from '../define/application.ts'
import type { ShardContext } from './shard-context.ts'

const PAGE = 1000
/** Characters of a hash that are kept: 132 bits, with each signal that has an id. */
const KEPT = 22

type Reading = Pick<ShardContext, 'store' | 'shard' | 'decode'>

/** A signal as it goes to its run: with an id that somebody gave it, it is known by its hash as well. */
export interface Hashed {
  readonly hash?: string | undefined
}

/**
 * What makes two signals of one id the same: the name, and the data as they were given. None for what is no JSON, which is the
 * same as any.
 */
export function signalHash(
  { hash }: Pick<ShardContext, 'hash'>,
  { id, name, data }: SignalRequest,
): string | undefined {
  if (id === undefined) return undefined
  try {
    return hash({ name, data }).slice(0, KEPT)
  } catch {
    return undefined
  }
}

export const conflictFault = (run: string, signal: string): Error => fault('SIGNAL_CONFLICT', { id: run, signal })

/** Whether a run was given this signal. @throws SIGNAL_CONFLICT when it was given another one of this id. */
export async function hadSignal(
  reading: Reading,
  run: Pick<RunRow, 'num' | 'id'>,
  said: { readonly id: string } & Hashed,
): Promise<boolean> {
  const { id } = said
  for await (const { delivered, commandsText } of turnsGiven(reading, run)) {
    const isIt = delivered.kind === 'signal' && delivered.id === id
    const seen: SeenSignals = isIt ? new Map([[id, delivered.hash]]) : carriedSignals(commandsText)
    if (isOtherSignal(seen, said)) throw conflictFault(run.id, id)
    if (seen.has(id)) return true
  }
  return false
}

/** Whether this was delivered to a run, or waits for it as mail and its sender has heard of that. */
export async function wasGiven(
  reading: Reading,
  run: Pick<RunRow, 'num' | 'id'>,
  isIt: (delivered: Delivered) => boolean,
): Promise<boolean> {
  for await (const { delivered } of turnsGiven(reading, run)) if (isIt(delivered)) return true
  return false
}

async function* turnsGiven(
  { store, shard, decode }: Reading,
  run: Pick<RunRow, 'num' | 'id'>,
): AsyncGenerator<Turn, void> {
  for (let after = -1; ;) {
    const rows = await store.journal(shard, run.num, after, PAGE)
    for (const { kind, data } of rows) {
      if (kind === 'note') continue
      const turn = parseTurn(decode(data, 'turn', run.id))
      if (!('untold' in turn.delivered && turn.delivered.untold === true)) yield turn
    }
    after = rows.at(-1)?.seq ?? after
    if (rows.length < PAGE) return
  }
}

/** What the generations before have had, by the turn that ended the last of them. */
function carriedSignals(commandsText: string): SeenSignals {
  const last = commandsText.includes('"continue"') ? parseCommands(commandsText).at(-1) : undefined
  return last?.kind === 'continue' ? seenOf(carriedOf(JSON.stringify(last['carry'])).mail) : new Map()
}
