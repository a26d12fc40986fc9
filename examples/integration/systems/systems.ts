// The three stand-ins together, each on a port and in a database of its own, with the manners that they have on a good day.
import { makeAccounting } from './accounting.ts'
import { GOOD } from './api-server.ts'
import { makeCrm } from './crm.ts'
import { makeHr } from './hr.ts'

export interface Place {
  /** Where their databases stand; null keeps them in memory. */
  readonly folder: string | null
  /** Where webhooks go: `http://127.0.0.1:4400`. */
  readonly hooks: string
  readonly secret: string
  readonly now: () => number
}

/** Starts them. @param port of the first; the others have the next ones. 0 takes any that are free. */
export async function startSystems(place: Place, port: number) {
  const crm = makeCrm(place)
  const accounting = makeAccounting(place)
  const hr = makeHr(place)
  const all = [crm, accounting, hr]
  const close = async (): Promise<void> => {
    await Promise.all(all.map(({ server }) => server.close()))
    for (const { records } of all) records.close()
  }
  const urls: string[] = []
  try {
    for (const [index, { server }] of all.entries()) urls.push(await server.listen(port === 0 ? 0 : port + index))
  } catch (error) {
    await close()
    throw error
  }
  const [crmUrl = '', accountingUrl = '', hrUrl = ''] = urls
  return {
    crm,
    accounting,
    hr,
    /** As the application is told of them. */
    addresses: {
      crm: { url: crmUrl, secret: place.secret },
      accounting: { url: accountingUrl, secret: place.secret },
      hr: { url: hrUrl, secret: place.secret },
    },
    misfits: () => all.flatMap(({ server }) => server.misfits),
    /** The CRM limits, HR is slow and loses an answer now and then. */
    behave: () => {
      crm.server.manners = { ...GOOD, perSecond: 2 }
      accounting.server.manners = GOOD
      hr.server.manners = { ...GOOD, slowMs: 150, loseAnswers: 1 }
    },
    close,
  }
}
