// The body of what an application's own route answered with, on its way out. It is code of the application that goes on
// when its route has returned: what it throws is told in the log alone, as what the route throws, and not to the caller.
import type { BalletError } from '../core/errors.ts'

type Part = { readonly done: true } | { readonly done: false; readonly value: Uint8Array }

/**
 * The response with a body that can fail with nothing but what `failed` makes of an error, which it is asked once.
 * @throws that, when the body fails before its first part and at once: the caller then gets it as its answer. Later the
 * head is on its way, since a body may have to wait for its first part for as long as it likes, and the answer breaks off.
 */
export async function guardBody(response: Response, failed: (error: unknown) => BalletError): Promise<Response> {
  const { body, status, statusText, headers } = response
  if (!(body instanceof ReadableStream)) return response
  let reader: ReadableStreamDefaultReader<unknown>
  try {
    // One that was read, or is being read, cannot be sent.
    reader = body.getReader()
  } catch (error) {
    throw failed(error)
  }
  const read = async (): Promise<Part> => {
    try {
      const { done, value } = await reader.read()
      return done ? { done } : { done, value: bytesOf(value) }
    } catch (error) {
      throw failed(error)
    }
  }
  let next: ReturnType<typeof read> | undefined = read()
  await settledAtOnce(next)
  const guarded = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const part = await (next ?? read())
        next = undefined
        if (part.done) controller.close()
        else controller.enqueue(part.value)
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
  return new Response(guarded, { status, statusText, headers })
}

/** A part of a body as it is sent. @throws TypeError for what is neither bytes nor a text */
function bytesOf(part: unknown): Uint8Array {
  return part instanceof Uint8Array ? part : Buffer.from(part as string)
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
