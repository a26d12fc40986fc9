// The search box: a run's id, a key (`orderId:8841`, or its value alone), or the id of an event that began something, leads to
// its page. The server is asked for each of what the words could be.
import { useEffect, useRef, useState, type FormEvent, type ReactNode } from 'react'
import { api, Problem } from './api.ts'
import { useKnownApp } from './queries.ts'
import { go, href } from './router.ts'
import { printable, type ApplicationView } from './shown.ts'

export function Search(): ReactNode {
  const app = useKnownApp()
  const box = useRef<HTMLInputElement>(null)
  const [said, setSaid] = useState('')
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const isTyping = event.target instanceof HTMLElement && /^(?:INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)
      if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return
      event.preventDefault()
      box.current?.focus()
    }
    window.addEventListener('keydown', press)
    return () => window.removeEventListener('keydown', press)
  }, [])
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const words = box.current?.value.trim() ?? ''
    if (words !== '') void search(words)
  }
  const search = async (words: string): Promise<void> => {
    setSaid('Asking…')
    try {
      const to = await placeOf(words, app)
      setSaid(to === null ? `Nothing is known as “${words}”.` : '')
      if (to !== null) {
        go(to)
        if (box.current !== null) box.current.value = ''
      }
    } catch (error) {
      setSaid(error instanceof Error ? error.message : String(error))
    }
  }
  return (
    <form className="search" role="search" onSubmit={submit}>
      <input
        ref={box}
        type="search"
        aria-label="Search: a run, a key, an event"
        placeholder="Run, key or event   /"
        spellCheck={false}
        autoCapitalize="off"
        onChange={() => setSaid('')}
      />
      <span className="search-said" role="status">
        {printable(said)}
      </span>
    </form>
  )
}

/** The address of what the words name, or null. */
async function placeOf(words: string, app: ApplicationView | undefined): Promise<string | null> {
  if ((await found(() => api.run(words))) !== null) return href(['runs', words])
  const fields = new Set(
    [...(app?.events ?? []), ...(app?.choreographies ?? []), ...(app?.workflows ?? [])].map(({ key }) => key),
  )
  const [, field = '', value = ''] = /^([^:]+):([^]+)$/.exec(words) ?? []
  if (fields.has(field) && (await hasKey(field, value))) return href(['keys', field, value])
  for (const one of fields) if (one !== undefined && (await hasKey(one, words))) return href(['keys', one, words])
  const sources = [app?.name ?? '', ...(app?.services ?? []).map(({ name }) => name)]
  for (const ref of [words, `event:${words}`, ...sources.map((source) => `event:${source}:${words}`)]) {
    if (!ref.startsWith('event:')) continue
    const graph = await found(() => api.graph(ref))
    if (graph !== null && (graph.events.length > 0 || graph.unreadable !== undefined)) return href(['events', ref])
  }
  return null
}

async function hasKey(field: string, value: string): Promise<boolean> {
  const key = `${field}:${value}`
  const runs = await found(() => api.runs({ key, limit: 1 }))
  if (runs !== null && runs.items.length > 0) return true
  const events = await found(() => api.events({ key, limit: 1 }))
  return events !== null && (events.items.length > 0 || events.unreadable !== undefined)
}

/** What there is, or null where the server says that there is none, or that the words cannot be such a name. */
async function found<Answer>(ask: () => Promise<Answer>): Promise<Answer | null> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof Problem && [400, 404, 410, 422].includes(error.status)) return null
    throw error
  }
}
