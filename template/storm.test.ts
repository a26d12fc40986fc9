// The application in storms: processes die, hang and are replaced, commits are lost, requests come late, twice or never. Each
// story comes from a number, and `simulate(story, { from: 17, seeds: 1 })` tells the 17th again, to the last line.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { simulate, type Dice, type Story } from 'ballet/testing'
import { applicationWith } from './app.ts'
import { order } from './order.ts'
import { makeStock } from './stock.ts'

function story(dice: Dice): Story {
  // What a service knows is made for each story, and survives all that dies in it.
  const { stock, piecesOf } = makeStock()
  const before = piecesOf('tutu')
  const confirmed: string[] = []
  const buy = (orderId: string) => order({ orderId, item: 'tutu', amount: dice.between(1, 20_000) })
  const orders = ['1', '2', '3'].map(buy)
  return {
    application: applicationWith(stock),
    // Whoever has no answer asks again, under the same id.
    clients: async (app) => {
      const started = await Promise.all(orders.map((call) => app.start(call)))
      for (const { id } of started) {
        const run = await app.settled(id, 60_000)
        if (isDeepStrictEqual(run?.output, { status: 'confirmed' })) confirmed.push(id)
      }
    },
    // Whatever went wrong: what is not confirmed is on the shelf again, and what is confirmed is gone once.
    judge: () => assert.equal(piecesOf('tutu'), before - confirmed.length),
  }
}

test('whatever dies, what was not sold is on the shelf again', async () => {
  const { found, crashes } = await simulate(story, { seeds: 100 })
  assert.equal(found, null)
  assert.ok(crashes > 0)
})
