// What follows an approval: the claim is booked and paid; where paying fails, or the claimant withdraws in time, the booking
// is reversed. Here it is in both styles, with the same operations of the same services.
import { after, all, choice, choreography, optional, seq, type Run } from 'ballet'
import type { z } from 'zod'
import {
  BookingReversed,
  ClaimApproved,
  ClaimBooked,
  ClaimWithdrawn,
  PaymentMade,
  PaymentRefused,
  PaymentStopped,
  StopTooLate,
  type Claim,
  type Status,
} from './contracts.ts'
import type { Services } from './services.ts'

type Settled = Extract<z.infer<typeof Status>, 'paid' | 'bounced' | 'withdrawn'>

/** In the style of the claim. `withdrawal` resolves when the claimant withdraws. */
export const settle = (
  run: Run<never, never, 'claimId'>,
  claim: Claim,
  services: Services,
  withdrawal: Promise<unknown>,
): Promise<Settled> =>
  claim.style === 'orchestrated'
    ? settleByCalls(run, claim, services, withdrawal)
    : settleByReactions(run, claim, withdrawal)

/** The run calls the services. */
async function settleByCalls(
  run: Run,
  { claimId, amount, account }: Claim,
  { accounting, bank }: Services,
  withdrawal: Promise<unknown>,
): Promise<Settled> {
  let settled: Settled = 'bounced'
  let stopping: Promise<unknown> = Promise.resolve()
  const listening = withdrawal.then(() => (stopping = run.call(bank.stop({ claimId }))))
  listening.catch(() => {})
  await run.call(accounting.book({ claimId, amount, account }), {
    undo: () => (settled === 'paid' ? null : accounting.reverse({ claimId, why: settled })),
  })
  // Who withdraws before the bank is asked is in time for sure; behind that the bank decides.
  await stopping
  const answer = await run.call(bank.pay({ claimId, amount, account }), {
    // Of a payment that nobody heard of, and that an operator has given up: it is not made later either.
    undo: (outcome) => (outcome === undefined ? bank.stop({ claimId }) : null),
  })
  settled = PaymentMade.is(answer) ? 'paid' : answer.data.why
  if (settled !== 'paid') await run.undo()
  return settled
}

/** The services react to each other; the run says that they may, and hears how it went. */
async function settleByReactions(
  run: Run<never, never, 'claimId'>,
  { claimId, amount, account }: Claim,
  withdrawal: Promise<unknown>,
): Promise<Settled> {
  run.emit(ClaimApproved({ claimId, amount, account }))
  const listening = withdrawal.then(() => run.emit(ClaimWithdrawn({ claimId })))
  listening.catch(() => {})
  const last = await run.receive([PaymentMade, BookingReversed])
  return PaymentMade.is(last) ? 'paid' : last.data.why
}

/** The reactions of the services. Whoever withdraws does not queue behind a payment that is stuck. */
export function connect({ accounting, bank }: Services): void {
  accounting.on(ClaimApproved, (claim) => accounting.book(claim))
  bank.on(ClaimBooked, (claim) => bank.pay(claim))
  accounting.on(PaymentRefused, (refused) => accounting.reverse(refused))
  bank.on(ClaimWithdrawn, ({ claimId }) => bank.stop({ claimId }), { order: 'none' })
}

/** The same as a contract: checked (`npx ballet check`), drawn, and followed for each claim. */
export const settlement = choreography(
  'settlement',
  { key: 'claimId' },
  seq(
    ClaimApproved,
    all(
      seq(
        ClaimBooked.within('1h'),
        choice(
          PaymentMade.within('1d').as('paid'),
          seq(PaymentRefused.within('1d'), BookingReversed.within('1h')).as('reversed'),
        ),
      ),
      optional(seq(ClaimWithdrawn, choice(PaymentStopped, StopTooLate).within('1h'))),
    ),
  ),
  {
    outside: [ClaimApproved, ClaimWithdrawn],
    // Whoever was told that nothing is paid is not paid.
    never: [after(PaymentStopped, PaymentMade), after(PaymentMade, PaymentStopped)],
  },
)
