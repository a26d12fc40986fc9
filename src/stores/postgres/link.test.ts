// What the driver keeps of a query that was answered. It is looked at in the driver's own objects, whose fields are not
// documented: where a version of it names them otherwise, this says so.
import { afterEach, expect, test } from 'vitest'
import { newPlace } from '../../../test/postgres/subject.ts'
import { systemClock } from '../../engine/clock.ts'
import { readAddress } from './address.ts'
import { loadDriver, type Driver } from './driver.ts'
import { openLink } from './link.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** Whether a text stands in what an object has of its own, or in what that has. */
function keeps(found: unknown, text: string, depth = 3): boolean {
  if (found === text) return true
  if (typeof found !== 'object' || found === null || depth === 0) return false
  return Object.values(found).some((value) => keeps(value, text, depth - 1))
}

/** The driver, which shows the queries of its sessions. */
function shown(driver: Driver, queries: object[]): Driver {
  return (options) => {
    const sql = driver(options)
    const reserve = sql.reserve.bind(sql)
    sql.reserve = async () => {
      const session = await reserve()
      const unsafe = session.unsafe.bind(session)
      return Object.assign(session, {
        unsafe: (...asked: Parameters<typeof unsafe>) => {
          const query = unsafe(...asked)
          queries.push(query)
          return query
        },
      })
    }
    return sql
  }
}

test.each(['', '&prepare=false'])('an answered query keeps nothing of what was sent (%s)', async (options) => {
  const place = await newPlace()
  closing.push(() => place.drop())
  const queries: object[] = []
  const link = await openLink(shown(await loadDriver(), queries), readAddress(place.url(options)), systemClock)
  closing.push(() => link.close())
  const sent = 'what was sent'
  const answered = link.send({ text: 'SELECT length($1)', parameters: [sent] })
  expect(queries.map((query) => keeps(query, sent))).toEqual([true])
  expect((await answered).rows).toEqual([[sent.length]])
  expect(queries.map((query) => keeps(query, sent))).toEqual([false])
})
