// Whoever started the six processes of `npm run shop:apart` is killed, and can end none of them: they end by themselves.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

const script = fileURLToPath(new URL('start.ts', import.meta.url))

test('of six processes whose starter is killed none stays', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'shop-orphans-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const child = spawn(process.execPath, [script], {
    env: { ...process.env, PORT: '0', BALLET_STORE: join(folder, 'shop.db'), NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const parts: { readonly url: string; readonly pid: number }[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    const [, url, pid] = /^ {2}\w+ +(http:\S+) {2}process (\d+)$/.exec(line) ?? []
    if (url !== undefined) parts.push({ url, pid: Number(pid) })
    if (line.startsWith('  store')) break
  }
  expect(parts).toHaveLength(6)
  // Those that stay after all.
  onTestFinished(() => {
    for (const { pid } of parts)
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended.
      }
  })
  const sockets = parts.map(({ url }) =>
    connect(Number(new URL(url).port), '127.0.0.1')
      .on('error', () => {})
      .resume(),
  )
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  // What it says no more is read no more.
  const closed = sockets.map((socket) => once(socket, 'close'))
  child.kill('SIGKILL')
  await Promise.all(closed)
  const answers = parts.map(({ url }) => fetch(`${url}/healthz`).then(String, () => 'nobody'))
  expect(await Promise.all(answers)).toEqual(parts.map(() => 'nobody'))
  parts.length = 0
})
