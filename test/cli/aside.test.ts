// `ballet aside`, as processes: on a file that nobody serves, and of an application that runs on it.
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { asidesOf } from '../../src/engine/aside.ts'
import { sqlite } from '../../src/stores/sqlite/sqlite-store.ts'
import { anItem, SHARD } from '../../src/testing/store-rows.ts'
import { Sandbox } from './sandbox.ts'

const APP = `import { ballet, event, workflow } from 'ballet'
import { z } from 'zod'
const flow = workflow('flow', { input: z.number().max(1), output: z.number() }, async (_, n) => n)
export default ballet({ name: 'shop', version: '2', services: [], workflows: [flow] })
`
const at = Date.parse('2026-03-01T12:00:00Z')
const startOf = (id: string, input: unknown): string => JSON.stringify({ call: 'flow', input, id, silent: true })

let box: Sandbox
beforeEach(() => {
  box = new Sandbox({ 'app.ts': APP })
})
afterEach(() => box.remove())

/** A store in which two starts lie aside, which the application refuses. */
async function twoLie(): Promise<void> {
  const first = await box.serve()
  first.child.kill('SIGTERM')
  await first.ended
  const store = sqlite({ file: join(box.folder, '.ballet', 'app.db') })
  await store.open()
  const [refused = ''] = asidesOf('default')
  const lying = (id: string, input: unknown, more: number) =>
    anItem('p', { ns: refused, at: at + more, kind: 'start', target: id, data: startOf(id, input) })
  await store.post(SHARD, [lying('two', 2, 0), lying('three', 'much\u001b[2J', 1000)])
  await store.close()
}

async function items(): Promise<readonly string[]> {
  const { value } = await box.json(['aside'])
  return (value['items'] as readonly { readonly item: string }[]).map(({ item }) => item)
}

describe('ballet aside', () => {
  it('lists and shows what lies in a file that nobody serves, and acts on nothing there', async () => {
    await twoLie()
    const { stdout } = await box.run(['aside'])
    const [head = '', first = ''] = stdout.split('\n')
    expect(head).toMatch(/^ITEM +KIND +NAME +ID +SINCE +WHY$/)
    expect(first).toMatch(
      /^0-[0-9a-f]{16} +start +flow +two +2026-03-01 12:00:00Z +the version that has the shard refuses it/,
    )
    const [two = '', three = ''] = await items()
    const shown = await box.run(['aside', three])
    expect(shown.stdout).toContain('"input": "much\\\\u001b[2J"')
    expect(shown.stdout).toContain('The run never begins, though whoever asked for it was told that it would.')
    expect(shown.stdout).toContain(`ballet aside drop ${three} --why '<text>'`)
    const refused = await box.run(['aside', 'drop', two, '--why', 'twice'])
    expect([refused.code, refused.stderr]).toEqual([5, expect.stringContaining('PROCESS_MISSING')])
    expect(await items()).toEqual([two, three])
  })

  it('tries again, rehearses, drops and says so once more, of an application that runs', async () => {
    await twoLie()
    const server = await box.serve()
    const names = await items()
    expect(names).toHaveLength(2)
    const [two = '', three = ''] = names
    const tried = await box.run(['aside', 'retry', two])
    expect([tried.code, tried.stdout]).toEqual([4, expect.stringContaining(`${two} lies aside again. `)])
    const rehearsed = await box.run(['aside', 'drop', two, '--rehearse'])
    expect([rehearsed.code, rehearsed.stdout]).toEqual([0, expect.stringContaining('Nothing was done.')])
    expect(await items()).toEqual(names)
    const dropped = await box.run(['aside', 'drop', two, '--why', 'ordered twice', '--by', 'ann'])
    expect([dropped.code, dropped.stdout]).toEqual([0, `${two} is dropped. It will never be done.\n`])
    await server.until(/ann dropped 0-[0-9a-f]{16}, which lay aside: what came for two \(start\) at .*: ordered twice/)
    const again = await box.run(['aside', 'drop', two, '--why', 'x'])
    expect([again.code, again.stdout]).toEqual([0, expect.stringContaining(`${two} was dropped before, by ann at `)])
    const shown = await box.run(['aside', 'show', two])
    expect([shown.code, shown.stdout]).toEqual([
      0,
      expect.stringMatching(/dropped +by ann at .*: ordered twice\. The run never begins/),
    ])
    expect(shown.stdout).toContain('\n  ballet start flow --input 2 --id two   # asks for it anew\n')
    const all = await box.run(['aside', 'drop', '--all', '--name', 'flow', '--rehearse'])
    expect(all.stdout).toBe(`1 would be dropped; nothing was done.\n  ${three}\n`)
    expect((await box.run(['aside', 'retry', '--all'])).code).toBe(4)
    const rest = await box.run(['aside', 'drop', '--all', '--name', 'flow', '--why', 'x'])
    expect([rest.code, rest.stdout]).toEqual([0, '1 of 1 dropped: 1 dropped.\n'])
    expect(await items()).toEqual([])
    expect((await box.run(['aside', 'show', '0-9f2c41d0a7b3c5e1'])).code).toBe(3)
  })

  it.each([
    ['drop', 'drop needs <item>, or --all.'],
    ['drop 0-9f2c41d0a7b3c5e1', 'drop needs --why'],
    ['drop --all --why x', 'drop --all needs a filter'],
    ['drop 0-9f2c41d0a7b3c5e1 --all --why x', '--all and "0-9f2c41d0a7b3c5e1" are both given'],
    ['drop 0-9f2c41d0a7b3c5e1 --why x --name flow', '--name belongs to a list, and to --all'],
    ['show', 'show needs <item>.'],
    ['list 0-9f2c41d0a7b3c5e1', 'ballet aside show 0-9f2c41d0a7b3c5e1 shows one'],
    ['list --why x', '--why belongs to retry and drop'],
    ['dorp 0-9f2c41d0a7b3c5e1', 'There is no "dorp" to do. Did you mean "drop"?'],
    ['--kind evnt', 'There is no kind "evnt". Did you mean "event"?'],
  ])('refuses %s', async (line, problem) => {
    const { code, stderr } = await box.run(['aside', ...line.split(' ')])
    expect([code, stderr]).toEqual([2, expect.stringContaining(problem)])
  })
})
