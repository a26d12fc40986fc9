// Opens the store of an application, which has to be its own: another application would find no code for what is there, and forget
// it by its own rules. So that is judged before anything is taken up. In development a name is changed as anything else is.
import { fault } from '../core/errors.ts'
import { DEFAULT_NAMESPACE } from '../core/names.ts'
import type { StoreInfo } from '../core/store.ts'
import type { ApplicationOptions } from './application-options.ts'
import { insist } from './first-words.ts'
import { refuseBeside } from './other-nodes.ts'
import { whenSpace } from './when-space.ts'

/** Other namespaces that are named: of more, nobody is surprised by one more. */
const NAMED = 5

/** @throws STORE_OF_ANOTHER, STORE_LOCKED while nodes of another application are there, and what `open` and `belongsTo` of the store throw; then it is closed, or was never open */
export async function openStore(options: ApplicationOptions): Promise<StoreInfo> {
  const { store } = options
  const info = await whenSpace(options, () => store.open())
  try {
    await checkOwner(options)
    return info
  } catch (error) {
    await store.close()
    throw error
  }
}

/** Whoever opens a namespace that nobody has opened may have meant another: what goes on there does so for whoever opens that. */
function tellNew({ namespace, store, log }: ApplicationOptions, there: readonly string[]): void {
  // Where there are many, this is one more.
  if (there.length === 0 || there.length > NAMED || there.includes(namespace)) return
  const others = there.map((name) => `"${name}"`).join(', ')
  log.warn(
    `The namespace "${namespace}" is new in the store ${store.name}. What is there goes on where it is: in ${others}.`,
  )
}

async function checkOwner(options: ApplicationOptions): Promise<void> {
  const { store, namespace, renamedFrom, directory, development, log, node, clock } = options
  const { leases } = store
  // Whoever is refused because of them must not have taken the name from them.
  if (leases !== undefined) {
    const isOver = (): boolean => false
    const { nodes } = await insist({ clock, mostMs: leases.lengthMs, isOver }, () => leases.survey())
    refuseBeside(nodes, node, store.name)
  }
  const { name: app } = directory.definition
  const there = await whenSpace(options, () => store.namespaces(NAMED + 1))
  const ask = (before: string | null) => whenSpace(options, () => store.belongsTo(namespace, app, before))
  const owner = await ask(renamedFrom)
  if (owner === app) return tellNew(options, there)
  if (development) {
    log.warn(`The store was that of the application "${owner}"; it is that of "${app}" from now on.`)
    return void (await ask(owner))
  }
  const inNamespace = namespace === DEFAULT_NAMESPACE ? '' : ` in the namespace "${namespace}"`
  throw fault('STORE_OF_ANOTHER', { path: store.name, owner, namespace: inNamespace, app })
}
