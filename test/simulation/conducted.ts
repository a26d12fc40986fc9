// The runs that conducted a flow, held against the log: at the end of a story each has taken every published event of its
// flow between its first event and its end, once and in order; the reactions to these are its calls, and to those behind
// its end are not; each call has ended once; and it says the ending that its events come to.
import { takeEvent, type FlowAccount } from '../../src/core/flow-account.ts'
import { eventRef } from '../../src/core/ids.ts'
import type { RunRow } from '../../src/core/store.ts'
import type { ChoreographyDefinition } from '../../src/define/definition.ts'
import type { MemoryData } from '../../src/stores/memory/memory-data.ts'
import type { World } from '../../src/testing/simulation/world.ts'
import { turnsOf } from './journals.ts'

export function judgeConducted(world: World, choreography: ChoreographyDefinition): void {
  for (const disk of world.disks)
    for (const row of disk.runs.values())
      if (row.kind === 'choreography' && row.name === choreography.name) judgeRun(world, disk, choreography, row)
}

function judgeRun(world: World, disk: MemoryData, { flow, events }: ChoreographyDefinition, row: RunRow): void {
  const blame = (detail: string): void => world.blame('CONDUCT', `${row.id}: ${detail}`)
  if (row.status !== 'completed') return blame(`it is ${row.status}: ${String(row.error)}`)
  const end = disk.journal.get(row.num)?.at(-1)?.pos ?? 0
  const types = new Set(events.map(({ type }) => type))
  const own = disk.events.filter(
    ({ key, type, pos }) => key === row.key && types.has(type) && pos > row.num && pos < end,
  )
  const wanted = own.filter(({ published }) => published)
  const turns = turnsOf(world, row)
  const taken = turns.flatMap(({ delivered }) => (delivered.kind === 'event' ? [delivered.pos] : []))
  const places = wanted.map(({ pos }) => pos)
  // While nothing of it could be read, nothing was written of it, and reactions answered what came.
  const wasPaused = disk.journal.get(row.num)?.some(({ kind }) => kind === 'note') === true
  if (wasPaused ? !isPartOf(taken, places) : taken.join() !== places.join())
    blame(`it took the events at ${taken.join()}, and there are ${places.join()}`)
  const refs = new Set(wanted.filter(({ pos }) => taken.includes(pos)).map(({ source, id }) => eventRef(source, id)))
  for (const { kind, key, cause, parent, id } of disk.runs.values()) {
    if (kind !== 'reaction' || key !== row.key) continue
    const isCall = refs.has(cause ?? '')
    if (isCall !== (parent === row.num)) blame(`${id} is ${isCall ? 'no call of it' : 'a call of it'}`)
  }
  const asked = turns.flatMap(({ commands }) =>
    commands.filter(({ kind }) => kind === 'child').map(({ op }) => String(op)),
  )
  const answered = turns.flatMap(({ delivered }) =>
    'op' in delivered && delivered.op !== 'flow' ? [delivered.op] : [],
  )
  const calls = answered.filter((op) => op.startsWith('on:'))
  if (!wasPaused && asked.toSorted().join() !== calls.toSorted().join())
    blame(`it asked for ${asked.join()}, and heard of ${calls.join()}`)
  let account: FlowAccount | null = null
  for (const event of own) account = takeEvent(flow, account, event)
  const ending = account === null ? null : flow.verdict(account.state).ending
  const said = (JSON.parse(String(row.output)) as { readonly ending: unknown }).ending
  if (said !== ending) blame(`it says ${String(said)}, and its events come to ${String(ending)}`)
}

/** Whether the one list is the other with some left out. */
function isPartOf(some: readonly number[], all: readonly number[]): boolean {
  return some.join() === all.filter((one) => some.includes(one)).join()
}
