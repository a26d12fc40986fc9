// The application for a test: a real store, real services, real HTTP, and a clock that the test moves. Nothing sleeps.
import { open, TerminalError, type ApplicationDefinition } from 'ballet'
import { serve } from 'ballet/server'
import { HandClock } from 'ballet/testing'
import { onTestFinished } from 'vitest'
import { makeApprovals } from './approvals.ts'
import type { ClaimView } from './claims.ts'
import type { Message } from './services.ts'
import type { TaskView } from './tasks.ts'
import { until } from './until.ts'

interface Answer<Body> {
  readonly status: number
  readonly body: Body
}

export interface TestOptions {
  /** In memory unless told where: then it can be opened again. */
  readonly folder?: string
  readonly clock?: HandClock
  /** An operation of which the calls are held, before they do anything or behind that, until they are let go, or fail for good. */
  readonly hold?: { readonly operation: string; readonly when: 'before' | 'behind' | 'never' }
}

/** Opens the application, for one test. */
export async function openApprovals({ folder, clock = new HandClock(), hold }: TestOptions = {}) {
  const mails: Message[] = []
  const { definition, books, close } = makeApprovals({ folder: folder ?? null, delivered: (mail) => mails.push(mail) })
  const held = holding(definition, hold)
  const log = { info: () => {}, warn: () => {}, error: () => {} }
  const store = folder === undefined ? 'memory:' : `file:${folder}/approvals.db`
  const app = await open(held.definition, { store, clock, log, graceMs: 0 })
  const server = await serve(app, { port: 0 })
  let isOpen = true
  const end = async (): Promise<void> => {
    if (!isOpen) return
    isOpen = false
    await server.close()
    await app.close()
    close()
  }
  onTestFinished(end)

  const send = async <Body>(path: string, init: RequestInit = {}): Promise<Answer<Body>> => {
    const response = await fetch(`${server.url}${path}`, init)
    return { status: response.status, body: (await response.json()) as Body }
  }
  const post = <Body = { readonly code: string }>(path: string, body: unknown): Promise<Answer<Body>> =>
    send(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const read = async (claimId = 'c1'): Promise<ClaimView> => (await send<ClaimView>(`/claims/${claimId}`)).body
  return {
    app,
    clock,
    url: server.url,
    send,
    post,
    read,
    end,
    letGo: held.letGo,
    reached: held.reached,
    /** Hands in a claim of ann that is not small. */
    handIn: (claim: object = {}) =>
      post('/claims', { claimId: 'c1', by: 'ann', amount: 30_000, reason: 'a train', account: '17', ...claim }),
    tasks: async (person: string) => (await send<{ tasks: TaskView[] }>(`/tasks?person=${person}`)).body.tasks,
    decide: (by: string, decision: string, { note = '', task = 'claim:c1~task.0' } = {}) =>
      post<TaskView & { readonly code?: string }>(`/tasks/${task}/decision`, { by, decision, note }),
    withdraw: (by = 'ann') => post<ClaimView & { readonly code?: string }>('/claims/c1/withdrawal', { by }),
    /** The claim, as soon as it stands so. */
    when: (status: ClaimView['status'], claimId = 'c1') =>
      until(app, async () => {
        const claim = await read(claimId)
        return claim.status === status ? claim : undefined
      }),
    /** As soon as this person is asked. */
    asked: (name: string) =>
      until(app, async () => {
        const claim = await read()
        return claim.with === name ? claim : undefined
      }),
    /** All mails, `to: text`, as soon as there are so many. */
    mailed: (count: number) =>
      until(app, async () => (mails.length < count ? undefined : mails.map(({ to, text }) => `${to}: ${text}`))),
    /** As soon as the log has an event of this type. */
    told: (type: string) => until(app, async () => (await app.events({ types: [type] })).items[0]),
    /** What the services have in their books about a claim. */
    money: (claimId = 'c1') => ({
      booked: books.accounting.prepare('SELECT amount, reversed FROM bookings WHERE claim_id = ?').all(claimId),
      bank: books.bank.prepare('SELECT state, amount FROM payments WHERE claim_id = ?').all(claimId),
    }),
  }
}

/** The definition with calls of one operation held; `reached` resolves when the first of them is. */
function holding(definition: ApplicationDefinition, hold: TestOptions['hold']) {
  const { promise: opened, resolve: letGo } = Promise.withResolvers<void>()
  const { promise: reached, resolve: reach } = Promise.withResolvers<void>()
  const wait = (): Promise<void> => (reach(), opened)
  const services = definition.services.map((service) => ({
    ...service,
    operations: service.operations.map((operation) => {
      if (operation.name !== hold?.operation) return operation
      const run: NonNullable<typeof operation.run> = async (input, context) => {
        if (hold.when === 'never') throw new TerminalError('given up')
        if (hold.when === 'before') await wait()
        const answer = await operation.run?.(input, context)
        if (hold.when === 'behind') await wait()
        return answer
      }
      return { ...operation, run }
    }),
  }))
  return { definition: { ...definition, services }, letGo, reached }
}
