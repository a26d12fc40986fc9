// The shop whose services are processes of their own, as the command line loads it: `ballet serve examples/shop/apart/shop.ts`.
import type { ServiceName } from '../faults.ts'
import { counterElsewhere } from './counter.ts'
import { placeOf, secretsOf } from './places.ts'
import { shopElsewhere } from './placed.ts'

const urlOf = (service: ServiceName): string => placeOf(service, process.env)

export default shopElsewhere({ urlOf, secrets: secretsOf(process.env), counter: counterElsewhere(urlOf) })
