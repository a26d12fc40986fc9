// `ballet schedules`, `pause`, `resume` and `trigger` against a real server.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Sandbox } from './sandbox.ts'

const application = `
import { ballet, schedule, workflow } from 'ballet'
import { z } from 'zod'
const reconcile = workflow('reconcile', { input: z.string(), output: z.string() }, async (run, day) => run.step('look', () => day))
export default ballet({ name: 'books', services: [], workflows: [reconcile], schedules: [
  schedule('nightly', { cron: '0 3 29 2 *', timezone: 'Europe/Lisbon', call: ({ day }) => day === '2024-01-01' ? null : reconcile(day) }),
  schedule('often', { every: '90d', call: ({ at }) => reconcile(at) }),
] })
`

let box: Sandbox
beforeAll(async () => {
  box = new Sandbox({ 'app.ts': application })
  await box.serve()
})
afterAll(() => box.remove())

test('schedules are listed, paused by somebody, resumed, and fired by hand', async () => {
  const listed = await box.run(['schedules'])
  expect(listed.stdout).toMatch(/^nightly +active +0 3 29 2 \* +Europe\/Lisbon +2028-02-29 03:00:00Z +-/m)
  expect(listed.stdout).toMatch(/^often +active +every 90d +UTC +/m)

  const paused = await box.run(['pause', 'nightly', '--by', 'ana', '--why', 'the bank is closed'])
  expect(paused).toMatchObject({ code: 0, stdout: 'nightly is paused: it fires no more until it is resumed.\n' })
  expect((await box.run(['schedules'])).stdout).toMatch(/^nightly +paused .* - +- +paused by ana: the bank is closed/m)
  expect((await box.run(['resume', 'nightly'])).stdout).toBe('nightly goes on with its next time.\n')

  const at = ['--at', '2024-02-29T03:00:00Z']
  expect(await box.run(['trigger', 'nightly', ...at])).toMatchObject({ code: 0, stdout: 'nightly@20240229T030000Z\n' })
  const again = await box.json(['trigger', 'nightly', ...at])
  expect(again).toMatchObject({ code: 0, value: { id: 'nightly@20240229T030000Z', created: false } })
  const { stdout } = await box.run(['show', 'nightly@20240229T030000Z'])
  expect(stdout).toContain('reconcile')
})

test('what is not there, and what comes to no call, is said', async () => {
  const unknown = await box.run(['pause', 'nightli'])
  expect(unknown.stderr).toContain('There is no schedule "nightli" here. Did you mean "nightly"?')
  const nothing = await box.run(['trigger', 'nightly', '--at', '2024-01-01T03:00:00Z'])
  expect(nothing.stderr).toContain('the schedule comes to no call at that time')
  expect((await box.run(['cancel', '@schedule:nightly'])).stderr).toContain('it is a schedule: pause it')
})
