// `ballet check` as a process: what it says, its exit codes, and the snapshot that is committed with the code.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { application } from './application.ts'
import { Sandbox } from './sandbox.ts'

const flow = (pattern: string): string =>
  application
    .replace('import { ballet,', 'import { ballet, choice, choreography, seq,')
    .replace(
      'events: [Noted] })',
      `events: [Noted], choreographies: [choreography('order', { key: 'orderId' }, ${pattern})] })`,
    )

let box: Sandbox
beforeAll(() => {
  box = new Sandbox({
    'app.ts': flow('seq(OrderCreated, choice(seq(PaymentApproved, OrderShipped), PaymentDeclined))'),
    'faulty.ts': flow('seq(OrderCreated, PaymentApproved, OrderShipped)'),
    'changed.ts': flow('seq(OrderCreated, choice(seq(PaymentApproved, OrderShipped), PaymentDeclined))')
      .replace('tracking: z.string() }), { key', 'tracking: z.int() }), { key')
      .replace("tracking: 't-1'", 'tracking: 1'),
    'away.ts': `import { elsewhere } from 'ballet/http'\n${application}`.replace(
      'services: [payment',
      "services: [elsewhere(payment, { url: 'http://127.0.0.1:9/base' })",
    ),
    'never.ts': 'await new Promise(() => {})\nexport default null\n',
    'ends.ts': 'process.exit(0)\n',
    'chance.ts': "throw Object.assign(new Error('my own'), { code: 'OVERLOADED' })\n",
    'more.ts': flow('seq(OrderCreated, choice(seq(PaymentApproved, OrderShipped), PaymentDeclined))').replace(
      'events: [Noted]',
      "events: [Noted, event('order.kept', z.object({ orderId: z.string() }), { key: 'orderId' })]",
    ),
    'forgetful.ts': `${application}\nexport const options = { retention: { runs: '30d', dedupe: '1d' } }\n`,
    'endless.ts': flow('seq(OrderCreated, PaymentApproved), { never: [OrderCreated] }'),
  })
})
afterAll(() => box.remove())

describe('check', () => {
  it('finds nothing in a sound application, and says where the snapshot would be', async () => {
    expect(await box.run(['check', 'app.ts'])).toEqual({
      code: 0,
      stdout: '1 choreography: 0 faults, 0 notes.\n',
      stderr: 'There is no ballet.contracts.json yet: --update writes the schemas of today into it.\n',
    })
  })

  it('says what is carried out elsewhere, and asks nobody there', async () => {
    const { code, stdout } = await box.run(['check', 'away.ts'])
    expect([code, stdout.split('\n')[0]]).toEqual([
      0,
      'payment is carried out at http://127.0.0.1:9; it was not asked.',
    ])
    const { stdout: json } = await box.run(['check', 'away.ts', '--json'])
    expect(JSON.parse(json)).toMatchObject({ elsewhere: [{ service: 'payment', origin: 'http://127.0.0.1:9' }] })
  })

  it.each([
    [
      'awaits what never comes',
      'never.ts',
      'the process ended while it was being loaded; it may await what never comes',
    ],
    [
      'ends the process itself',
      'ends.ts',
      'the process ended while it was being loaded; it may await what never comes',
    ],
    ['throws what has a code of ours by chance', 'chance.ts', 'it threw Error: my own'],
  ])('does not pass a file that %s', async (_how, file, problem) => {
    const { code, stderr } = await box.run(['check', file])
    expect(code).toBe(2)
    expect(stderr).toContain(`${file} is not an application: ${problem}`)
  })

  it('names a fault with its place and the line that mends it, and ends with 1', async () => {
    const { code, stdout } = await box.run(['check', 'faulty.ts'])
    expect(code).toBe(1)
    expect(stdout).toBe(
      [
        'fault outcome-unknown: choreography "order", reaction "payment:order.created": payment.charge may answer with payment.declined, and the flow does not have it.',
        '    choice(..., PaymentDeclined) where the flow goes on after OrderCreated',
        '1 choreography: 1 fault, 0 notes.',
        '',
      ].join('\n'),
    )
    expect(await box.json(['check', 'faulty.ts'])).toMatchObject({
      code: 1,
      value: { application: 'shop', faults: 1, notes: 0, findings: [{ code: 'outcome-unknown', level: 'fault' }] },
    })
  })

  it.each(['examples/shop/shop.ts', 'template/app.ts'])('finds nothing in %s', async (file) => {
    const path = fileURLToPath(new URL(`../../${file}`, import.meta.url))
    const { code, value } = await box.json(['check', path], { env: { BALLET_STORE: 'memory:' } })
    expect({ code, value }).toMatchObject({ code: 0, value: { faults: 0, notes: 0, findings: [] } })
  })

  it('refuses a flow that can never end, as the definition does', async () => {
    const { code, stderr } = await box.run(['check', 'endless.ts'])
    expect(code).toBe(2)
    expect(stderr).toContain('choreography "order" can never end')
  })

  it('refuses options with which the application could not be opened', async () => {
    const { code, stderr } = await box.run(['check', 'forgetful.ts'])
    expect(code).toBe(2)
    expect(stderr).toContain('dedupe must be at least as long as runs')
  })

  it('holds the schemas to a snapshot', async () => {
    const updated = await box.run(['check', 'app.ts', '--update'])
    expect(updated).toMatchObject({ code: 0, stderr: 'Wrote ballet.contracts.json; commit it with the code.\n' })
    const file = join(box.folder, 'ballet.contracts.json')
    expect(existsSync(file)).toBe(true)
    expect(await box.run(['check', 'app.ts'])).toEqual({
      code: 0,
      stdout: '1 choreography: 0 faults, 0 notes.\n',
      stderr: '',
    })
    const changed = await box.run(['check', 'changed.ts'])
    expect(changed.code).toBe(1)
    expect(changed.stdout).toContain(
      'fault schema-breaking: event "order.shipped": what is read: tracking can be integer, not string. It breaks choreography order.',
    )
    const more = await box.run(['check', 'more.ts'])
    expect(more).toMatchObject({ code: 0, stdout: expect.stringContaining('note schema-new: event "order.kept"') })
    expect(await box.run(['check', 'more.ts', '--strict'])).toMatchObject({ code: 1, stdout: more.stdout })
    expect(await box.run(['check', 'app.ts', '--strict'])).toMatchObject({ code: 0 })
    const before = readFileSync(file, 'utf8')
    writeFileSync(file, '{"version":9}')
    const invalid = await box.run(['check', 'app.ts'])
    expect(invalid.code).toBe(2)
    expect(invalid.stderr).toContain('it has no events and operations of version 1')
    writeFileSync(file, before)
  })
})

describe('draw', () => {
  it('prints a flow, and the map of the services', async () => {
    const flowText = await box.run(['draw', 'app.ts', '--choreography', 'order'])
    expect(flowText).toMatchObject({ code: 0, stderr: '' })
    expect(flowText.stdout).toContain(
      'flowchart TD\n  start(( ))\n  n1["order.created<br/><small>from outside</small>"]\n',
    )
    const map = await box.json(['draw', 'app.ts'])
    expect(map).toMatchObject({ code: 0, value: { format: 'mermaid', text: expect.stringContaining('flowchart LR') } })
  })

  it('draws an image', async () => {
    const { code, stdout } = await box.run(['draw', 'app.ts', '--choreography', 'order', '--format', 'svg'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^<svg xmlns=[^]*>order\.created<\/text>[^]*<\/svg>\n$/)
  })

  it('says what there is not', async () => {
    const unknown = await box.run(['draw', 'app.ts', '--choreography', 'ordr'])
    expect(unknown.code).toBe(3)
    expect(unknown.stderr).toContain('There is no choreography "ordr" here. Did you mean "order"?')
    expect((await box.run(['draw', 'app.ts', '--format', 'png'])).stderr).toContain('--format must be mermaid or svg')
    expect((await box.run(['draw'])).stderr).toContain('ballet draw needs <app.ts>, or --key.')
    expect((await box.run(['draw', '--key', '1', '--format', 'svg'])).code).toBe(2)
    expect((await box.run(['draw', '--key', '1', '--choreography', 'order'])).code).toBe(2)
  })
})
