// `ballet dev`: the code changes while runs are open, and none is lost. Real processes on a real file.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { application } from './application.ts'
import { Sandbox, type Process } from './sandbox.ts'

let box: Sandbox
let dev: Process
const order = JSON.stringify({ orderId: 'd-1', total: 5 })

beforeEach(async () => {
  box = new Sandbox({ 'app.ts': application })
  dev = box.begin(['dev', 'app.ts', '--port', '0'])
  await dev.until(/ serves http/)
})
afterEach(() => box.remove())

it('starts again with the new code, and the open run goes on', async () => {
  await box.run(['start', 'checkout', '--input', order])
  box.write('app.ts', application.replace('version 1, approved', 'version 2, approved'))
  await dev.until(/app\.ts changed: starting again/)
  await dev.until(/1 open run recovered/)
  await box.run(['signal', 'checkout:d-1', 'approve', '--data', '{"by":"ann"}'])
  const { value } = await box.json(['start', 'checkout', '--input', order, '--wait', '10s'])
  expect(value).toMatchObject({ created: false, run: { output: { status: 'version 2, approved by ann' } } })
})

it('does not take its own note for a source where the store lies among those', async () => {
  const beside = box.begin(['dev', 'app.ts', '--port', '0', '--store', 'file:data.db'])
  await beside.until(/ serves http/)
  expect(existsSync(join(box.folder, 'process.json'))).toBe(true)
  box.write('app.ts', application.replace('version 1, approved', 'version 2, approved'))
  await beside.until(/app\.ts changed: starting again/)
  await beside.until(/ serves http/, 2)
  beside.child.kill('SIGTERM')
  expect((await beside.ended).stderr).not.toContain('process.json changed')
})

it('shows what is broken, keeps watching, and goes on when it is mended', async () => {
  await box.run(['start', 'checkout', '--input', order])
  box.write('app.ts', `${application}\nconst broken = {`)
  await dev.until(/is not an application:\s+file:\S+app\.ts:\d+/)
  await dev.until(/ended \(exit code 2\); a change starts it again/)
  expect((await box.run(['show', 'checkout:d-1'])).stdout).toMatch(/^Waits for /)
  box.write('app.ts', application)
  await dev.until(/1 open run recovered/)
  expect(await box.json(['show', 'checkout:d-1'])).toMatchObject({ value: { run: { status: 'running' } } })
})

it('names the line of the author that awaits what is not durable, and none of Ballet', async () => {
  const lines = [
    "import { ballet, workflow } from 'ballet'",
    "import { z } from 'zod'",
    "const nap = workflow('nap', { input: z.null(), output: z.null() }, async () => {",
    '  await new Promise((resolve) => setTimeout(resolve, 50))',
    '  return null',
    '})',
    'export default ballet({ services: [], workflows: [nap] })',
  ]
  box.write('app.ts', lines.join('\n'))
  await dev.until(/app\.ts changed: starting again/)
  await dev.until(/ serves http/, 2)
  await box.run(['start', 'nap', '--input', 'null'])
  const [, place] = await dev.until(/is not durable \(a timer, begun at (\S+)\)/)
  expect(place).toMatch(/app\.ts:4$/)
  // All frames of the stack are Ballet's own.
  expect(dev.stderr.split('\n').find((line) => line.includes('is not durable'))).not.toContain('"stack"')
})

it('ends its child and then itself', async () => {
  const { pid } = JSON.parse(readFileSync(processFile(), 'utf8')) as { readonly pid: number }
  dev.child.kill('SIGTERM')
  const { code, stdout, stderr } = await dev.ended
  expect(code).toBe(0)
  expect(stderr).toContain('Ended. Open runs go on at the next start.')
  expect(stderr).not.toContain('a change starts it again')
  expect(stdout).toContain(`process ${pid}`)
  expect(() => process.kill(pid, 0)).toThrow('ESRCH')
})

it('leaves no child behind when it is killed', async () => {
  dev.child.kill('SIGKILL')
  // The outputs are the child's as well: they close when it has ended.
  const { stderr } = await dev.ended
  expect(stderr).toContain('Ending (its parent has ended)')
  expect(stderr).toContain('Ended. Open runs go on at the next start.')
  expect(existsSync(processFile())).toBe(false)
})

function processFile(): string {
  return join(box.folder, '.ballet', 'process.json')
}
