// A system that is measured, in a process of its own: opens it, says what it is, and carries orders through when it is
// told to, over the channel to the process that measures (hosted.ts). Every program under hosts/ and peers/ is one.
import { closedLoopFor, type Ask, type Drove } from './closed-loop-for.ts'
import { newOrder, type Order } from './order.ts'

/** What a system says of itself: its version, what it is set to, and what makes its steps durable. */
export type About = Readonly<Record<string, string | number>>

export interface Offer {
  readonly about: About
  /** Carries one order through: settles when its end is durable and known. Missing where orders come over HTTP. */
  readonly order?: (order: Order) => Promise<unknown>
  /** Where orders are posted to, and what is posted, with ORDER in the place of the order. */
  readonly http?: Endpoint
  /** Answers to questions of this host alone. */
  readonly ask?: (question: string) => Promise<unknown>
  close(): Promise<void>
}

export interface Endpoint {
  readonly url: string
  readonly body: string
}

export type FromHost =
  | { readonly kind: 'ready'; readonly about: About; readonly http?: Endpoint | undefined }
  | { readonly kind: 'drove'; readonly drove: Drove }
  | { readonly kind: 'answered'; readonly answer: unknown }

export type ToHost =
  | { readonly kind: 'drive'; readonly ask: Ask }
  | { readonly kind: 'question'; readonly question: string }
  | { readonly kind: 'close' }

/** Opens a system with the settings of the command line, whatever they are for it, and serves whoever started this process until told to close. */
export async function host(open: (settings: never) => Promise<Offer>): Promise<void> {
  const say = (message: FromHost): void => {
    process.send?.(message)
  }
  const offer = await open(JSON.parse(process.argv[2] ?? '{}') as never)
  const react = async (message: ToHost): Promise<void> => {
    switch (message.kind) {
      case 'drive': {
        const { order } = offer
        if (order === undefined) throw new Error('this host is driven over HTTP')
        say({ kind: 'drove', drove: await closedLoopFor(message.ask, () => order(newOrder())) })
        break
      }
      case 'question':
        say({ kind: 'answered', answer: await offer.ask?.(message.question) })
        break
      case 'close':
        await offer.close()
        process.exit(0)
    }
  }
  process.on('message', (message: ToHost) => void react(message).catch(failed))
  // Whoever started this process is gone, and so are the figures.
  process.once('disconnect', () => process.exit(1))
  say({ kind: 'ready', about: offer.about, http: offer.http })
}

function failed(error: unknown): void {
  console.error(error)
  process.exit(1)
}
