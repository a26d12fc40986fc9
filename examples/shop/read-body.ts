// Reads the body of a request: bounded and guarded by Ballet's own reader, then held against a schema.
import { readJson } from 'ballet/server'
import type { z } from 'zod'
import { Problem } from './problem.ts'

const LIMIT_BYTES = 65_536

/**
 * @param hint more words when the body does not have the shape.
 * @throws Problem 422 with the path of the first field that is wrong, and what `readJson` throws.
 */
export async function readBody<Output>(
  request: Request,
  schema: z.ZodType<Output>,
  hint: (body: unknown) => string = () => '',
): Promise<Output> {
  const body = await readJson(request, LIMIT_BYTES)
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : []
  const path = [...(issue?.path ?? []), ...unknown].join('.') || 'the top'
  const detail = `The body is not valid at ${path}: ${issue?.message}.${hint(body)}`
  throw new Problem(422, 'BODY_INVALID', detail, 'Correct that field and send again.', path)
}
