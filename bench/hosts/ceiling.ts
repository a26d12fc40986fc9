// The ceiling on SQLite, in its own process or behind the barest server.
import { serveBare } from '../bare-server.ts'
import { Ceiling } from '../ceiling.ts'
import { host } from '../host.ts'

await host(async ({ file, http }: { readonly file: string; readonly http?: boolean }) => {
  const ceiling = new Ceiling(file)
  const bare = http === true ? await serveBare((order) => ceiling.order(order)) : undefined
  return {
    about: {
      system: 'ceiling',
      settings: 'a commit for every round of the event loop',
      durability: `SQLite ${process.versions.sqlite}, write-ahead log, synchronous=FULL`,
    },
    order: (order) => ceiling.order(order),
    ...(bare && { http: bare.endpoint }),
    close: async () => {
      bare?.close()
      ceiling.close()
    },
  }
})
