// Whether services that fetch their calls do: the application that runs knows who has asked last. For `ballet doctor`.
import type { Client } from './client.ts'
import type { Check } from './store-checks.ts'
import { fetchingWords } from './why-waiting.ts'

/** One for each of these services; none where there are none, or where the application does not say. */
export async function fetchChecks(client: Client): Promise<readonly Check[]> {
  const services = await client.app().then(
    (app) => app.services,
    () => [],
  )
  return services.flatMap(({ name, fetched }): readonly Check[] => {
    if (fetched === undefined) return []
    const check = { name: 'fetching', found: `${name} ${fetchingWords(fetched)}` }
    if (fetched.unasked === null || fetched.waiting === 0) return [{ ...check, verdict: 'ok' }]
    const todo = `Start its process, or look at its log: it asks this application for the calls of ${name}, by the same secret.`
    return [{ ...check, verdict: 'warn', todo }]
  })
}
