// The body of what an application's own route answered with, on its way out. It is code of the application that goes on
// when its route has returned: what it throws is told in the log alone, as what the route throws, and not to the caller.
import type { BalletError } from '../core/errors.ts'

/**
 * The response with a body that can fail with nothing but what `failed` makes of an error, which it is asked once.
 * @throws that, when the body fails before its first part and at once: the caller then gets it as its answer. Later the
 * head is on its way, since a body may have to wait for its first part for as long as it likes, and the answer breaks off.
 */
export async function guardBody(response: Response, failed: (error: unknown) => BalletError): Promise<Response> {
  const { body, status, statusText, headers } = response
  if (!(body instanceof ReadableStream)) return response
  const reader = (body as ReadableStream<Uint8Array>).getReader()
  const read = async (): ReturnType<typeof reader.read> => {
    try {
      return await reader.read()
    } catch (error) {
      throw failed(error)
    }
  }
  let next: ReturnType<typeof read> | undefined = read()
  await settledAtOnce(next)
  const guarded = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await (next ?? read())
        next = undefined
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
  return new Response(guarded, { status, statusText, headers })
}

/** Rejects as the read does, if it does so within a turn of the event loop. */
async function settledAtOnce(read: Promise<unknown>): Promise<void> {
  let turn: NodeJS.Immediate | undefined
  const later = new Promise<void>((resolve) => {
    turn = setImmediate(resolve)
  })
  try {
    await Promise.race([read, later])
  } finally {
    clearImmediate(turn)
  }
}
