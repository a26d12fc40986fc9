// The counter between a client and its server: it counts what is executed, and nothing else that goes by.
import postgres from 'postgres'
import { expect, it } from 'vitest'
import { serverUrl } from '../test/postgres/subject.ts'
import { countStatements } from './statement-counter.ts'

it('counts simple and prepared statements exactly', async () => {
  const counter = await countStatements(await serverUrl())
  const sql = postgres(counter.url, { max: 1, fetch_types: false })
  const during = async (work: () => Promise<unknown>): Promise<number> => {
    const before = counter.statements()
    await work()
    return counter.statements() - before
  }
  try {
    await sql`SELECT 1`
    expect(await during(() => sql.unsafe('SELECT 1'))).toBe(1)
    expect(await during(() => sql`SELECT ${'x'.repeat(200_000)}::text`)).toBe(1)
    expect(await during(() => Promise.all(Array.from({ length: 20 }, (_, index) => sql`SELECT ${index}::int`)))).toBe(
      20,
    )
    expect(await during(() => sql.begin((tx) => tx`SELECT ${1}::int`))).toBe(3)
  } finally {
    await sql.end()
    counter.close()
  }
})
