// Where the services of the shop are when each is a process of its own: an address for each, and what requests are signed
// with. Read by the application, which asks there, and by each service, which listens there.
import type { ServiceName } from '../faults.ts'

/** In the order of their ports. */
export const SERVICES: readonly ServiceName[] = ['catalog', 'cart', 'payment', 'shipping', 'notification']

type Environment = Readonly<Record<string, string | undefined>>

/** The port of the application. Those of the services follow it. */
const FIRST_PORT = 4400

/** The port of a service that is told none. */
export const portOf = (service: ServiceName): number => FIRST_PORT + 1 + SERVICES.indexOf(service)

/** The variable of the environment that names the address of a service: `PAYMENT_URL`. */
export const variableOf = (service: ServiceName): string => `${service.toUpperCase()}_URL`

/** Where a service is. */
export const placeOf = (service: ServiceName, env: Environment): string =>
  env[variableOf(service)] || `http://127.0.0.1:${portOf(service)}`

/** What requests are signed with; none is needed while all of them are on this machine. */
export const secretsOf = (env: Environment): readonly (string | undefined)[] => [env['SHOP_SECRET']]
