// The doors of the API that lead to the same thing: a key that may not go through one does not get there through another. On the
// real engine.
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { silentLog } from '../engine/log.ts'
import { ballet, open, schedule, workflow } from '../index.ts'
import { digestOf, lineOf, newKey, type Scope } from './api-key.ts'
import { serve } from './serve.ts'

const made = (name: string, scopes: readonly Scope[]) => {
  const key = newKey(name)
  return { key, line: lineOf({ name, scopes, digest: digestOf(key), until: null }) }
}
const json = { 'content-type': 'application/json' }
const bearing = (key: string): Readonly<Record<string, string>> => ({ authorization: `Bearer ${key}` })

describe('another door', () => {
  it('is none to a schedule: whoever may signal does not pause one, and whoever may start begins none', async () => {
    const [signals, acts, starts] = [
      made('mail', ['signal']),
      made('night-watch', ['signal', 'act']),
      made('ci', ['start']),
    ]
    const cleanup = workflow('cleanup', { input: z.object({}), output: z.string() }, async () => 'done')
    const nightly = schedule('nightly', { cron: '0 3 1 1 *', timezone: 'UTC', call: () => cleanup({}) })
    const definition = ballet({ name: 'shop', version: '1', workflows: [cleanup], schedules: [nightly], services: [] })
    const app = await open(definition, { store: 'memory:', log: silentLog })
    const server = await serve(app, {
      port: 0,
      log: silentLog,
      apiKeys: [signals, acts, starts].map(({ line }) => line).join(','),
    })
    const post = async (path: string, body: unknown, { key }: { readonly key: string }): Promise<string> => {
      const init = { method: 'POST', headers: { ...json, ...bearing(key) }, body: JSON.stringify(body) }
      const response = await fetch(`${server.url}/api/runs${path}`, init)
      return `${response.status} ${((await response.json()) as { code?: string }).code ?? ''}`.trim()
    }
    const data = { by: 'ann', why: 'the bank is closed' }
    for (const run of ['@schedule:nightly', '%40schedule%3Anightly', '@%73chedule:nightly', '@sched%75le%3anightly'])
      expect([run, await post(`/${run}/signals/pause`, { data }, signals)]).toEqual([run, '403 SCOPE_MISSING'])
    expect((await app.schedule('nightly')).paused).toBe(null)
    expect(await post('', { call: '@schedule', input: { schedule: 'nightly' } }, starts)).toBe('422 CALL_UNKNOWN')
    expect(await post('', { call: 'cleanup', input: {}, id: '@schedule:nightly' }, starts)).toBe('422 ID_INVALID')
    expect(await post('/@schedule:nightly/signals/pause', { data }, acts)).toBe('202')
    await server.close()
    await app.close()
  })
})
