// The way of a deal as a contract: which events follow which, by when, and how it can end. Nothing runs by it: `ballet
// check` holds the reactions to it before anything runs, and the monitor tells which deal waits for whom, and who is late.
import { all, choice, choreography, optional, precedence, seq } from 'ballet'
import {
  DealLost,
  DealPaid,
  DealUpdated,
  DealWithdrawn,
  DealWon,
  Invoiced,
  InvoiceCredited,
  InvoicePaid,
  InvoiceRefused,
  LossReported,
  NothingToCredit,
  ProjectReleased,
  ProjectStaffed,
  RefusalNoted,
  ReportOutdated,
  WinReported,
} from './contracts.ts'

const won = seq(WinReported, DealWon.within('1h'))
const carried = seq(won, Invoiced.within('1h'), ProjectStaffed.within('1d'), DealUpdated.within('1h'))
const refused = seq(won, InvoiceRefused.within('1h'), RefusalNoted.within('1h'))

const lost = seq(LossReported, DealLost.within('1h'))
const takenBack = seq(lost, InvoiceCredited.within('1d'), ProjectReleased.within('1d'), DealWithdrawn.within('1h'))
const nothingToTakeBack = seq(lost, NothingToCredit.within('1h'))

/** Whoever says it, a webhook of accounting or the reconciliation: it is one event. */
const payment = optional(seq(InvoicePaid, DealPaid.within('1h')))

export const dealFlow = choreography(
  'deal',
  { key: 'dealId' },
  choice(
    all(carried, payment).as('won'),
    all(carried, takenBack, payment).as('taken-back'),
    all(refused, optional(nothingToTakeBack)).as('refused'),
    // The report of the win came late, or never.
    all(nothingToTakeBack, optional(seq(WinReported, ReportOutdated.within('1h')))).as('lost'),
  ),
  {
    outside: [LossReported, InvoicePaid],
    always: [precedence(DealWon, InvoicePaid), precedence(Invoiced, InvoiceCredited)],
  },
)
