import { describe, expect, it } from 'vitest'
import { Driver, event, linesOf, replay, type Body } from '../../test/core/machine-driver.ts'
import { expectRepeats } from '../../test/core/repeats.ts'

describe('an event under a name that others may use', () => {
  const emitting =
    (options?: { readonly id?: string; readonly source?: string }): Body =>
    async (run) => {
      run.emit(event('order.paid'), options)
      await run.step('after', () => {})
    }

  it('has it in its command; without one the command is as it always was', async () => {
    const line = async (body: Body): Promise<unknown> => {
      const driver = new Driver(body)
      await driver.start()
      await expectRepeats(driver)
      return linesOf(driver)[0]
    }
    const head = '[{"kind":"emit","op":"emit:order.paid#0","type":"order.paid","key":"orderId:8841"'
    const tail = '"input":{}},{"kind":"step","op":"after#0"}]'
    for (const options of [undefined, {}]) expect(await line(emitting(options))).toBe(`${head},${tail}`)
    expect(await line(emitting({ id: '2026-1:paid', source: 'bank' }))).toBe(
      `${head},"source":"bank","id":"2026-1:paid",${tail}`,
    )
    expect(await line(emitting({ source: 'bank' }))).toBe(`${head},"source":"bank",${tail}`)
  })

  it.each([{ id: 'other' }, { id: 'one', source: 'bank' }, {}])(
    'is another one under another name: %j',
    async (options) => {
      const driver = new Driver(emitting({ id: 'one' }))
      await driver.start()
      await driver.done('after#0')
      const { verdicts } = await replay(driver, emitting(options))
      expect(verdicts[0]?.kind).toBe('different')
    },
  )

  it.each([{ id: 'two words' }, { source: '' }])('is refused when it is none: %j', async (options) => {
    const driver = new Driver(emitting(options))
    expect(await driver.start()).toMatchObject({ kind: 'threw', error: { cause: { code: 'ID_INVALID' } } })
  })
})
