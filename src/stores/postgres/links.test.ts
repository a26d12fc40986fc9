// Who gets a connection when there are fewer than are asked for, and in which order what has one key is done.
import { expect, test } from 'vitest'
import { gate } from '../../../test/support/applications.ts'
import type { Link } from './link.ts'
import { Links } from './links.ts'

/** Connections that are only lent, and what is done on them: each thing has its end when its gate is opened. */
function lending(limit: number) {
  let made = 0
  const links = new Links(limit, async () => ({ isOpen: true, name: ++made }) as unknown as Link)
  const begun: string[] = []
  const ask = (key: number, name: string) => {
    const door = gate()
    const done = links.inOrder(key, () => (begun.push(name), door.promise))
    return { end: () => (door.open(), done) }
  }
  return { begun, ask }
}

const aMoment = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

test('what has one key is sent at once behind what is under way, as long as nobody else waits', async () => {
  const { begun, ask } = lending(1)
  const asked = ['a', 'b', 'c'].map((name) => ask(1, name))
  await aMoment()
  expect(begun).toEqual(['a', 'b', 'c'])
  await Promise.all(asked.map(({ end }) => end()))
})

test('a key of which there is always more does not keep the only connection from another one', async () => {
  const { begun, ask } = lending(1)
  const first = ask(1, 'first')
  await aMoment()
  const [other, second, third] = [ask(2, 'other'), ask(1, 'second'), ask(1, 'third')]
  await aMoment()
  expect(begun).toEqual(['first'])
  await first.end()
  await aMoment()
  expect(begun).toEqual(['first', 'other'])
  await other.end()
  await aMoment()
  expect(begun).toEqual(['first', 'other', 'second', 'third'])
  await Promise.all([second, third].map(({ end }) => end()))
})

test('what goes behind others does not overtake what is under way of its key, though another connection is free before', async () => {
  const { begun, ask } = lending(2)
  const [first, other] = [ask(1, 'first'), ask(2, 'other')]
  await aMoment()
  const [waiting, second] = [ask(3, 'waiting'), ask(1, 'second')]
  await other.end()
  await aMoment()
  await waiting.end()
  await aMoment()
  expect(begun).toEqual(['first', 'other', 'waiting'])
  await first.end()
  await aMoment()
  expect(begun).toEqual(['first', 'other', 'waiting', 'second'])
  await second.end()
})
