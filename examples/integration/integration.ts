// The application: three services in front of three systems, joined by their reactions, and the reconciliation. The default
// export is what the command line loads (`ballet check examples/integration/integration.ts`).
import { ballet, schedule, type Policy } from 'ballet'
import type { System } from './api.ts'
import { dealFlow } from './choreography.ts'
import { integrationRoutes } from './http.ts'
import { connect } from './reactions.ts'
import { reconciliation } from './reconciliation.ts'
import { accountingService } from './services/accounting.ts'
import { crmService } from './services/crm.ts'
import { hrService } from './services/hr.ts'

export interface Systems {
  readonly crm: System
  readonly accounting: System
  readonly hr: System
}

/**
 * How often a system is asked. Twelve attempts carry an outage of at least 111 seconds over. What is down for longer makes a
 * call stuck: a person tries it again when the system is back.
 */
export const patience = (attempts: number): Policy => ({ retry: { attempts, backoff: '200ms' }, timeout: '30s' })

function servicesOf({ crm, accounting, hr }: Systems, policy: Policy) {
  return {
    crm: crmService(crm, policy),
    accounting: accountingService(accounting, policy),
    hr: hrService(hr, policy),
  }
}
export type Services = ReturnType<typeof servicesOf>

export function makeIntegration(systems: Systems, policy: Policy = patience(12)) {
  const services = servicesOf(systems, policy)
  connect(services)
  const reconcile = reconciliation(services)
  const definition = ballet({
    name: 'integration',
    version: '1',
    services: Object.values(services),
    workflows: [reconcile],
    choreographies: [dealFlow],
    schedules: [schedule('nightly', { cron: '0 3 * * *', timezone: 'Europe/Lisbon', call: () => reconcile({}) })],
    http: integrationRoutes(systems),
  })
  return { definition, reconcile }
}

/** Where the systems are, as the environment says; without it, where `npm run integration` starts their stand-ins. */
export function systemsOf(env: Readonly<Record<string, string | undefined>>): Systems {
  const of = (name: string, port: number): System => ({
    url: env[`${name}_URL`] || `http://127.0.0.1:${port}`,
    secret: env[`${name}_SECRET`] || 'only for stand-ins',
  })
  return { crm: of('CRM', 4401), accounting: of('ACCOUNTING', 4402), hr: of('HR', 4403) }
}

export default makeIntegration(systemsOf(process.env)).definition
