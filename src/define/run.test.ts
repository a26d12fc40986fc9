// That the engine answers everything that the type of a run promises: the two stand in different files.
import { expect, it } from 'vitest'
import { Surface } from '../core/surface.ts'
import type { Run } from './run.ts'

type Unanswered = Exclude<keyof Run, keyof Surface>

it('is answered by the engine, name by name', () => {
  const names: Readonly<Record<Exclude<keyof Run, 'log'>, true>> = {
    id: true,
    key: true,
    call: true,
    step: true,
    tx: true,
    emit: true,
    sleep: true,
    receive: true,
    start: true,
    undo: true,
    set: true,
    now: true,
    random: true,
    uuid: true,
    shield: true,
    patched: true,
    continueAs: true,
  }
  const unanswered: readonly Unanswered[] = []
  const none: readonly never[] = unanswered
  expect(Object.keys(names).filter((name) => !(name in Surface.prototype))).toEqual(none)
})
