import { expect, test } from 'vitest'
import { lacking, ONLY_READS, possible, type Deed } from './possible.ts'
import type { ApplicationView, RunView } from './shown.ts'
import { at, runView } from './views-in-tests.ts'

const app = { workflows: [{ name: 'checkout', signals: ['stop'] }] } as unknown as ApplicationView

const nots = (run: RunView): Readonly<Partial<Record<Deed, string | undefined>>> =>
  Object.fromEntries(possible(run, app).map(({ deed, not }) => [deed, not]))

const wait = (next: string | null) => ({
  op: 'payment.charge#0',
  kind: 'call' as const,
  for: 'payment.charge',
  from: 'payment',
  since: at(0),
  until: null,
  attempt: { number: 1, error: { code: 'Error', message: 'away' }, next },
})

test('nothing can be done to a run that has ended', () => {
  expect(new Set(Object.values(nots(runView({ status: 'completed', ended: at(1) }))))).toEqual(
    new Set(['it has ended']),
  )
})

test('a run that is stuck has the choices that the server gives', () => {
  const choices = [
    { action: 'retry', op: 'payment.charge#0' },
    { action: 'answer', op: 'payment.charge#0' },
    { action: 'fail', op: 'payment.charge#0' },
    { action: 'cancel' },
  ] as const
  const run = runView({ status: 'stuck', waits: [wait(null)], choices })
  expect(Object.values(nots(run))).toEqual([undefined, undefined, undefined, undefined, undefined])
  expect(possible(run, app).find(({ deed }) => deed === 'retry')?.targets).toEqual([
    { op: 'payment.charge#0', after: undefined },
  ])
})

test('a call that waits for its next attempt can be tried now, and any open run can be stopped', () => {
  const found = nots(runView({ waits: [wait(at(100))] }))
  expect(found.retry).toBe(undefined)
  expect(found.cancel).toBe(undefined)
  expect(found.answer).toBe('no call of it is stuck')
})

test('what was asked to stop is not asked again, and an operation takes no signal', () => {
  expect(nots(runView({ phase: 'cancelling' })).cancel).toBe('it was asked to stop already')
  expect(nots(runView({ phase: 'undoing', failing: true })).cancel).toMatch(/^it has failed/)
  expect(nots(runView({ kind: 'operation', name: 'payment.charge' })).signal).toBe('it takes no signal')
})

test('who may only look can do nothing, and is told why', () => {
  const run = runView({ waits: [wait(at(100))] })
  expect(
    possible(run, app, (scope) => lacking({ required: true, signedIn: true, mayWrite: false }, scope)).map(
      ({ not }) => not,
    ),
  ).toEqual([ONLY_READS, 'no call of it is stuck', 'no call of it is stuck', ONLY_READS, ONLY_READS])
})

test('an API key does what its scopes allow, and says which one it lacks', () => {
  const run = runView({ waits: [wait(at(100))] })
  const session = { required: true, signedIn: true, mayWrite: true, key: { name: 'mail', until: null } }
  const all = possible(run, app, (scope) => lacking({ ...session, scopes: ['read', 'signal'] }, scope))
  expect(Object.fromEntries(all.map(({ deed, not }) => [deed, not]))).toEqual({
    retry: 'your API key mail lacks the scope act',
    answer: 'no call of it is stuck',
    fail: 'no call of it is stuck',
    cancel: 'your API key mail lacks the scope act',
    signal: undefined,
  })
  // Before the server has said it, and where it knows no scopes, it decides itself.
  expect([lacking(undefined, 'act'), lacking({ ...session, key: null }, 'act')]).toEqual([undefined, undefined])
  expect(lacking({ ...session, key: null, scopes: ['read'] }, 'start')).toBe(ONLY_READS)
})

test('a schedule is not cancelled', () => {
  expect(nots(runView({ name: '@schedule' })).cancel).toBe('a schedule is paused, on the page of the schedules')
})
