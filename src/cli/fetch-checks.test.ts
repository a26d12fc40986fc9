import { expect, it } from 'vitest'
import type { ApplicationView } from '../core/views.ts'
import type { Client } from './client.ts'
import { fetchChecks } from './fetch-checks.ts'

const checks = (services: ApplicationView['services'] | null) => {
  const app = () => (services === null ? Promise.reject(new Error('it is not there')) : Promise.resolve({ services }))
  return fetchChecks({ app } as unknown as Client)
}
const service = (fetched?: { waiting: number; running: number; unasked: string | null }) => ({
  name: 'payment',
  operations: [],
  reactions: [],
  fetched,
})
const unasked = '2026-11-30T02:13:05.000Z'

it('warns of calls that wait and that nobody asks for', async () => {
  expect(await checks([service({ waiting: 3, running: 2, unasked })])).toMatchObject([
    {
      verdict: 'warn',
      found: `payment fetches its calls: 3 wait, 2 are in its hands, nobody has asked for its work since ${unasked}`,
    },
  ])
})

it('minds neither a line that is fetched nor one that is empty, and says nothing of what it does not know', async () => {
  expect(await checks([service({ waiting: 3, running: 0, unasked: null })])).toMatchObject([{ verdict: 'ok' }])
  expect(await checks([service({ waiting: 0, running: 0, unasked })])).toMatchObject([{ verdict: 'ok' }])
  expect(await checks([service()])).toEqual([])
  expect(await checks(null)).toEqual([])
})
