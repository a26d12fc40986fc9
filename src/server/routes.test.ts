import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Problem } from './problem.ts'
import { carriedRun, ROUTES } from './routes.ts'
import { serve } from './serve.ts'
import { testApplication } from './test-application.ts'

const concrete = (path: string): string => path.replace(/\{\w+\}/g, 'orderId')
const paths = [...new Set(ROUTES.map((route) => route.path))]

describe('every path', () => {
  it.each(paths)('%s takes its methods only', async (path) => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0 })
    // A name that stands where another route has a parameter is that parameter, too.
    const isOf = (route: string): boolean => new RegExp(`^${route.replace(/\{\w+\}/g, '[^/]+')}$`).test(concrete(path))
    const methods = ROUTES.filter((route) => isOf(route.path)).map((route): string => route.method)
    const allowed = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const response = await fetch(`${server.url}${concrete(path)}`, { method })
      expect([method, response.status === 405]).toEqual([method, !allowed.includes(method)])
      expect(response.headers.get('allow')?.split(', ').sort()).toEqual(
        response.status === 405 ? allowed.sort() : undefined,
      )
    }
  })

  it.each(paths)('%s answers HEAD like GET, without a body', async (path) => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0 })
    const get = await fetch(`${server.url}${concrete(path)}`)
    const head = await fetch(`${server.url}${concrete(path)}`, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([get.status, ''])
    expect(head.headers.get('content-type')).toBe(get.headers.get('content-type'))
    await get.text()
  })

  it.each(paths)('%s refuses a parameter that it does not take', async (path) => {
    const { app, asked } = testApplication()
    await using server = await serve(app, { port: 0 })
    const method = ROUTES.find((route) => route.path === path)?.method ?? 'GET'
    const response = await fetch(`${server.url}${concrete(path)}?qqqqqq=1`, { method })
    expect([response.status, ((await response.json()) as Problem).code]).toEqual([400, 'QUERY_INVALID'])
    expect(asked).toEqual([])
  })
})

describe('a path that there is not', () => {
  it.each([
    ['/api/run', '/api/runs'],
    ['/api/runs/', '/api/runs'],
    ['/api/runs/checkout:1/jurnal', '/api/runs/checkout:1/journal'],
    ['/api/runs/a/signal/b', '/api/runs/a/signals/b'],
    ['/api/key/orderId/8841', '/api/keys/orderId/8841'],
    ['/healthz/', '/healthz'],
  ])('%s leads to %s', async (path, near) => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0 })
    const response = await fetch(`${server.url}${path}`)
    expect(response.status).toBe(404)
    expect(((await response.json()) as Problem).detail).toBe(`There is nothing at GET ${path}. Did you mean "${near}"?`)
  })

  it('that resembles none leads nowhere, however long it is', async () => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0 })
    const response = await fetch(`${server.url}/api/${'x/'.repeat(4000)}`)
    expect(response.status).toBe(404)
    expect(((await response.json()) as Problem).detail.length).toBeLessThan(400)
  })
})

describe('what is passed on to the node that carries a run', () => {
  const asked = (method: string, path: string): Request => new Request(`http://shop.example${path}`, { method })
  it.each([
    ['POST', '/api/runs/checkout:1/retry', 'checkout:1'],
    ['POST', '/api/runs/a%3Ab~c.0/answer', 'a:b~c.0'],
    ['POST', '/api/runs/checkout:1/fail', 'checkout:1'],
    ['GET', '/api/runs/checkout:1?wait=5s', 'checkout:1'],
    ['GET', '/api/runs/checkout:1', null],
    ['GET', '/api/runs?wait=5s', null],
    // Any node puts these into the inbox of the shard.
    ['POST', '/api/runs/checkout:1/cancel', null],
    ['POST', '/api/runs', null],
    ['POST', '/api/runs/%zz/retry', null],
    ['GET', '/orders/1?wait=5s', null],
  ])('%s %s: %s', (method, path, run) => {
    expect(carriedRun(asked(method, path))).toBe(run)
  })
})

describe('docs/reference/http.md', () => {
  const text = readFileSync(new URL('../../docs/reference/http.md', import.meta.url), 'utf8')

  it('has a section for every route, and none for others', () => {
    const described = [...text.matchAll(/^## ((?:GET|POST|DELETE) \/\S*)$/gm)].map((match) => match[1])
    expect(described).toEqual(ROUTES.map((route) => `${route.method} ${route.path}`))
  })

  it('names every parameter of every route', () => {
    const sections = new Map(text.split(/^## /m).map((section) => [section.split('\n', 1)[0], section]))
    for (const route of ROUTES) {
      const section = sections.get(`${route.method} ${route.path}`) ?? ''
      const named = [...section.matchAll(/^\| `(\w+)` *\|/gm)].map((match) => match[1])
      expect([route.path, new Set(named)]).toEqual([route.path, new Set(route.query)])
    }
  })
})
