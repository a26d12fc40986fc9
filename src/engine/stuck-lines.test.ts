// What the log says of a storm of stuck runs: the first of it one by one, and how many more there were.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { SteppedClock } from '../../test/support/clocks.ts'
import { keptLog, openForTest, until } from '../../test/support/applications.ts'
import { ballet, workflow } from '../index.ts'
import { StuckLines } from './stuck-lines.ts'

const threw = { name: 'pay', reason: 'threw', code: 'RangeError' }

function lines() {
  const log = keptLog()
  const clock = new SteppedClock()
  const stuckLines = new StuckLines({ clock, log })
  const say = (count: number, run: Omit<Parameters<StuckLines['say']>[0], 'id'> = threw): void => {
    for (let nth = 1; nth <= count; nth++)
      stuckLines.say({ ...run, id: `${run.name}:${nth}` }, `${run.name} ${nth} is stuck`)
  }
  return { log, clock, stuckLines, say }
}

test('of one name and reason ten lines are written in a minute, and then how many more there were', () => {
  const { log, clock, say } = lines()
  say(10)
  expect(log.lines).toHaveLength(10)
  say(3412)
  expect(log.lines).toHaveLength(10)
  clock.pass(60_000)
  expect(log.lines.slice(10)).toEqual([
    'error Runs of pay became stuck (threw) 3412 more times within a minute, the last of them "pay:3412": ballet runs --reason threw --name pay shows them',
  ])
  say(1)
  expect(log.lines[11]).toBe('error pay 1 is stuck')
})

test('of what is set aside ten lines are written in a minute of each kind and error, and then how much more there was', () => {
  const { log, clock, stuckLines } = lines()
  const start = { kind: 'start', code: 'CODEC_FAILED' } as const
  for (let nth = 1; nth <= 5000; nth++) stuckLines.aside({ ...start, target: `flow:${nth}` }, `${nth} lies aside`)
  stuckLines.aside({ kind: 'event', code: 'CODEC_FAILED', target: 'told' }, 'an event lies aside')
  expect(log.lines.slice(9)).toEqual(['error 10 lies aside', 'error an event lies aside'])
  clock.pass(60_000)
  expect(log.lines.slice(11)).toEqual([
    'error What came (start) was set aside 4990 more times within a minute, the last of it for flow:5000: ballet aside --kind start shows it',
  ])
})

test('those of another name or reason are told beside them', () => {
  const { log, say } = lines()
  say(11)
  say(1, { ...threw, name: 'ship' })
  say(1, { ...threw, reason: 'call' })
  expect(log.lines.slice(10)).toEqual(['error ship 1 is stuck', 'error pay 1 is stuck'])
})

test('a few in each minute are told one by one for ever, and there is nothing to sum up', () => {
  const { log, clock, say } = lines()
  for (let minute = 0; minute < 5; minute++) {
    say(6)
    clock.pass(60_000)
  }
  expect(log.lines).toHaveLength(30)
})

test('what was not told when the application is closed is told then, and nothing of it comes later', async () => {
  const log = keptLog()
  const fail = workflow('fail', { input: z.number(), output: z.null() }, () => {
    throw new RangeError('no')
  })
  const app = await openForTest(ballet({ services: [], workflows: [fail] }), { log })
  for (let nth = 1; nth <= 15; nth++) await app.start(fail(nth), { id: `f-${nth}` })
  await until(app, null, async () => (await app.counts()).counts[0]?.runs === 15)
  expect(log.lines.filter((line) => line.includes('is stuck (threw)'))).toHaveLength(10)
  await app.close()
  expect(log.lines.filter((line) => line.includes('stuck'))).toEqual([
    ...Array.from({ length: 10 }, (_, at) => expect.stringContaining(`The run "f-${at + 1}" is stuck`) as string),
    expect.stringMatching(
      /^error Runs of fail became stuck \(threw\) 5 more times within a minute, the last of them "f-15"/,
    ),
  ])
})
