// Every way that a deal can go, by the contract: the reactions as they are, services that answer by script in every order
// that the flow allows, a loss at every moment. Each path must end, and the monitor must say as what.
import { everyPath, type EventData } from 'ballet/testing'
import { expect, test } from 'vitest'
import { dealFlow } from './choreography.ts'
import {
  DealPaid,
  DealWon,
  Invoiced,
  InvoiceCredited,
  InvoicePaid,
  LossReported,
  NothingToCredit,
  ReportOutdated,
  WinReported,
} from './contracts.ts'
import { makeIntegration, systemsOf } from './integration.ts'

/** What the samples cannot know: what a system answers depends on what has come before. */
const data: EventData = {
  // A deal that was lost when the win was reported late is found to be lost; one that is lost afterwards may be found either way.
  [DealWon.type]: ({ path }) => (isBehind(path, LossReported.type, WinReported.type) ? null : {}),
  [ReportOutdated.type]: ({ path }) => (path.includes(LossReported.type) ? {} : null),
  [InvoiceCredited.type]: ({ path }) => (path.includes(Invoiced.type) ? {} : null),
  [NothingToCredit.type]: ({ path }) => (path.includes(Invoiced.type) ? null : {}),
  [DealPaid.type]: ({ path }) => (path.includes(InvoicePaid.type) ? {} : null),
}
const isBehind = (path: readonly string[], first: string, then: string): boolean =>
  path.includes(first) && path.indexOf(first) < path.indexOf(then)

test('a deal that nobody has paid yet, lost at any moment or not at all', async () => {
  const { definition } = makeIntegration(systemsOf({}))
  const { paths, cut, unseen } = await everyPath(definition, dealFlow, { data, without: [InvoicePaid] })
  const endings = dealFlow.flow.endings.map((ending) => [ending, paths.filter((path) => path.ending === ending).length])
  expect(Object.fromEntries(endings)).toEqual({ won: 1, refused: 11, lost: 7, 'taken-back': 36 })
  expect(cut).toEqual([])
  expect(unseen).toEqual([DealPaid.type])
})
