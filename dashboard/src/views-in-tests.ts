// Views as the API answers them, for tests of what is made of them.
import type { JournalView, Json, RunView } from './shown.ts'

const BEGAN = '2026-11-01T10:00:00.000Z'
export const at = (ms: number): string => new Date(Date.parse(BEGAN) + ms).toISOString()
export const time = (ms: number): number => Date.parse(BEGAN) + ms

export function runView(fields: Partial<RunView> = {}): RunView {
  return {
    id: 'checkout:1',
    kind: 'workflow',
    name: 'checkout',
    version: '1',
    key: null,
    root: 'run:checkout:1',
    cause: null,
    parent: null,
    status: 'running',
    waits: [],
    choices: [],
    input: null,
    created: at(0),
    ended: null,
    ...fields,
  }
}

export const turn = (ms: number, delivered: Json, commands: readonly Json[] = []): JournalView => ({
  pos: ms,
  seq: ms,
  kind: 'turn',
  at: at(ms),
  delivered,
  commands,
})

export const note = (ms: number, what: Json): JournalView => ({
  pos: ms,
  seq: ms,
  kind: 'note',
  at: at(ms),
  note: what,
})
