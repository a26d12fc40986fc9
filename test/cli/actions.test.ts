// The commands that do something about runs, as processes, against a server that records what it is asked: what they
// send, print and end with. What the actions do is tested with the engine in stuck.test.ts.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { fault } from '../../src/core/errors.ts'
import type { Acted, ActedAll, Application } from '../../src/define/application.ts'
import { serve } from '../../src/server/serve.ts'
import { testApplication, type Asked } from '../../src/server/test-application.ts'
import { Sandbox, type Ended } from './sandbox.ts'

let box: Sandbox
beforeAll(() => {
  box = new Sandbox({ 'answer.json': '{"type":"payment.approved","data":{"orderId":"8841"}}' })
})
afterAll(() => box.remove())
let closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing) await close()
  closing = []
})

const OP = 'payment.charge#0'
const RUN = 'checkout:8841~gift-wrap.0'

/** Runs a command against an application that answers so. */
async function ballet(
  words: readonly string[],
  answers: Partial<Application> = {},
): Promise<Ended & { readonly asked: Asked[]; readonly url: string }> {
  const { app, asked } = testApplication(answers)
  const server = await serve(app, { port: 0 })
  closing.push(() => server.close())
  return { ...(await box.run([...words, '--url', server.url])), asked, url: server.url }
}

describe('an action on one run', () => {
  const cases = [
    [
      ['cancel', RUN, '--by', 'ann', '--why', 'ordered twice'],
      ['cancel', RUN, { by: 'ann', why: 'ordered twice' }],
    ],
    [
      ['retry', RUN, '--by', 'ann'],
      ['retry', RUN, { by: 'ann' }],
    ],
    [
      ['retry', RUN, '--op', OP, '--by', 'ann'],
      ['retry', RUN, { op: OP, by: 'ann' }],
    ],
    [
      ['answer', RUN, OP, '--value', '{"a":[1]}', '--by', 'ann'],
      ['answer', RUN, { op: OP, value: { a: [1] }, by: 'ann' }],
    ],
    [
      ['fail', RUN, OP, '--message', 'no card', '--code', 'CARD_GONE', '--by', 'ann'],
      ['fail', RUN, { op: OP, error: { code: 'CARD_GONE', message: 'no card' }, by: 'ann' }],
    ],
    [
      ['fail', RUN, '--message', 'no', '--by', 'ann'],
      ['fail', RUN, { error: { message: 'no' }, by: 'ann' }],
    ],
  ] as const
  it.each(cases)('%j is what it says', async (words, sent) => {
    const { code, asked, stderr, url } = await ballet(words)
    expect(code).toBe(0)
    expect(asked).toEqual([sent])
    expect(stderr).toBe(`See it: ballet show '${RUN}' --url ${url}\n`)
  })

  it('is signed with the name of the user', async () => {
    const { asked } = await ballet(['cancel', RUN])
    expect(asked).toEqual([['cancel', RUN, { by: expect.stringMatching(/./) }]])
  })

  it.each([
    ['cancel', [], `${RUN} is asked to stop and to take back what it did.\n`],
    ['retry', [], `${RUN} is tried again with the code of today.\n`],
    ['retry', [OP], `${RUN}: ${OP} is tried again.\n`],
    ['retry', [OP, 'a#0'], `${RUN}: ${OP}, a#0 are tried again.\n`],
    ['answer', [OP], `${RUN}: ${OP} is answered.\n`],
    ['fail', [OP], `${RUN}: ${OP} fails.\n`],
    ['fail', [], `${RUN} ends as failed. What it had done stays done.\n`],
  ] as const)('%s of %j says what is durable, and whether it is new', async (action, ops, sentence) => {
    const words = { cancel: [], retry: [], answer: [OP, '--value', '1'], fail: [OP, '--message', 'no'] }[action]
    const acted = (changed: boolean): Partial<Application> => {
      const answer = (): Promise<Acted> => Promise.resolve({ id: RUN, action, changed, ops })
      return { cancel: answer, retry: answer, answer, fail: answer }
    }
    const { stdout } = await ballet([action, RUN, ...words], acted(true))
    expect(stdout).toBe(sentence)
    const again = await ballet([action, RUN, ...words, '--json'], acted(false))
    expect(JSON.parse(again.stdout)).toEqual({ id: RUN, action, changed: false, ops })
    expect(again).toMatchObject({ code: 0, stderr: 'This had been asked for before; nothing new happened.\n' })
  })

  it.each([
    ['cancel', [], { kept: true }, /asked to stop, but its code cannot go on.*mend the code and retry the run/],
    ['cancel', [], { kept: true, takesBack: false }, /it stops then\. Nothing is taken back by that\.\n$/],
    [
      'cancel',
      [],
      { takesBack: false },
      /^\S+ is asked to stop: what is under way is too.*Nothing is taken back by that\.\n$/,
    ],
    ['fail', ['--message', 'no'], { dropped: 'cancel' }, /ends as failed.*asked to stop: that is dropped/],
  ] as const)(
    '%s of a run says what becomes of it: of one whose code cannot go on, of one that conducts a flow',
    async (action, words, more, sentence) => {
      const answer = (): Promise<Acted> => Promise.resolve({ id: RUN, action, changed: true, ops: [], ...more })
      const { stdout } = await ballet([action, RUN, ...words], { cancel: answer, fail: answer })
      expect(stdout).toMatch(sentence)
    },
  )

  it('answers from a file', async () => {
    const { asked } = await ballet(['answer', RUN, OP, '--value', '@answer.json', '--by', 'ann'])
    expect(asked[0]?.[2]).toMatchObject({ value: { type: 'payment.approved', data: { orderId: '8841' } } })
  })

  it.each([
    ['RUN_UNKNOWN', { id: RUN }, 3],
    ['OP_UNKNOWN', { id: RUN, op: OP, nearest: '' }, 3],
    ['RUN_ENDED', { id: RUN, status: 'completed' }, 4],
    ['ACTION_REFUSED', { id: RUN, action: 'retry', problem: 'it is not stuck' }, 4],
    ['STORE_FULL', { problem: 'no space' }, 5],
  ] as const)('ends as %s says', async (code, details, exit) => {
    const ended = await ballet(['retry', RUN, '--json'], { retry: () => Promise.reject(fault(code, details)) })
    expect(ended.code).toBe(exit)
    expect(JSON.parse(ended.stdout)).toMatchObject({ error: { code } })
  })

  it.each([
    [['cancel'], 'ballet cancel needs <run>, or --all.'],
    [['retry', 'a', '--all'], '--all and the run "a" are both given; give one.'],
    [['retry', 'a', '--name', 'b'], '--name belongs to --all.'],
    [['retry', '--all', '--op', 'b'], '--op belongs to one run.'],
    [['cancel', '--all'], '--all needs a filter'],
    [['cancel', '--all', '--limit', '5'], '--all needs a filter'],
    [['cancel', '--all', '--status', 'stuk'], 'There is no status "stuk". Did you mean "stuck"?'],
    [['retry', '--all', '--kind', 'saga'], 'There is no kind "saga".'],
    [['retry', '--all', '--limit', '0'], '--limit must be a whole number from 1 to 10000'],
    [['answer', 'a'], 'ballet answer needs <op>.'],
    [['answer', 'a', 'b'], 'ballet answer needs --value'],
    [['answer', 'a', 'b', '--value', '{a}'], 'in --value'],
    [['fail', 'a'], 'ballet fail needs --message'],
    [['fail', 'a', '--message='], '--message needs a value'],
  ])('refuses %j before anything is sent', async (words, problem) => {
    const { code, stderr, asked } = await ballet(words)
    expect({ code, asked }).toEqual({ code: 2, asked: [] })
    expect(stderr).toContain(problem)
  })
})

describe('an action on all runs that match', () => {
  const acted = (part: Partial<ActedAll>): Partial<Application> => ({
    actOnAll: ({ action }) => Promise.resolve({ action, matched: 0, changed: 0, more: false, refused: [], ...part }),
  })

  it('sends every filter', async () => {
    const words = [
      'retry',
      '--all',
      '--name',
      'checkout',
      '--reason',
      'call',
      '--status',
      'stuck',
      '--kind',
      'workflow',
    ]
    const more = ['--key', 'orderId:8841', '--root', 'run:a', '--limit', '7', '--by', 'ann', '--why', 'it is back']
    const { code, asked } = await ballet([...words, ...more], acted({ matched: 2, changed: 2 }))
    expect(code).toBe(0)
    const filter = { name: 'checkout', reason: 'call', status: ['stuck'], kind: 'workflow', key: 'orderId:8841' }
    expect(asked).toEqual([
      ['actOnAll', { action: 'retry', ...filter, root: 'run:a', limit: 7, by: 'ann', why: 'it is back' }],
    ])
  })

  it('says what came of it, and ends with 4 when some refused', async () => {
    const refused = [{ id: 'b\u001b[31m', code: 'RUN_ENDED', message: 'It has ended.' }]
    const some = await ballet(
      ['cancel', '--all', '--name', 'x'],
      acted({ matched: 3, changed: 1, more: true, refused }),
    )
    expect(some).toMatchObject({
      code: 4,
      stdout: '1 of 3 runs asked to stop; 1 refused.\n',
      stderr:
        'b\\u001b[31m refused: It has ended. (RUN_ENDED)\nThere are more than --limit. Asked again, it begins with the newest ones that still match; a higher --limit takes all.\n',
    })
    expect(await ballet(['retry', '--all'], acted({ matched: 1, changed: 1 }))).toMatchObject({
      code: 0,
      stdout: '1 of 1 run tried again.\n',
    })
    expect(await ballet(['retry', '--all'])).toMatchObject({ code: 0, stdout: 'No run matches.\n' })
    const kept = await ballet(['cancel', '--all', '--name', 'x'], acted({ matched: 2, changed: 2, kept: 1 }))
    expect(kept.stdout).toBe(
      '2 of 2 runs asked to stop. The code of 1 cannot go on: that is kept until it is mended and retried.\n',
    )
    const json = await ballet(['cancel', '--all', '--name', 'x', '--json'], acted({ matched: 3, changed: 3 }))
    expect(JSON.parse(json.stdout)).toEqual({ action: 'cancel', matched: 3, changed: 3, more: false, refused: [] })
  })
})

describe('start', () => {
  it('takes times, and lengths from now', async () => {
    const before = Date.now()
    const words = ['start', 'checkout', '--input', '1', '--at', '90m', '--deadline', '2026-12-24T18:00:00+01:00']
    const { asked } = await ballet(words)
    const [, request] = asked[0] as readonly [string, { readonly at: string; readonly deadline: string }]
    expect(request).toMatchObject({ call: 'checkout', input: 1, deadline: '2026-12-24T18:00:00+01:00' })
    const at = Date.parse(request.at) - 90 * 60_000
    expect([at >= before, at <= Date.now()]).toEqual([true, true])
  })
})
