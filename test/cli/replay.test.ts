// `ballet replay` as a process: beside a running application, against code that fits and code that does not.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { application } from './application.ts'
import { Sandbox } from './sandbox.ts'

let box: Sandbox
beforeAll(async () => {
  box = new Sandbox({
    'app.ts': application,
    'changed.ts': application.replace(
      'await run.call(shipping.ship({ orderId: order.orderId }))',
      "await run.call(shipping.ship({ orderId: order.orderId }), { id: 'once' })",
    ),
    'waits.ts': application
      .replace('await run.receive(Approve)\n  await', "await run.sleep('1s')\n  await")
      .replace('const said =', "const said = { data: { by: 'nobody' } }\n "),
    'talks.ts': application.replace('const paid = await', "console.log('the body says hello')\n  const paid = await"),
    'exits.ts': application.replace('const paid = await', 'process.exit(7)\n  const paid = await'),
    'unfit.ts': application.replace('services: [payment, shipping]', 'services: [payment, payment]'),
  })
  await box.serve()
  for (const id of ['ended', 'open'])
    await box.run(['start', 'checkout', '--input', JSON.stringify({ orderId: id, total: 5 })])
  await box.run(['signal', 'checkout:ended', 'approve', '--data', '{"by":"ann"}'])
  await box.run(['start', 'checkout', '--input', '{"orderId":"ended","total":5}', '--wait', '10s'])
  await box.run([
    'start',
    'payment.charge',
    '--input',
    '{"orderId":"alone","total":5}',
    '--wait',
    '10s',
    '--id',
    'alone',
  ])
})
afterAll(() => box.remove())

const verdicts = (value: Record<string, unknown>): unknown[] =>
  (value['runs'] as { readonly id: string; readonly verdict: string }[]).map(({ id, verdict }) => [id, verdict])

/** A codec that writes payloads backwards. */
const codec = `
const turned = (text: string): string => [...text].reverse().join('')
export const options = {
  codec: { encode: (text: string) => turned(text), decode: (payload: unknown) => turned(String(payload)) },
}
`

it('reads with the codec that the file of the application names', async () => {
  const coded = new Sandbox({ 'app.ts': application + codec, 'plain.ts': application })
  try {
    await coded.serve()
    await coded.run(['start', 'checkout', '--input', '{"orderId":"coded","total":5}'])
    await coded.run(['signal', 'checkout:coded', 'approve', '--data', '{"by":"ann"}'])
    await coded.run(['start', 'checkout', '--input', '{"orderId":"coded","total":5}', '--wait', '10s'])
    expect(await coded.json(['replay', 'app.ts'])).toMatchObject({ code: 0, value: { ok: 1, unreadable: 0 } })
    expect(await coded.json(['replay', 'plain.ts'])).toMatchObject({ code: 1, value: { ok: 0, unreadable: 1 } })
  } finally {
    await coded.remove()
  }
})

describe('replay', () => {
  it('finds that the code of the application fits, beside it', async () => {
    const { code, stdout, stderr } = await box.run(['replay', 'app.ts'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'Reading .ballet/app.db, read-only.\n' })
    expect(stdout.replace(/in \S+\.$/m, 'in #.')).toBe(
      'ok        checkout:open  2 turns\nok        checkout:ended  4 turns\n2 runs: 2 ok, 0 diverged; 6 turns in #.\n',
    )
    const json = await box.json(['replay', 'app.ts', '--store', 'file:.ballet/app.db'])
    expect(json).toMatchObject({ code: 0, value: { ok: 2, diverged: 0, unreadable: 0, skipped: 0, turns: 6 } })
  })

  it('says whose code has ended the process', async () => {
    const { code, stderr } = await box.run(['replay', 'exits.ts'])
    expect(code).toBe(6)
    expect(stderr).toContain('the code of the run "checkout:open" has ended the process.')
  })

  it('ends with 6 and shows the difference when it does not', async () => {
    const { code, stdout } = await box.run(['replay', 'changed.ts'])
    expect(code).toBe(6)
    expect(stdout).toContain(
      [
        'ok        checkout:open  2 turns',
        'diverged  checkout:ended  at turn 2',
        '    - recorded call "shipping.ship#0" "shipping.ship" {"orderId":"ended"}',
        '    + produced call "shipping.ship/once" "shipping.ship" {"orderId":"ended"}',
        '2 runs: 1 ok, 1 diverged; ',
      ].join('\n'),
    )
    const json = await box.json(['replay', 'waits.ts'])
    expect([json.code, verdicts(json.value)]).toEqual([
      6,
      [
        ['checkout:open', 'diverged'],
        ['checkout:ended', 'diverged'],
      ],
    ])
  })

  it('replays one run', async () => {
    expect(await box.run(['replay', 'changed.ts', '--run', 'checkout:open'])).toMatchObject({ code: 0 })
    expect(await box.run(['replay', 'changed.ts', '--run', 'checkout:ended'])).toMatchObject({ code: 6 })
    const alone = await box.json(['replay', 'app.ts', '--run', 'alone'])
    expect([alone.code, verdicts(alone.value)]).toEqual([0, [['alone', 'skipped']]])
    const nobody = await box.json(['replay', 'app.ts', '--run', 'nobody'])
    expect(nobody).toMatchObject({ code: 3, value: { error: { code: 'RUN_UNKNOWN' } } })
  })

  it('keeps stdout clear of what the code prints', async () => {
    const { code, value, stderr } = await box.json(['replay', 'talks.ts'])
    expect({ code, ok: value['ok'] }).toEqual({ code: 0, ok: 2 })
    expect(stderr).toContain('the body says hello')
  })

  it('calls nothing and leaves the store as it is', async () => {
    const state = (): unknown =>
      readdirSync(join(box.folder, '.ballet'))
        // Readers leave their marks in the index of the log, which is no part of the store.
        .filter((name) => !name.endsWith('-shm'))
        .map((name) => [name, read(name)])
    const read = (name: string): string =>
      readFileSync(join(box.folder, '.ballet', name))
        .toString('base64')
        .slice(-9999)
    const before = state()
    await box.run(['replay', 'app.ts'])
    expect(state()).toEqual(before)
  })

  it.each([
    ['an application that does not fit', ['unfit.ts'], 2, 'APPLICATION_UNFIT'],
    ['a file that is none', ['nothing.ts'], 2, 'APP_INVALID'],
    ['a store that is not there', ['app.ts', '--store', 'file:elsewhere.db'], 3, 'STORE_MISSING'],
    ['a store in memory', ['app.ts', '--store', 'memory:'], 2, 'USAGE'],
  ])('says what is wrong with %s', async (_what, words, code, error) => {
    expect(await box.json(['replay', ...words])).toMatchObject({ code, value: { error: { code: error } } })
  })
})
