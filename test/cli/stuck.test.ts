// What a person does about runs, with the real engine in a real process: from what `show` offers to what the journal
// tells afterwards.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Sandbox } from './sandbox.ts'

// `bank.json` in its folder says how the bank is; what is not in it goes well.
const application = `
import { readFileSync } from 'node:fs'
import { ballet, event, operation, service, signal, workflow } from 'ballet'
import { z } from 'zod'

const Order = z.object({ orderId: z.string() })
const key = { key: 'orderId' } as const
const Charged = event('payment.charged', Order, key)
const Refunded = event('payment.refunded', Order, key)
const Approve = signal('approve', z.object({ by: z.string() }))
const state = (): Record<string, string> => JSON.parse(readFileSync(new URL('bank.json', import.meta.url), 'utf8'))
const ask = (what: string, orderId: string): void => {
  if (state()[what] !== undefined) throw new Error(\`the bank does not \${what} \${orderId}\`)
}

const payment = service('payment', {
  charge: operation({
    input: Order, outcomes: [Charged], retry: { attempts: 2, backoff: '1ms' },
    run: ({ orderId }) => (ask('charge', orderId), Charged({ orderId })),
  }),
  refund: operation({
    input: Order, undoes: 'charge', outcomes: [Refunded], retry: { attempts: 1 },
    run: ({ orderId }) => (ask('refund', orderId), Refunded({ orderId })),
  }),
})
const pay = workflow('pay', { input: Order, output: z.string(), key: 'orderId', signals: [Approve] }, async (run, order) => {
  try {
    await run.call(payment.charge(order), { undo: payment.refund(order) })
  } catch (error) {
    return 'given up: ' + (error as Error).message
  }
  const said = await run.receive(Approve)
  return 'approved by ' + said.data.by
})

export default ballet({ name: 'shop', services: [payment], workflows: [pay] })
`

let box: Sandbox
let url = ''
beforeAll(async () => {
  box = new Sandbox({ 'app.ts': application, 'bank.json': '{}' })
  const [, address = ''] = await (await box.serve()).until(/ serves (http\S+)/)
  url = address
})
afterAll(() => box.remove())

const bank = (state: Record<string, string>): void => box.write('bank.json', JSON.stringify(state))
const OP = 'payment.charge#0'

/** Starts a payment and resolves when it ended, is stuck, or waits for an approval. */
async function begun(orderId: string): Promise<string> {
  await box.run(['start', 'pay', '--input', JSON.stringify({ orderId })])
  return seen(orderId, ({ status, waits }) => status !== 'running' || waits[0]?.kind === 'receive')
}

interface Run {
  readonly status: string
  readonly phase?: string
  readonly waits: readonly { readonly kind: string }[]
}

/** Resolves with its id when the run is so. */
async function seen(orderId: string, isSo: (run: Run) => boolean): Promise<string> {
  const id = `pay:${orderId}`
  for (;;) {
    const response = await fetch(`${url}/api/runs/${id}?wait=20ms`)
    if (isSo((await response.json()) as Run)) return id
  }
}

const lines = async (words: readonly string[]): Promise<string[]> => (await box.run(words)).stdout.trimEnd().split('\n')
const settled = (orderId: string) => box.json(['start', 'pay', '--input', JSON.stringify({ orderId }), '--wait', '15s'])

describe('a stuck call', () => {
  it('offers its choices as commands, and each of them can be given', async () => {
    bank({ charge: 'no' })
    const id = await begun('s-1')
    const [first = '', ...rest] = await lines(['show', id])
    expect(first).toBe(
      `Stuck: ${OP} failed after 2 attempts (Error: the bank does not charge s-1); not tried again by itself. You can: retry, answer, fail ${OP}; cancel the run.`,
    )
    expect(rest.slice(0, 4)).toEqual([
      `  ballet retry ${id} --op '${OP}'`,
      `  ballet answer ${id} '${OP}' --value '<json>'`,
      `  ballet fail ${id} '${OP}' --message '<text>'`,
      `  ballet cancel ${id}`,
    ])
    expect(await box.json(['retry', id, '--op', 'payment.charge'])).toMatchObject({
      code: 3,
      value: { error: { code: 'OP_UNKNOWN' } },
    })
    bank({})
    expect(await box.json(['retry', id, '--op', OP, '--by', 'ann', '--why', 'the bank is back'])).toMatchObject({
      code: 0,
      value: { id, action: 'retry', changed: true, ops: [OP] },
    })
    await seen('s-1', ({ waits }) => waits[0]?.kind === 'receive')
    const text = (await box.run(['show', id])).stdout
    expect(text).toContain(`retry ${OP}, asked for by ann (the bank is back)`)
    expect(text).toMatch(/payment\.charge#0 answered after/)
    expect(await box.json(['retry', id])).toMatchObject({ code: 4, value: { error: { code: 'ACTION_REFUSED' } } })
  })

  it('is answered by a person, if the answer is one', async () => {
    bank({ charge: 'no' })
    const id = await begun('s-2')
    const answer = ['answer', id, OP, '--by', 'ann', '--why', 'seen on the account', '--value']
    expect((await box.json([...answer, '{"type":"payment.paid","data":{}}'])).code).not.toBe(0)
    expect(await box.json([...answer, '{"type":"payment.charged","data":{"orderId":5}}'])).toMatchObject({ code: 2 })
    const good = '{"type":"payment.charged","data":{"orderId":"s-2"}}'
    expect(await box.run([...answer, good])).toMatchObject({ code: 0, stdout: `${id}: ${OP} is answered.\n` })
    const text = (await box.run(['show', id])).stdout
    expect(text).toMatch(/payment\.charge#0 was answered by ann \(seen on the account\) after/)
    expect((await box.run(['why', 's-2'])).stdout).toMatch(/payment\.charge#0 .*, by ann/)
  })

  it('fails by the word of a person, and its workflow decides what follows', async () => {
    bank({ charge: 'no' })
    const id = await begun('s-3')
    expect((await box.run(['fail', id, OP, '--message', 'the card is gone', '--by', 'ann'])).code).toBe(0)
    const { value } = await settled('s-3')
    expect(value).toMatchObject({ run: { status: 'completed', output: expect.stringContaining('the card is gone') } })
    expect((await box.run(['show', id])).stdout).toMatch(/payment\.charge#0 was failed by ann after .*the card is gone/)
  })

  it('is retried with all that are stuck for the same reason', async () => {
    bank({ charge: 'no' })
    await Promise.all(['b-1', 'b-2', 'b-3'].map(begun))
    bank({})
    const all = ['retry', '--all', '--name', 'pay', '--reason', 'call', '--why', 'the bank is back']
    expect(await box.json([...all, '--limit', '2'])).toMatchObject({
      code: 0,
      value: { matched: 2, changed: 2, more: true, refused: [] },
    })
    expect(await box.run(all)).toMatchObject({ code: 0, stdout: '1 of 1 run tried again.\n' })
    for (const orderId of ['b-1', 'b-2', 'b-3']) await seen(orderId, ({ waits }) => waits[0]?.kind === 'receive')
    expect(await box.run(all)).toMatchObject({ code: 0, stdout: 'No run matches.\n' })
    expect(await box.run(['cancel', '--all', '--name', 'pay', '--key', 'orderId:b-2'])).toMatchObject({
      code: 0,
      stdout: '1 of 1 run asked to stop.\n',
    })
  })
})

// Found by a newcomer: what was printed to be copied went to no store, or to another one.
describe('what is printed to be copied', () => {
  const place = (how: string): string => (how === 'url' ? url : 'file:../.ballet/app.db')
  /** The commands in what was printed: each stands at the end of its line. */
  const commandsIn = (...printed: readonly { readonly stdout: string; readonly stderr: string }[]): string[] =>
    printed
      .flatMap(({ stdout, stderr }) => `${stdout}\n${stderr}`.split('\n'))
      .flatMap((line) => /(?:^ {2}|: )(ballet .*)$/.exec(line)?.[1] ?? [])

  it.each(['store', 'url'])('names the application that was meant by --%s', async (how) => {
    mkdirSync(join(box.folder, 'elsewhere'), { recursive: true })
    const there = { cwd: 'elsewhere' }
    const meant = [`--${how}`, place(how)]
    const run = (...words: readonly string[]) => box.run([...words, ...meant], there)
    bank({ charge: 'no' })
    const [stuck, waiting] = [`v-${how}`, `w-${how}`] as const
    const input = (orderId: string) => ['--input', JSON.stringify({ orderId })]
    const started = await run('start', 'pay', ...input(stuck), '--wait', '15s')
    const printed = [started, await run('show', `pay:${stuck}`), await run('why', stuck)]
    expect(commandsIn(...printed)).toHaveLength(12)
    bank({})
    printed.push(await run('start', 'pay', ...input(waiting)))
    await seen(waiting, ({ waits }) => waits[0]?.kind === 'receive')
    printed.push(await run('show', `pay:${waiting}`), await run('runs', '--key', `orderId:${waiting}`))
    printed.push(await run('answer', `pay:${stuck}`, 'no-such-call', '--value', '1'))
    const commands = [...new Set(commandsIn(...printed))].sort()
    const end = ` --${how} ${place(how)}`
    expect(commands).toEqual(
      [
        `ballet answer pay:${stuck} '${OP}' --value '<json>'`,
        `ballet cancel pay:${stuck}`,
        `ballet fail pay:${stuck} '${OP}' --message '<text>'`,
        `ballet retry pay:${stuck} --op '${OP}'`,
        `ballet show pay:${stuck}`,
        `ballet show pay:${waiting}`,
        `ballet signal pay:${waiting} approve --data '<json>'`,
      ].map((command) => `${command}${end}`),
    )
    const pasted = async (start: string): Promise<number | null> => {
      const command = commands.find((one) => one.startsWith(start)) ?? 'false'
      return (await box.paste(command.replace("'<json>'", `'{"by":"ann"}'`), there)).code
    }
    expect(await pasted('ballet show')).toBe(0)
    expect(await pasted('ballet retry')).toBe(0)
    expect(await pasted('ballet signal')).toBe(0)
    const unknown = await run('show', 'pay:nobody')
    expect(unknown.stderr).toContain(`hint  ballet runs${end} lists them.`)
  })
})

// Found by a newcomer, at a stuck run.
describe('what is said of a stuck call', () => {
  beforeAll(async () => {
    bank({ charge: 'no' })
    await begun('said-1')
  })

  it('is that it is stuck, and not that its service is waited for', async () => {
    const shown = (await box.run(['show', 'pay:said-1'])).stdout
    expect(shown).toMatch(
      /✋ stuck at payment\.charge, asked for \S+ ago; attempt 2 failed \(Error: the bank does not charge said-1\) at ask \(\S+app\.ts:\d+:\d+\)\n/,
    )
    expect(shown).toMatch(
      /attempt 1 of payment\.charge#0 failed after \S+: Error: the bank does not charge said-1 at ask \(\S+app\.ts:\d+:\d+\); again in /,
    )
    expect(shown).not.toContain('waits for')
    const tree = (await box.run(['why', 'said-1'])).stdout
    expect(tree).toMatch(/payment\.charge#0 {2}stuck at payment\.charge, asked for /)
    expect(tree).not.toContain('waits for')
  })

  it('is whole where no terminal shows it, with the cause first', async () => {
    const { stdout } = await box.run(['runs', '--key', 'orderId:said-1'], { env: { COLUMNS: '80' } })
    expect(stdout).toMatch(
      /\n +Stuck: payment\.charge#0 failed after 2 attempts \(Error: the bank does not charge said-1\); .*cancel the run\.\n/,
    )
  })

  it('counts the attempts before a retry as well', async () => {
    bank({})
    await box.run(['retry', 'pay:said-1'])
    await seen('said-1', ({ waits }) => waits[0]?.kind === 'receive')
    expect((await box.run(['why', 'said-1'])).stdout).toMatch(
      /payment\.charge#0 {2}payment\.charged {2}\S+, 3 attempts\n/,
    )
  })
})

describe('the call of a run', () => {
  it('is named behind the run or by --op, whatever is done about it', async () => {
    bank({ charge: 'no' })
    const [one, two, three] = [await begun('op-1'), await begun('op-2'), await begun('op-3')]
    expect((await box.run(['fail', one, '--op', OP, '--message', 'the card is gone'])).code).toBe(0)
    const value = '{"type":"payment.charged","data":{"orderId":"op-2"}}'
    expect((await box.run(['answer', two, '--op', OP, '--value', value])).code).toBe(0)
    expect((await box.run(['retry', three, OP])).code).toBe(0)
    const both = await box.run(['retry', three, OP, '--op', OP])
    expect([both.code, both.stderr]).toEqual([2, expect.stringContaining('are both given; give one')])
    const none = await box.run(['answer', two, '--value', value])
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('ballet answer needs <op>')])
    expect(none.stderr).not.toContain('hint')
  })
})

describe('a cancelled run', () => {
  it('takes back what it did, and says so; a second time nothing is new', async () => {
    bank({})
    const id = await begun('c-1')
    expect((await box.run(['cancel', id, '--by', 'ann', '--why', 'ordered twice'])).code).toBe(0)
    const { code, value } = await settled('c-1')
    expect([code, value]).toMatchObject([1, { run: { status: 'cancelled' } }])
    const text = await lines(['show', id])
    expect(text[0]).toMatch(/^Cancelled by ann after .*: ordered twice\.$/)
    expect(text.join('\n')).toMatch(
      /cancelled by ann \(ordered twice\)[^]*takes back payment\.charge#0 with payment\.refund/,
    )
    expect(await box.json(['cancel', id])).toMatchObject({ code: 4, value: { error: { code: 'RUN_ENDED' } } })
  })

  it('is stuck in sight when that fails, and goes on when the service is back', async () => {
    bank({ refund: 'no' })
    const id = await begun('c-2')
    await box.run(['cancel', id, '--by', 'ann'])
    await seen('c-2', ({ status }) => status === 'stuck')
    const [first = '', ...rest] = await lines(['show', id])
    expect(first).toMatch(/^Stuck while it takes back what it did: undo:payment\.charge#0 failed after 1 attempt /)
    expect(rest.filter((line) => line.includes('ballet fail'))).toEqual([])
    expect((await box.run(['runs', '--status', 'stuck', '--name', 'pay'])).stdout).toContain(
      'Stuck while it takes back',
    )
    bank({})
    expect((await box.run(['retry', id])).code).toBe(0)
    expect((await settled('c-2')).value).toMatchObject({ run: { status: 'cancelled' } })
  })
})

it.each(['fail', 'answer'])('%s says what to do about many runs', async (command) => {
  const { code, stderr } = await box.run([command, '--all'])
  expect([code, stderr]).toEqual([2, expect.stringContaining('`ballet runs --reason call` lists the runs')])
})

describe('a run with times', () => {
  it('begins later, and is cancelled at its deadline', async () => {
    bank({})
    const words = ['start', 'pay', '--input', '{"orderId":"t-1"}', '--at', '1h', '--deadline', '2h']
    expect((await box.run(words)).code).toBe(0)
    const [first = '', , header = '', times = ''] = await lines(['show', 'pay:t-1'])
    expect(first).toMatch(
      /^Begins \d{4}-\S+ \S+Z \(in (1h|60m|59\.\d+m)\), by itself; is cancelled at .* if not done\.$/,
    )
    expect(header).toMatch(/, running, scheduled$/)
    expect(times).toMatch(/^asked for .*, begins .*, deadline .*\(in /)
    expect((await box.run(['runs', '--key', 'orderId:t-1'])).stdout).toMatch(/\nscheduled +pay /)
    const again = await box.run([...words.slice(0, 4), '--deadline', '9h'])
    expect(again.stderr).toMatch(/nothing new was started\.\n.*It still begins at \S+Z, and keeps its deadline, \S+Z\./)
    expect((await box.run(['cancel', 'pay:t-1'])).code).toBe(0)

    // The deadline counts from here: on a busy machine the request itself takes a while.
    const begins = await box.run(['start', 'pay', '--input', '{"orderId":"t-2"}', '--deadline', '2s'])
    expect(begins.code).toBe(0)
    const late = await settled('t-2')
    expect([late.code, late.value]).toMatchObject([1, { run: { status: 'cancelled' } }])
    const past = await box.run(['start', 'pay', '--input', '{"orderId":"t-3"}', '--deadline', '2020-01-01T00:00:00Z'])
    expect(past.code).toBe(2)
    expect(past.stderr).toMatch(
      /it has passed when the run begins, at .*\nhint .*A deadline comes after the run begins/,
    )
    for (const [at, code] of [
      ['2026-12-24T18:00', 'TIME_INVALID'],
      ['soon', 'TIME_INVALID'],
    ] as const)
      expect(await box.json(['start', 'pay', '--input', '{"orderId":"t-3"}', '--at', at])).toMatchObject({
        code: 2,
        value: { error: { code } },
      })
  })
})

it("leaves journals that today's code repeats", async () => {
  const { code, value } = await box.json(['replay', 'app.ts'])
  expect({ code, diverged: value['diverged'], unreadable: value['unreadable'] }).toEqual({
    code: 0,
    diverged: 0,
    unreadable: 0,
  })
})
