import { describe, expect, it } from 'vitest'
import { fault } from '../core/errors.ts'
import type { Application } from '../define/application.ts'
import type { Problem } from './problem.ts'
import { serve } from './serve.ts'
import { testApplication } from './test-application.ts'

const event = {
  specversion: '1.0',
  id: 'e-1',
  source: 'web/shop',
  type: 'order.created',
  data: { orderId: '8841', total: 12.5 },
}
const structured = 'application/cloudevents+json'

async function send(
  body: unknown,
  headers: Record<string, string>,
  answers: Partial<Application> = {},
): Promise<{ status: number; answer: unknown; asked: readonly unknown[] }> {
  const { app, asked } = testApplication(answers)
  await using server = await serve(app, { port: 0 })
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  const response = await fetch(`${server.url}/api/events`, {
    method: 'POST',
    headers,
    ...(text === undefined ? {} : { body: new TextEncoder().encode(text) }),
  })
  return {
    status: response.status,
    answer: await response.json(),
    asked: asked.filter(([name]) => name === 'publishNamed').map(([, request]) => request),
  }
}

describe('an event is published', () => {
  const published = { type: 'order.created', id: 'e-1', source: 'web/shop', data: event.data, cause: undefined }

  it('in the structured form', async () => {
    const { status, answer, asked } = await send(event, { 'content-type': `${structured}; charset=utf-8` })
    expect([status, answer]).toEqual([202, { id: 'e-1', source: 'web/shop', position: 7, created: true }])
    expect(asked).toEqual([published])
  })

  it('in the binary form, with what the headers encode', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    const { status, asked } = await send(event.data, {
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': '"caf%C3%A9"',
      'ce-source': 'web/shop',
      'ce-type': 'order.created',
      'ce-causationid': 'run:checkout:1',
      'ce-traceparent': traceparent,
    })
    expect(status).toBe(202)
    expect(asked).toEqual([{ ...published, id: 'café', cause: 'run:checkout:1', traceparent }])
  })

  it('in the binary form without data', async () => {
    const { status, asked } = await send(undefined, {
      'ce-specversion': '1.0',
      'ce-id': 'e-2',
      'ce-source': 'web/shop',
      'ce-type': 'order.created',
    })
    expect([status, asked]).toEqual([202, [{ ...published, id: 'e-2', data: undefined }]])
  })

  it('as plain JSON, that may leave out what can be filled in', async () => {
    const json = { 'content-type': 'application/json' }
    const { status, answer, asked } = await send({ type: 'order.created', data: 1 }, json)
    expect([status, answer]).toEqual([202, { id: 'e-1', source: 'shop', position: 7, created: true }])
    expect(asked).toEqual([{ type: 'order.created', data: 1 }])
  })

  it('with its own extensions, those of Ballet and those of others', async () => {
    const { status } = await send(
      {
        ...event,
        subject: '8841',
        time: '2026-01-31T12:00:00.123Z',
        datacontenttype: 'application/json',
        dataschema: 'https://example.com/order/1',
        correlationid: 'run:a',
        partitionkey: 'orderId:8841',
        sequence: '0000000000000007',
        published: true,
        comexample: 3,
      },
      { 'content-type': structured },
    )
    expect(status).toBe(202)
  })

  it('once: 200 when it had come before', async () => {
    const known = { id: 'e-1', source: 'web/shop', position: 3, created: false }
    const answers = { publishNamed: () => Promise.resolve(known) }
    const { status, answer } = await send(event, { 'content-type': structured }, answers)
    expect([status, answer]).toEqual([200, known])
  })

  it.each([
    ['EVENT_UNKNOWN', 422, { type: 'order.craeted', nearest: '' }],
    ['EVENT_CONFLICT', 409, { id: 'e-1', source: 'web/shop' }],
  ] as const)('unless the application says %s', async (code, status, details) => {
    const answers = { publishNamed: () => Promise.reject(fault(code, details)) }
    const refused = await send(event, { 'content-type': structured }, answers)
    expect([refused.status, (refused.answer as Problem).code]).toEqual([status, code])
  })
})

describe('an event is refused', () => {
  it.each([
    [{ ...event, specversion: '0.3' }, 'specversion', 'only "1.0" is understood'],
    [{ ...event, specversion: undefined }, 'specversion', 'it is missing'],
    [{ ...event, id: undefined }, 'id', 'it is missing'],
    [{ ...event, source: undefined }, 'source', 'it is missing'],
    [{ ...event, type: '' }, 'type', 'it must be a string that is not empty'],
    [{ ...event, subject: '1' }, 'subject', 'it must be the orderId of the event, or be left out'],
    [{ ...event, subjcet: '8841' }, 'subjcet', 'there is no such attribute, perhaps "subject"'],
    [{ ...event, times: 'a' }, 'times', 'there is no such attribute, perhaps "time"'],
    [{ ...event, tenant: { id: 1 } }, 'tenant', 'an extension attribute is a string, a number or a boolean'],
    [{ ...event, data_base64: 'AAAA' }, 'data_base64', 'binary data is not taken; send JSON in data'],
    [{ ...event, datacontenttype: 'text/xml' }, 'datacontenttype', 'only application/json is understood'],
    [{ ...event, time: 'yesterday' }, 'time', 'it must be a time of RFC 3339, for example 2026-01-31T12:00:00Z'],
    [{ ...event, causationid: 'a b' }, 'causationid', 'it must be 1 to 1024 printable ASCII characters without spaces'],
    [[event], 'the top', 'it must be one event, an object'],
  ])('%j', async (body, path, problem) => {
    const { status, answer, asked } = await send(body, { 'content-type': structured })
    expect(status).toBe(422)
    expect(answer).toMatchObject({ code: 'REQUEST_INVALID', details: { path, problem } })
    expect(asked).toEqual([])
  })

  it.each([
    ['application/cloudevents-batch+json', 'BODY_TYPE'],
    ['application/cloudevents+avro', 'BODY_TYPE'],
    ['text/plain', 'BODY_TYPE'],
    ['application/cloudevents+json; charset=utf-16', 'BODY_TYPE'],
  ])('as %s', async (type, code) => {
    const { status, answer } = await send(event, { 'content-type': type, 'ce-id': 'x' })
    expect([status, (answer as Problem).code]).toEqual([415, code])
    expect((answer as Problem).hint).toContain('batches are not taken')
  })

  it.each([
    [{ 'ce-id': 'x' }, 'source', 'it is missing'],
    [{ 'ce-id': '50%' }, 'ce-id', 'it is not percent-encoded UTF-8'],
    [{ 'ce-id': 'x', 'ce-source': 's', 'ce-data': '1' }, 'ce-data', 'it is no header of the binary form'],
    [{ 'ce-id': 'x', 'ce-source': 's', 'ce-subjekt': '1' }, 'subjekt', 'there is no such attribute, perhaps "subject"'],
  ])('in the binary form with %j', async (headers, path, problem) => {
    const { status, answer } = await send(event.data, {
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-type': 'order.created',
      ...headers,
    })
    expect(status).toBe(422)
    expect(answer).toMatchObject({ details: { path, problem } })
  })

  it('in the binary form with data of another type', async () => {
    const headers = {
      'ce-specversion': '1.0',
      'ce-id': 'a',
      'ce-source': 'b',
      'ce-type': 'c',
      'content-type': 'text/xml',
    }
    expect((await send('<a/>', headers)).status).toBe(415)
  })
})
