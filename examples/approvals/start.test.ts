// What `npm run approvals` gives a newcomer, with real processes: two claims on a new store, and one that waits through a kill.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import type { ClaimView } from './claims.ts'
import type { TaskView } from './tasks.ts'

/** Starts it on a folder, and resolves when it has said everything. */
async function start(folder: string) {
  const child: ChildProcess = spawn(process.execPath, [fileURLToPath(new URL('start.ts', import.meta.url))], {
    env: { ...process.env, PORT: '0', BALLET_STORE: `file:${folder}/a.db`, BALLET_SERVICES: `${folder}/services` },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = once(child, 'exit')
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<unknown> => (child.kill(signal), (await exit)[0])
  onTestFinished(async () => void (await end('SIGKILL')))
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout! })) {
    lines.push(line)
    if (line.startsWith('Ctrl-C')) break
  }
  const text = lines.join('\n')
  return { text, url: /http:\S+\d/.exec(text)?.[0] ?? '', end }
}

const get = async <Body>(url: string): Promise<Body> => (await (await fetch(url)).json()) as Body
const post = async (url: string, body: unknown): Promise<number> =>
  (await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }))
    .status

test('two claims on a new store; one that waits is there after a kill, and is paid once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'approvals-start-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const first = await start(folder)
  expect(first.text).toContain('mail to ann: your claim taxi is paid: by rule, it is small')
  expect(first.text).toContain('mail to bob: a reminder: please decide about laptop')
  expect(first.text).toContain('mail to ann: your claim laptop is paid: by carol, needed')
  const claim = { claimId: 'train', by: 'ann', amount: 12_500, reason: 'a train', account: '17' }
  expect(await post(`${first.url}/claims`, claim)).toBe(202)
  await first.end('SIGKILL')

  const second = await start(folder)
  expect(second.text).toMatch(/taken up again: \d open runs?/)
  const { tasks } = await get<{ readonly tasks: readonly TaskView[] }>(`${second.url}/tasks?person=bob`)
  expect(tasks).toMatchObject([{ id: 'claim:train~task.0' }])
  expect(await post(`${second.url}/tasks/claim:train~task.0/decision`, { by: 'bob', decision: 'approve' })).toBe(200)
  expect((await get<ClaimView>(`${second.url}/claims/train?wait=10s`)).status).toBe('paid')
  expect(await second.end('SIGTERM')).toBe(0)
  const bank = new DatabaseSync(`${folder}/services/bank.db`)
  expect(bank.prepare('SELECT claim_id, state, amount FROM payments ORDER BY amount').all()).toEqual([
    { claim_id: 'taxi', state: 'paid', amount: 3_200 },
    { claim_id: 'train', state: 'paid', amount: 12_500 },
    { claim_id: 'laptop', state: 'paid', amount: 184_000 },
  ])
  bank.close()
})
