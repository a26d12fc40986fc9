// A proxy beside the database, as a process, because that is in another network namespace than the campaign. Told what to do by
// messages; says when it was done. Its arguments: the URL of the database, and the address on which it listens.
import { z } from 'zod'
import { Proxy } from '../postgres/proxy.ts'

const Asked = z.object({ id: z.number(), what: z.enum(['lose-reply', 'cut-before', 'hold', 'forgo', 'cut']) })

const [, , url = '', host = ''] = process.argv
const proxy = await Proxy.before(url, host)
process.on('message', (message) => {
  const { id, what } = Asked.parse(message)
  const said = (): void => void process.send?.({ done: id })
  if (what !== 'cut' && what !== 'forgo') return void proxy.next(what).then(said)
  if (what === 'cut') proxy.cut()
  else proxy.forgo()
  said()
})
process.once('disconnect', () => process.exit(0))
process.send?.({ port: proxy.port })
