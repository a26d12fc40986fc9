// Operations that answer at once, with one of several outcomes: as good as those that answer later.
import { z } from 'zod'
import { event, operation } from '../../src/index.ts'

const Booking = z.object({ id: z.string(), room: z.string() })
const Held = event('room.held', Booking, { key: 'id' })
const Full = event('room.full', z.object({ id: z.string() }), { key: 'id' })

operation({
  input: Booking,
  outcomes: [Held, Full],
  run: ({ id, room }) => (room === 'none' ? Full({ id }) : Held({ id, room })),
})

operation({
  input: Booking,
  outcomes: [Held, Full],
  run({ id, room }) {
    if (room === '') throw new RangeError('no room was named')
    if (room === 'none') return Full({ id })
    return Held({ id, room })
  },
})

// @ts-expect-error an outcome that is not declared is refused from a synchronous run, too
operation({ input: Booking, outcomes: [Held], run: ({ id }) => Full({ id }) })

// @ts-expect-error an output has no field that its schema does not know
operation({ input: Booking, output: z.object({ id: z.string() }), run: ({ id, room }) => ({ id, room }) })
