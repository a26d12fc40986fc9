// The commands that talk to a running application, end to end: real processes, real HTTP, a real file.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { application } from './application.ts'
import { Sandbox } from './sandbox.ts'

let box: Sandbox

beforeAll(async () => {
  box = new Sandbox({ 'app.ts': application, 'order.json': '{"orderId":"from-file","total":5}' })
  await box.serve()
})
afterAll(() => box.remove())

const order = (orderId: string, total = 5): string => JSON.stringify({ orderId, total })

describe('start', () => {
  it('prints the id alone, and starts nothing twice', async () => {
    const first = await box.run(['start', 'checkout', '--input', order('s-1')])
    expect(first).toMatchObject({ code: 0, stdout: 'checkout:s-1\n' })
    const again = await box.json(['start', 'checkout', '--input', order('s-1')])
    expect(again).toMatchObject({ code: 0, value: { id: 'checkout:s-1', created: false } })
    expect(again.stderr).toContain('nothing new was started')
    const conflict = await box.json(['start', 'checkout', '--input', order('s-1', 6)])
    expect(conflict).toMatchObject({ code: 4, value: { error: { code: 'RUN_CONFLICT' } } })
  })

  it('waits for the end and prints the output', async () => {
    const declined = await box.run(['start', 'checkout', '--input', order('s-2', 5000), '--wait'])
    expect(declined.code).toBe(0)
    expect(declined.stdout).toMatch(/^checkout:s-2: Completed in .*\n\{\n {2}"status": "declined"\n\}\n$/)
    const json = await box.json(['start', 'checkout', '--input', order('s-2', 5000), '--wait'])
    expect(json.value).toMatchObject({ created: false, run: { status: 'completed', output: { status: 'declined' } } })
  })

  it('ends with 5 when the time is over before the run', async () => {
    const { code, stdout, stderr } = await box.run(['start', 'checkout', '--input', order('s-3'), '--wait', '50ms'])
    expect({ code, stderr }).toEqual({ code: 5, stderr: 'checkout:s-3 has not ended within 50ms; it goes on.\n' })
    expect(stdout).toContain('checkout:s-3: ')
  })

  it('ends with 1 when the run failed and with 6 when it is stuck', async () => {
    const failed = await box.run(['start', 'payment.refuse', '--input', '{}', '--wait', '10s'])
    expect(failed.code).toBe(1)
    expect(failed.stdout).toMatch(/Failed after .*no such account \\u001b\[31m/)
    const stuck = await box.run(['start', 'payment.never', '--input', '{}', '--wait', '10s'])
    expect(stuck.code).toBe(6)
    expect(stuck.stdout).toContain(
      'Stuck: payment.never#0 failed after 1 attempt (Error: always); not tried again by itself.',
    )
  })

  it('reads the input from a file and from stdin', async () => {
    expect(await box.run(['start', 'checkout', '--input', '@order.json'])).toMatchObject({
      code: 0,
      stdout: 'checkout:from-file\n',
    })
    expect(await box.run(['start', 'checkout', '--input', '-'], { input: order('from-stdin') })).toMatchObject({
      code: 0,
      stdout: 'checkout:from-stdin\n',
    })
  })

  it.each([
    ['what is no JSON', ['checkout', '--input', '{orderId:1}'], 'JSON_MALFORMED'],
    [
      'a key that stands twice',
      ['checkout', '--input', '{"orderId":"1","orderId":"2","total":1}'],
      'JSON_KEY_REPEATED',
    ],
    [
      'a number that would be another one',
      ['checkout', '--input', '{"orderId":"1","total":12345678901234567890}'],
      'JSON_NUMBER_LOSSY',
    ],
    ['a file that is not there', ['checkout', '--input', '@nothing.json'], 'USAGE'],
    ['no input', ['checkout'], 'USAGE'],
    ['a wrong field', ['checkout', '--input', '{"orderId":"1","total":"5"}'], 'INPUT_INVALID'],
    ['an unknown name', ['chekout', '--input', order('x')], 'CALL_UNKNOWN'],
    ['a bad id', ['wrap', '--input', '{"paper":"x"}', '--id', 'a/b'], 'ID_INVALID'],
    ['no duration', ['wrap', '--input', '{"paper":"x"}', '--wait=soon'], 'DURATION_INVALID'],
  ])('ends with 2 for %s', async (_what, words, code) => {
    expect(await box.json(['start', ...words])).toMatchObject({ code: 2, value: { error: { code } } })
  })

  it('names the nearest name and the path of a field', async () => {
    expect((await box.run(['start', 'chekout', '--input', '{}'])).stderr).toContain('Did you mean "checkout"?')
    expect((await box.run(['start', 'checkout', '--input', '{"orderId":"1","total":"5"}'])).stderr).toContain(
      'at total',
    )
  })

  it('does not send bytes that are no UTF-8', async () => {
    expect(
      await box.run(['start', 'checkout', '--input', '-'], { input: Buffer.from([0x22, 0xff, 0x22]) }),
    ).toMatchObject({ code: 2 })
  })
})

describe('signal', () => {
  it('moves the run on, once for an id', async () => {
    await box.run(['start', 'checkout', '--input', order('g-1')])
    const send = ['signal', 'checkout:g-1', 'approve', '--data', '{"by":"ann"}', '--id', 'sig-1']
    expect(await box.json(send)).toMatchObject({ code: 0, value: { created: true } })
    const { value } = await box.json(['start', 'checkout', '--input', order('g-1'), '--wait', '10s'])
    expect(value).toMatchObject({ run: { output: { status: 'version 1, approved by ann' } } })
    expect(await box.json([...send.slice(0, -1), 'sig-2'])).toMatchObject({
      code: 4,
      value: { error: { code: 'RUN_ENDED' } },
    })
  })

  it.each([
    ['an unknown run', ['signal', 'checkout:nobody', 'approve', '--data', '{"by":"x"}'], 3, 'RUN_UNKNOWN'],
    ['an undeclared signal', ['signal', 'checkout:g-2', 'aprove', '--data', '{"by":"x"}'], 2, 'SIGNAL_UNKNOWN'],
    ['an id that cannot stand in an address', ['signal', '..', 'approve', '--data', '{"by":"x"}'], 2, 'ID_INVALID'],
  ])('says what is wrong for %s', async (_what, words, code, error) => {
    await box.run(['start', 'checkout', '--input', order('g-2')])
    expect(await box.json(words)).toMatchObject({ code, value: { error: { code: error } } })
  })
})

describe('publish, events and why', () => {
  it('lets an order go through by reactions, and tells why', async () => {
    const published = await box.json([
      'publish',
      'order.created',
      '--data',
      order('c-1', 13),
      '--id',
      'e-1',
      '--source',
      'web',
    ])
    expect(published).toMatchObject({ code: 0, value: { id: 'e-1', source: 'web', created: true } })
    const again = await box.json([
      'publish',
      'order.created',
      '--data',
      order('c-1', 13),
      '--id',
      'e-1',
      '--source',
      'web',
    ])
    expect(again).toMatchObject({ code: 0, value: { created: false } })
    const other = await box.json([
      'publish',
      'order.created',
      '--data',
      order('c-1', 14),
      '--id',
      'e-1',
      '--source',
      'web',
    ])
    expect(other).toMatchObject({ code: 4, value: { error: { code: 'EVENT_CONFLICT' } } })

    await settled('orderId:c-1', 2)
    const { code, stdout } = await box.run(['why', 'c-1'])
    expect(code).toBe(0)
    const lines = stdout.trimEnd().split('\n')
    expect(lines[0]).toBe('orderId:c-1: 2 completed; 3 events. No run is open.')
    expect(lines.slice(2).map((line) => line.replace(/^ *\+\S+ {2}/, '').replace(/\d+(\.\d+)?m?s/g, '#'))).toEqual([
      'order.created from web',
      '└─ payment reacts: payment.charge  completed in #, 2 attempts',
      '   └─ payment.approved from payment',
      '      └─ shipping reacts: shipping.ship  completed in #',
      '         └─ order.shipped from shipping',
    ])
    const events = await box.run(['events', '--key', 'orderId:c-1'])
    expect(events.stdout.match(/(order\.created|payment\.approved|order\.shipped) /g)).toEqual([
      'order.created ',
      'payment.approved ',
      'order.shipped ',
    ])
    expect(
      (await box.json(['events', '--key', 'orderId:c-1', '--type', 'order.shipped,payment.approved'])).value['items'],
    ).toHaveLength(2)
  })

  it('tells the same of a workflow, with what it waits for', async () => {
    await box.run(['start', 'checkout', '--input', order('w-1', 13)])
    await waiting('checkout:w-1', 'receive')
    const { stdout } = await box.run(['why', 'orderId:w-1'])
    expect(stdout).toContain('orderId:w-1: 1 running; 1 event.\ncheckout:w-1: Waits for the signal approve, ')
    expect(stdout).toMatch(
      /├─ payment\.charge#0 {2}payment\.approved {2}\S+, 2 attempts\n.*└─ ⌛ waits for the signal approve/,
    )
    const json = await box.json(['why', 'orderId:w-1'])
    expect(json.value).toMatchObject({
      field: 'orderId',
      value: 'w-1',
      tree: [{ kind: 'run', children: [{ kind: 'call' }, { kind: 'wait' }] }],
    })
  })

  it('says when there is nothing of a key', async () => {
    expect(await box.json(['why', 'nothing-of-it'])).toMatchObject({
      code: 3,
      value: { error: { code: 'KEY_UNKNOWN' } },
    })
    expect(await box.json(['why', 'orderId:nothing-of-it'])).toMatchObject({ code: 3 })
  })

  it('takes the id of a run for its key, and says of one without a key where to look', async () => {
    await box.run(['start', 'checkout', '--input', order('by-id', 5000)])
    expect((await box.run(['why', 'checkout:by-id'])).stdout).toMatch(/^orderId:by-id: 1 /)
    await box.run(['start', 'payment.refuse', '--input', '{}', '--id', 'keyless'])
    const { code, stderr } = await box.run(['why', 'keyless'])
    expect([code, stderr]).toEqual([2, expect.stringContaining('Look at the run: ballet show keyless')])
  })

  it('asks which key is meant where two fields have the value', async () => {
    await box.run(['start', 'checkout', '--input', order('both', 5000)])
    await box.run(['publish', 'visit.noted', '--data', '{"visitId":"both"}'])
    const { code, stderr } = await box.run(['why', 'both'])
    expect(code).toBe(2)
    expect(stderr).toMatch(
      /Several keys have the value "both": (orderId:both, visitId:both|visitId:both, orderId:both)/,
    )
    expect((await box.run(['why', 'visitId:both'])).stdout).toContain('visit.noted from shop')
  })
})

describe('runs and show', () => {
  it('lists with filters and goes on where a list ended', async () => {
    for (const id of ['l-1', 'l-2', 'l-3']) await box.run(['start', 'wrap', '--input', '{"paper":"x"}', '--id', id])
    const page = await box.json(['runs', '--name', 'wrap', '--limit', '2'])
    expect(page.value).toMatchObject({ items: [{ id: 'l-3' }, { id: 'l-2' }] })
    const rest = await box.json(['runs', '--name', 'wrap', '--cursor', String(page.value['cursor'])])
    expect(rest.value).toMatchObject({ items: [{ id: 'l-1' }] })
    const table = await box.run(['runs', '--name', 'wrap', '--status', 'running,stuck', '--limit', '1'])
    expect(table.stdout).toMatch(
      /^STATUS {3}NAME {2}KEY {2}BEGAN {17}TOOK +RUN\nrunning {2}wrap .* l-3\n {11}Waits for the signal approve/,
    )
    expect(table.stderr).toMatch(/There are more: --cursor \S+\n/)
    expect(await box.run(['runs', '--key', 'orderId:none-such'])).toEqual({
      code: 0,
      stdout: '',
      stderr: 'No run fits.\n',
    })
    await box.run(['publish', 'visit.noted', '--data', '{"visitId":"l-4"}'])
    expect((await box.run(['runs', '--kind', 'reaction', '--root', 'run:l-1'])).stderr).toBe('No run fits.\n')
    expect((await box.run(['runs', '--kind', 'workflow', '--root', 'run:l-1'])).stdout).toContain('l-1')
    const events = (await box.json(['events', '--published', '--limit', '1000'])).value['items']
    expect(events).not.toContainEqual(expect.objectContaining({ published: false }))
    expect(events).toContainEqual(expect.objectContaining({ subject: 'l-4' }))
    expect((await box.run(['runs', '--status', 'runing'])).stderr).toContain('Did you mean "running"?')
    expect((await box.run(['runs', '--reason', 'trew'])).stderr).toContain('Did you mean "threw"?')
    await box.run(['start', 'payment.never', '--input', '{}', '--id', 'never-1', '--wait', '10s'])
    const stuck = await box.json(['runs', '--reason', 'call', '--limit', '1000'])
    const items = stuck.value['items'] as readonly { readonly id: string; readonly reason: string }[]
    expect([items.some(({ id }) => id === 'never-1'), items.every(({ reason }) => reason === 'call')]).toEqual([
      true,
      true,
    ])
    expect(await box.json(['runs', '--reason', 'poisoned'])).toMatchObject({ code: 0, value: { items: [] } })
  })

  it('shows a child, whose id has a mark that addresses give another meaning', async () => {
    await box.run(['start', 'parent', '--input', '{}', '--id', 'p-1'])
    const { value } = await waiting('p-1', 'child')
    const [wait] = value['waits'] as { readonly for: string }[]
    const child = wait?.for ?? ''
    expect(child).toContain('~')
    const parent = await box.run(['show', 'p-1'])
    expect(parent.stdout.split('\n')[0]).toMatch(
      new RegExp(`^Waits for the run ${child}, \\S+ so far; see: ballet show '${child}'$`),
    )
    expect((await box.run(['show', child])).stdout).toContain('child of p-1')
  })

  it('shows the runs of reactions to an event with an id of any characters', async () => {
    await box.run(['publish', 'order.created', '--data', order('sh-1'), '--id', 'a/b?c#d%20'])
    await settled('orderId:sh-1', 2)
    const { value } = await box.json(['runs', '--key', 'orderId:sh-1'])
    const ids = (value['items'] as { readonly id: string }[]).map(({ id }) => id)
    expect(ids).toHaveLength(2)
    for (const id of ids) expect(await box.json(['show', id])).toMatchObject({ code: 0, value: { run: { id } } })
  })

  it('says that there is no such run', async () => {
    expect(await box.json(['show', 'nobody'])).toMatchObject({ code: 3, value: { error: { code: 'RUN_UNKNOWN' } } })
  })
})

describe('how it speaks', () => {
  it('colours only where it is wanted', async () => {
    const colour = new RegExp(String.fromCodePoint(27))
    expect((await box.run(['runs'])).stdout).not.toMatch(colour)
    expect((await box.run(['runs'], { env: { FORCE_COLOR: '1' } })).stdout).toMatch(colour)
    expect((await box.run(['runs'], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } })).stdout).not.toMatch(colour)
  })

  it('ends quietly when its reader has gone', async () => {
    const listing = box.begin(['runs', '--limit', '1000', '--json'])
    listing.child.stdout?.destroy()
    expect(await listing.ended).toMatchObject({ code: 0, stderr: '' })
  })

  it('knows its version, its commands, and the nearest one', async () => {
    expect((await box.run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    for (const words of [[], ['--help'], ['help']])
      expect(await box.run(words)).toMatchObject({ code: 0, stdout: expect.stringContaining('Commands') as string })
    expect((await box.run(['help', 'start'])).stdout).toBe((await box.run(['start', '--help'])).stdout)
    expect(await box.run(['strat'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Did you mean "start"?') as string,
    })
    expect(await box.run(['--json', 'runs'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('ballet runs --json') as string,
    })
  })
})

/** Asks until every run of a key has ended. */
async function settled(key: string, count: number): Promise<void> {
  for (;;) {
    const { value } = await box.json(['runs', '--key', key])
    const items = value['items'] as { readonly status: string }[]
    if (items.length >= count && items.every(({ status }) => status === 'completed')) return
  }
}

/** Asks until a run waits for something of this kind. */
async function waiting(id: string, kind: string): Promise<{ readonly value: Record<string, unknown> }> {
  for (;;) {
    const { value } = await box.json(['show', id])
    const run = value['run'] as Record<string, unknown>
    if ((run['waits'] as { readonly kind: string }[]).some((wait) => wait.kind === kind)) return { value: run }
  }
}
