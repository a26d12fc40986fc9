// Nodes whose secrets differ, by real requests between them: it is seen in the numbers and in the log, and a node that was started
// anew where another was is no such thing.
import { expect, test } from 'vitest'
import { ballet } from '../define/ballet.ts'
import { systemClock } from '../engine/clock.ts'
import { keptLog, openForTest } from '../../test/support/applications.ts'
import { Forwarding } from './forward.ts'
import { serve } from './serve.ts'

const SECRET = 'known to both of these nodes'

test('what a node with another secret passes on is counted, and told with what to do; what was meant for a node before is not', async () => {
  const app = await openForTest(ballet({ name: 'shop', services: [] }))
  const log = keptLog()
  await using server = await serve(app, { port: 0, nodeSecret: SECRET, log })
  const pass = async (secret: string, node: string): Promise<unknown> => {
    const request = new Request(`${server.url}/api/runs`)
    const { signal } = new AbortController()
    const standing = { owner: { id: node, address: server.url }, over: signal }
    return new Forwarding([secret], systemClock).pass(request, standing, { limitBytes: 1000, signal }).then(
      ({ status }) => status,
      (error: { readonly code: string }) => error.code,
    )
  }
  const refusals = async (): Promise<readonly string[]> => {
    const text = await (await fetch(`${server.url}/api/metrics`)).text()
    return text.split('\n').filter((line) => line.startsWith('ballet_http_problems_total{'))
  }
  const { node } = app.standing
  expect(await pass(SECRET, node)).toBe(200)
  expect(await pass(SECRET, 'a node that was here before')).toBe('OWNER_UNREACHABLE')
  expect([log.lines, await refusals()]).toEqual([[], []])
  expect(await pass(`${SECRET}!`, node)).toBe('OWNER_UNREACHABLE')
  expect(await pass(`${SECRET}!`, node)).toBe('OWNER_UNREACHABLE')
  expect(await refusals()).toEqual(['ballet_http_problems_total{code="FORWARD_FORBIDDEN"} 2'])
  expect(log.lines).toEqual([
    expect.stringMatching(
      /^warn GET \/api\/runs was refused \(403\): .*signed with another secret\. Give all nodes the same BALLET_NODE_SECRET/,
    ),
  ])
})
