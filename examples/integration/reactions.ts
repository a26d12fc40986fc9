// Who reacts to what. The three systems know nothing of each other, and nobody is in charge. Read from top to bottom, it is
// what happens to a deal.
//
// Reactions of one service to one deal follow each other in the order of their events. That is what keeps a loss behind the
// win: the CRM is asked about the loss after it was asked about the win, accounting credits after it has invoiced, HR
// releases after it has staffed, whichever of them was slow, down, or stuck for a day.
import {
  DealLost,
  DealWon,
  Invoiced,
  InvoiceCredited,
  InvoicePaid,
  InvoiceRefused,
  LossReported,
  ProjectReleased,
  ProjectStaffed,
  WinReported,
} from './contracts.ts'
import type { Services } from './integration.ts'

export function connect({ crm, accounting, hr }: Services): void {
  // A deal is won: an invoice, a team, and the CRM shows both.
  crm.on(WinReported, (report) => crm.confirmWin(report))
  accounting.on(DealWon, (deal) => accounting.invoice(deal))
  hr.on(Invoiced, ({ dealId, invoiceNumber, title, hours }) => hr.staff({ dealId, invoiceNumber, title, hours }))
  crm.on(ProjectStaffed, ({ dealId, invoiceNumber, team }) => crm.update({ dealId, invoiceNumber, team }))
  crm.on(InvoiceRefused, (refused) => crm.noteRefusal(refused))

  // The invoice is paid: the CRM shows that.
  crm.on(InvoicePaid, ({ dealId }) => crm.markPaid({ dealId }))

  // The deal is lost after all: all of it is taken back, last the CRM says so.
  crm.on(LossReported, (report) => crm.confirmLoss(report))
  accounting.on(DealLost, (deal) => accounting.credit(deal))
  hr.on(InvoiceCredited, ({ dealId, creditNote }) => hr.release({ dealId, creditNote }))
  crm.on(ProjectReleased, (released) => crm.withdraw(released))
}
