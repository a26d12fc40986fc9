// The client of a system that is asked over HTTP: a host whose order is a request that waits for the answer.
import { host, type Endpoint } from '../host.ts'
import { poster } from '../post.ts'

await host(async ({ endpoint, connections }: { readonly endpoint: Endpoint; readonly connections: number }) => {
  const client = poster(endpoint, connections)
  return {
    about: {},
    order: (order) => client.post(order),
    close: async () => client.close(),
  }
})
