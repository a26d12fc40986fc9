import { describe, expect, it } from 'vitest'
import type { RunView, WaitView } from '../core/views.ts'
import { choiceLines } from './choices.ts'
import { placeWords } from './place.ts'
import { shellWord, waitingLine } from './why-waiting.ts'

const now = Date.parse('2026-01-31T12:00:10.000Z')
const run = (part: Partial<RunView>): RunView => ({
  id: 'checkout:8841',
  kind: 'workflow',
  name: 'checkout',
  version: '1',
  key: { field: 'orderId', value: '8841' },
  root: 'run:checkout:8841',
  cause: null,
  parent: null,
  status: 'running',
  waits: [],
  choices: [],
  input: {},
  created: '2026-01-31T12:00:00.000Z',
  ended: null,
  ...part,
})
const wait = (part: Partial<WaitView>): WaitView => ({
  op: 'payment.charge#0',
  kind: 'call',
  for: 'payment.charge',
  from: 'payment',
  since: '2026-01-31T12:00:04.000Z',
  until: null,
  ...part,
})
const line = (...waits: readonly Partial<WaitView>[]): string => waitingLine(run({ waits: waits.map(wait) }), now)

describe('a run that goes on', () => {
  it('names the service that has to answer', () => {
    expect(line({})).toBe('Waits for payment.charge, 6s so far; it goes on when payment answers.')
  })

  it('says of a schedule when it fires, and not by which signals the engine wakes it', () => {
    const key = { field: 'schedule', value: 'nightly' }
    const own = { kind: 'receive', for: 'look | pause | resume', from: 'signal' } as const
    const schedule = (until: string | null, state: RunView['state'] = { paused: null }): string =>
      waitingLine(run({ name: '@schedule', key, state, waits: [wait({ ...own, until })] }), now)
    expect(schedule('2026-01-31T12:01:10.000Z')).toBe(
      'Fires next at 2026-01-31 12:01:10Z (in 1m), by itself; see: ballet schedules',
    )
    expect(schedule(null, { paused: { by: 'ann', why: 'the bank is closed', at: '…' } })).toBe(
      'Paused by ann (the bank is closed); let it go on: ballet resume nightly',
    )
    expect(schedule(null, { paused: { by: 'ann', why: '', at: '…' } })).toContain('Paused by ann; let it go on: ')
    expect(schedule(null)).toBe(
      'Fires no more, because the application that runs has no such schedule; see: ballet schedules',
    )
    const stopped = { op: 'start#0', kind: 'step', for: 'start', from: '@schedule' } as const
    expect(waitingLine(run({ name: '@schedule', key, waits: [wait(stopped)] }), now)).toContain(
      'Waits for the step start',
    )
  })

  it('tells that a process before this one may have asked as well', () => {
    expect(line({ asked: 'before' })).toBe(
      'Waits for payment.charge, 6s so far; an attempt of a process before this one may have reached payment; it goes on when payment answers.',
    )
    expect(line({ kind: 'step', for: 'book', asked: 'before' })).toBe(
      'Waits for the step book, 6s so far; an attempt of a process before this one may have done a part of it; it runs now.',
    )
  })

  it('names the run that holds it, in the place of a service that was not asked', () => {
    expect(line({ behind: 'payment:order.created:1' })).toBe(
      'Waits behind the run payment:order.created:1, which comes before it, 6s so far; see: ballet show payment:order.created:1',
    )
  })

  it('says when a call was heard of last, and how far it is', () => {
    const heartbeat = { attempt: 1, at: '2026-01-31T12:00:08.000Z' }
    expect(line({ heartbeat: { ...heartbeat, progress: { row: 40_000 } } })).toBe(
      'Waits for payment.charge, 6s so far; heard of 2s ago, at {"row":40000}; it goes on when payment answers.',
    )
    const error = { code: 'ATTEMPT_SILENT', message: 'payment.charge said nothing for 30000ms.' }
    expect(line({ heartbeat, attempt: { number: 1, error, next: '2026-01-31T12:00:11.000Z' } })).toBe(
      'Waits for payment.charge, 6s so far; heard of 2s ago; attempt 1 failed (ATTEMPT_SILENT: payment.charge said nothing for 30000ms); it is tried again in 1s.',
    )
    const long = 'x'.repeat(200)
    expect(line({ heartbeat: { ...heartbeat, progress: long } })).toContain(`, at "${'x'.repeat(78)}…; `)
  })

  it('says for which place a call waits, and how many come before it', () => {
    const place = { at: 'payment', limit: '20 at once', before: 31 }
    expect(line({ place })).toBe(
      'Waits for a place at payment (20 at once, 31 before it) to call payment.charge, 6s so far; it is made when there is one.',
    )
    const per = { field: 'customerId', value: '7' }
    expect(line({ place: { ...place, limit: '1/m', per, before: 0 } })).toContain(
      'a place at payment (1/m for each customerId, here 7, none before it)',
    )
    expect(line({ place: { ...place, before: 1000 } })).toContain('(20 at once, 1000 or more before it)')
    const fetched = { ...place, limit: 'fetched by the service', before: 0 }
    expect(line({ place: { ...fetched, fetched: { running: 2, unasked: null } } })).toContain(
      'a place at payment (fetched by the service, 2 in its hands, none before it)',
    )
    const unasked = '2026-11-30T02:13:05.000Z'
    expect(line({ place: { ...fetched, fetched: { running: 0, unasked } } })).toContain(
      `(fetched by the service; nobody has asked for its work since ${unasked}, none before it)`,
    )
  })

  it('tells the failed attempt and the next one', () => {
    const attempt = {
      number: 2,
      error: { code: 'Error', message: 'HTTP 503\nstack' },
      next: '2026-01-31T12:00:13.000Z',
    }
    expect(line({ attempt })).toBe(
      'Waits for payment.charge, 6s so far; attempt 2 failed (Error: HTTP 503); it is tried again in 3s.',
    )
  })

  it('gives the command for a signal, without a full stop that would be copied', () => {
    const receive = {
      op: 'receive#0',
      kind: 'receive',
      for: 'approve',
      from: 'signal',
      until: '2026-01-31T14:00:10.000Z',
    } as const
    expect(line(receive)).toBe(
      "Waits for the signal approve, 6s so far, until 2026-01-31 14:00:10Z (in 2h); send it: ballet signal checkout:8841 approve --data '<json>'",
    )
  })

  it('names events, alone or with signals', () => {
    expect(line({ kind: 'receive', for: 'order.shipped', from: 'event' })).toBe(
      'Waits for the event order.shipped, 6s so far; it goes on when that is published.',
    )
    expect(line({ kind: 'receive', for: 'order.shipped | cancel', from: 'event | signal' })).toBe(
      'Waits for the event or signal order.shipped or cancel, 6s so far; it goes on when one of them comes.',
    )
  })

  it('says of a run that conducts, and has nothing under way, where it is told what its flow awaits', () => {
    expect(waitingLine(run({ kind: 'choreography' }), now)).toBe(
      'Nothing of it is under way; its flow goes on when what it awaits comes: ballet why orderId:8841',
    )
  })

  it('tells when a sleep is over, and where a child is seen', () => {
    expect(line({ kind: 'timer', for: 'timer', from: 'clock', until: '2026-02-02T12:00:10.000Z' })).toBe(
      'Sleeps until 2026-02-02 12:00:10Z (in 2d); it goes on by itself.',
    )
    expect(line({ kind: 'child', for: 'checkout:8841~wrap.0', from: 'wrap' })).toBe(
      "Waits for the run checkout:8841~wrap.0, 6s so far; see: ballet show 'checkout:8841~wrap.0'",
    )
  })

  it('tells what is special about it: when it begins, that it stops, that it takes things back, its deadline', () => {
    const at = '2026-01-31T14:00:10.000Z'
    expect(waitingLine(run({ phase: 'scheduled', at }), now)).toBe('Begins 2026-01-31 14:00:10Z (in 2h), by itself.')
    expect(waitingLine(run({ phase: 'scheduled', at, deadline: '2026-01-31T15:00:10.000Z' }), now)).toBe(
      'Begins 2026-01-31 14:00:10Z (in 2h), by itself; is cancelled at 2026-01-31 15:00:10Z (in 3h) if not done.',
    )
    expect(waitingLine(run({ at: '2026-01-31T12:00:08.000Z' }), now)).toContain('Running for 2s: ')
    const given = wait({ givenUp: true })
    expect(waitingLine(run({ phase: 'cancelling', deadline: at, waits: [given] }), now)).toBe(
      'Was asked to stop. Waits for payment.charge, 6s so far; it was given up, and its answer tells what there is to take back.',
    )
    const undo = wait({ op: 'undo:payment.charge#0', for: 'payment.refund', undoes: 'payment.charge#0' })
    expect(waitingLine(run({ phase: 'undoing', deadline: at, waits: [undo] }), now)).toBe(
      'It is cancelled at 2026-01-31 14:00:10Z (in 2h) if not done. Takes back what it did. Waits for payment.refund, which takes back payment.charge#0, 6s so far; it goes on when payment answers.',
    )
  })

  it('tells all that it waits for on one line', () => {
    expect(line({}, { kind: 'step', op: 'mail#0', for: 'mail', from: 'the workflow' })).toBe(
      'Waits for payment.charge, 6s so far; it goes on when payment answers. Waits for the step mail, 6s so far; it runs now.',
    )
    expect(line()).toBe('Running for 10s: its code has the word; it waits for nothing.')
    const unread = { code: 'RUN_UNREADABLE', message: 'the run "a" cannot be read: a page is damaged.', details: {} }
    const conducts = { kind: 'choreography', key: { field: 'orderId', value: '8841' } } as const
    for (const one of [run({ unread }), run({ unread, ...conducts })])
      expect(waitingLine(one, now)).toBe(
        'Running for 10s; what it waits for is not known: RUN_UNREADABLE: the run "a" cannot be read: a page is damaged.',
      )
  })

  it('does not blame the code for rows that cannot be read', () => {
    const unread = { code: 'RUN_UNREADABLE', message: 'the run "a" cannot be read: no key.', details: {} }
    expect(waitingLine(run({ status: 'stuck', reason: 'diverged', unread, choices: [] }), now)).toBe(
      'Stuck: what the store has of it cannot be read.',
    )
  })

  it('tells of a few of many things, and ends with a command that can be copied', () => {
    const signal = { kind: 'receive', op: 'receive#0', for: 'approve', from: 'signal' } as const
    const two = line(signal, { op: 'a#0' }, { ...signal, op: 'receive#1', for: 'go' })
    expect(two).toMatch(
      /^Waits for payment.charge, 6s so far; it goes on when payment answers[.] Waits for the signal go, 6s so far[.]/,
    )
    expect(two).toMatch(/send it: ballet signal checkout:8841 approve --data '<json>'$/)
    const many = line(...Array.from({ length: 60 }, (_, at) => ({ op: `payment.charge#${at}` })))
    expect(many.match(/Waits for payment.charge/g)).toHaveLength(4)
    expect(many).toMatch(/It waits for 56 more[.]$/)
  })

  it('says that it is suspected, and of what', () => {
    const suspected = (what: string, deaths: number): string => waitingLine(run({ suspect: { what, deaths } }), now)
    const next =
      'It is tried again by itself, alone, after a while, and is stuck when 3 have died so. If it does, mend the code and start it anew.'
    expect(suspected('turn 3', 1)).toContain(
      `It may end the process: one died while it alone was at work (turn 3). ${next} Running`,
    )
    expect(suspected('pay.charge#0', 2)).toContain(
      `It may end the process: 2 died while it alone was at work (pay.charge#0). ${next}`,
    )
    expect(suspected('its replay', 0)).toContain(
      'It may end the process: one died while it and others were at work (its replay). They are tried again by themselves, with fewer at a time. Running',
    )
  })

  it('does not say of a suspected run that its service is waited for', () => {
    const suspect = { what: 'payment.charge#0', deaths: 2 }
    expect(waitingLine(run({ suspect, waits: [wait({})] }), now)).toMatch(
      /Waits for payment.charge, 6s so far; it is made again when the run is tried[.]$/,
    )
  })
})

describe('a run that does not', () => {
  it('tells how long it took', () => {
    expect(waitingLine(run({ status: 'completed', ended: '2026-01-31T12:00:01.240Z' }), now)).toBe(
      'Completed in 1.24s.',
    )
    expect(waitingLine(run({ status: 'cancelled', ended: '2026-01-31T12:01:00.000Z' }), now)).toBe(
      'Cancelled after 1m.',
    )
    const details = { id: 'checkout:8841', by: 'ann', why: 'ordered twice.' }
    const cancelled = { code: 'RUN_CANCELLED', message: 'The run was cancelled', details }
    expect(waitingLine(run({ status: 'cancelled', error: cancelled, ended: '2026-01-31T12:01:00.000Z' }), now)).toBe(
      'Cancelled by ann after 1m: ordered twice.',
    )
    const error = { code: 'TERMINAL', message: 'no such customer.' }
    expect(waitingLine(run({ status: 'failed', error, ended: '2026-01-31T12:00:01.000Z' }), now)).toBe(
      'Failed after 1s: TERMINAL: no such customer.',
    )
  })

  it('tells why it is stuck and the choices', () => {
    const attempt = { number: 10, error: { code: 'Error', message: 'the bank is away' }, next: null }
    const stuck = run({
      status: 'stuck',
      reason: 'call',
      waits: [wait({ attempt })],
      choices: [
        { action: 'retry', op: 'payment.charge#0' },
        { action: 'answer', op: 'payment.charge#0' },
        { action: 'cancel' },
      ],
    })
    const words =
      'payment.charge#0 failed after 10 attempts (Error: the bank is away); not tried again by itself. You can: retry, answer payment.charge#0; cancel the run.'
    expect(waitingLine(stuck, now)).toBe(`Stuck: ${words}`)
    expect(waitingLine({ ...stuck, phase: 'undoing' }, now)).toBe(`Stuck while it takes back what it did: ${words}`)
    const two = { ...stuck, waits: [wait({ attempt }), wait({ attempt, op: 'b#0' }), wait({ op: 'c#0' })] }
    expect(waitingLine(two, now)).toContain(
      ': payment.charge#0 failed after 10 attempts (Error: the bank is away), and 1 more; not tried',
    )
    const gone = { number: 2, error: { code: 'CODE_MISSING', message: 'The run "m" needs payment.charge' }, next: null }
    expect(waitingLine({ ...stuck, waits: [wait({ attempt: gone })] }, now)).toContain(
      'needs payment.charge); it goes on by itself when the application that runs has that again. You can: retry',
    )
    expect(choiceLines({ ...stuck, id: 'checkout:a~b' })).toEqual([
      "  ballet retry 'checkout:a~b' --op 'payment.charge#0'",
      "  ballet answer 'checkout:a~b' 'payment.charge#0' --value '<json>'",
      "  ballet cancel 'checkout:a~b'",
    ])
  })

  it('tells what has to come first', () => {
    const threw = run({
      status: 'stuck',
      reason: 'threw',
      choices: [{ action: 'retry', after: 'mend the code' }, { action: 'fail' }, { action: 'cancel' }],
    })
    expect(waitingLine(threw, now)).toBe(
      'Stuck: its code threw. You can: mend the code and retry, cancel the run; fail the run, which leaves what it did as it is.',
    )
    expect(choiceLines(threw)).toEqual([
      '  mend the code, then: ballet retry checkout:8841',
      "  ballet fail checkout:8841 --message '<text>'   # what it did stays done",
      '  ballet cancel checkout:8841',
    ])
  })

  it('gives the hint of the error where there is no choice', () => {
    const error = { code: 'RUN_THREW', message: 'The code of workflow checkout threw TypeError: x is not a function' }
    expect(waitingLine(run({ status: 'stuck', reason: 'threw', error }), now)).toBe(
      'Stuck: its code threw (RUN_THREW: The code of workflow checkout threw TypeError: x is not a function). Mend the code and start the application again: the run goes on from there.',
    )
    expect(waitingLine(run({ status: 'stuck', reason: 'something-new' }), now)).toBe('Stuck: something-new.')
  })

  it.each([
    [
      `DURATION_INVALID: "2 days" is not a duration.`,
      ' Write a number and ms, s, m, h or d, for example "90s" or "1.5h". You can: ',
    ],
    [
      'OP_ID_REPEATED: The id "a.do/x" is used twice.',
      ' Give every call of one name an id of its own, or none. You can: ',
    ],
    ['INPUT_INVALID: the input of a.do is not valid at id: not a text.', 'not a text). You can: '],
    ['NOT_OF_BALLET: something.', 'something). You can: '],
  ])('says what to do about %s, which the code of a run threw', (thrown, told) => {
    const error = { code: 'RUN_THREW', message: `The code of the run "r" threw ${thrown}` }
    const choices = [{ action: 'retry', after: 'mend the code' }] as RunView['choices']
    expect(waitingLine(run({ status: 'stuck', reason: 'threw', error, choices }), now)).toContain(told)
  })

  it.each([
    ['threw', 'FOREIGN_AWAIT', ' Wrap it in run.step(name, fn), or make it an operation;'],
    ['diverged', 'RUN_DIVERGED', ' Restore the code that wrote it, or guard the change with run.patched(id).'],
  ])('says how code that %s is mended, before what can be done with the run', (reason, code, hint) => {
    const choices = [{ action: 'retry', after: 'mend the code' }] as const
    const words = waitingLine(run({ status: 'stuck', reason, choices, error: { code, message: 'it' } }), now)
    expect(words).toContain(`(${code}: it).${hint}`)
    expect(words).toContain(' You can: mend the code and retry the run.')
  })
})

it('quotes what a shell would not take as it is', () => {
  expect(shellWord('checkout:8841')).toBe('checkout:8841')
  expect(shellWord('a~b#0')).toBe("'a~b#0'")
  expect(shellWord("it's")).toBe(`'it'\\''s'`)
})

it('says of a run whose code cannot go on that it was asked to stop', () => {
  const words = waitingLine(run({ status: 'stuck', reason: 'poisoned', phase: 'cancelling' }), now)
  expect(words).toBe(
    'Stuck: the process died of it again and again. It was asked to stop, and does so once it is retried with code that can go on.',
  )
})

it('repeats in a command which application was meant, as a shell takes it', () => {
  const words = new Map([['store', "file:my shop's.db"]])
  const place = placeWords({ text: (name) => words.get(name) })
  expect(place).toBe(` --store 'file:my shop'\\''s.db'`)
  expect(choiceLines(run({ status: 'stuck', choices: [{ action: 'cancel' }] }), place)).toEqual([
    `  ballet cancel checkout:8841${place}`,
  ])
  expect(placeWords({ text: () => undefined })).toBe('')
})
