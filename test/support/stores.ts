// Stores for tests that hold, refuse or watch what an application asks of a real one.
import type { InboxItem, Store } from '../../src/core/store.ts'

type Method =
  | 'acquire'
  | 'release'
  | 'commit'
  | 'hasRoom'
  | 'events'
  | 'flows'
  | 'flowsOf'
  | 'inbox'
  | 'run'
  | 'runs'
  | 'runNames'
  | 'journal'
  | 'claims'

/** A store whose `method` passes through `door`; everything else is the store's own. */
export function guarded<Name extends Method>(
  store: Store,
  method: Name,
  door: (pass: () => ReturnType<Store[Name]>, ...args: Parameters<Store[Name]>) => ReturnType<Store[Name]>,
): Store {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      const own = value.bind(target) as (...args: Parameters<Store[Name]>) => ReturnType<Store[Name]>
      return name === method ? (...args: Parameters<Store[Name]>) => door(() => own(...args), ...args) : own
    },
  })
}

/** An item for the inbox, as another process would put it there. */
export function inboxItem(kind: InboxItem['kind'], target: string, body: unknown): InboxItem {
  return { ns: 'default', slot: 0, kind, target, data: JSON.stringify(body), at: 0 }
}
