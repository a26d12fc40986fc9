// What goes between a shop and services that are processes of their own: one request for each attempt, with all that makes a
// repeat known (the idempotency key, the fence, what is taken back), and the answer, or why there is none.
import { z } from 'zod'

export const Call = z.object({
  operation: z.string(),
  input: z.unknown(),
  context: z.object({
    idempotencyKey: z.string(),
    fence: z.string(),
    attempt: z.number(),
    timeoutMs: z.number(),
    key: z.string().nullable(),
    run: z.string(),
    op: z.string(),
    root: z.string(),
    cause: z.string().nullable(),
    undoes: z.string().nullable(),
  }),
})
export type Call = z.infer<typeof Call>

/** `no`: no attempt will ever get another answer. `broke`: this attempt came to nothing. */
export const Answer = z.union([
  z.object({ answer: z.unknown() }),
  z.object({ no: z.string() }),
  z.object({ broke: z.string() }),
])
export type Answer = z.infer<typeof Answer>
