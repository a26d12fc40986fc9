// What everybody here says to each other: a claim, a task and how they end, and the events of the services. Money is in
// cents. Everything about a claim has its key, so that it stands in one sequence.
import { event, signal } from 'ballet'
import { z } from 'zod'

export const ClaimId = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'use 1 to 64 letters, digits and . _ -')
/** A person, or a group of them. */
export const Name = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'use 1 to 32 small letters, digits and -')
export const Text = z.string().max(500)
/** Who makes the calls once a claim is approved: a workflow, or the services by reacting to each other. */
export const Style = z.enum(['orchestrated', 'choreographed'])

/** Somebody wants money back. An account called `closed` takes none. */
export const Claim = z.object({
  claimId: ClaimId,
  by: Name,
  amount: z.int().min(1).max(100_000_000),
  reason: Text.min(1),
  account: z.string().min(1).max(64),
  style: Style,
  /** Who is asked, one after the other. Nobody: it is approved by rule. */
  line: z.array(Name),
  /** How long each of them has. */
  decideWithinMs: z.int().min(1),
})
export type Claim = z.infer<typeof Claim>

export const Said = z.object({ by: Name, text: Text })
export type Said = z.infer<typeof Said>

/** Something that a person is asked to do by a certain time: to decide about a claim, or to answer a question about their own. */
export const Task = z.object({
  assignee: Name,
  kind: z.enum(['decide', 'answer']),
  claim: Claim.pick({ claimId: true, by: true, amount: true, reason: true }),
  /** Questions and answers so far. */
  said: z.array(Said),
  /** ISO 8601. */
  due: z.string(),
})
export type Task = z.infer<typeof Task>

export const Decision = z.object({ by: Name, decision: z.enum(['approve', 'reject', 'ask', 'answer']), note: Text })
export type Decision = z.infer<typeof Decision>
/** What a task came to; null when nobody did anything in time. */
export const TaskEnd = z.object({ decision: Decision.nullable() })

/** `expired`: nobody has decided, or the claimant has not answered. `bounced`: the bank would not pay. */
export const Status = z.enum(['paid', 'rejected', 'withdrawn', 'expired', 'bounced'])
export const ClaimEnd = z.object({ status: Status, note: Text })
export type ClaimEnd = z.infer<typeof ClaimEnd>

export const Decide = signal('decide', Decision)
export const Withdraw = signal('withdraw', z.object({}))

export const Payable = Claim.pick({ claimId: true, amount: true, account: true })
export const About = z.object({ claimId: ClaimId })
/** Why a claim that was approved is not paid. */
export const Why = z.enum(['bounced', 'withdrawn'])
const Refused = About.extend({ why: Why })
const key = { key: 'claimId' } as const

export const ClaimApproved = event('claim.approved', Payable, key)
export const ClaimWithdrawn = event('claim.withdrawn', About, key)
export const ClaimBooked = event('claim.booked', Payable, key)
export const BookingReversed = event('booking.reversed', Refused, key)
export const PaymentMade = event('payment.made', About, key)
export const PaymentRefused = event('payment.refused', Refused, key)
export const PaymentStopped = event('payment.stopped', About, key)
export const StopTooLate = event('payment.stop-too-late', About, key)
