// The filters of a list. They are kept in the address, so that going back finds them and a list can be sent to somebody.
import type { FormEvent, ReactNode } from 'react'
import { go, href } from './router.ts'

export interface FilterField {
  readonly name: string
  readonly label: string
  /** With these to choose from; without them, text. */
  readonly options?: readonly string[]
  readonly hint?: string
}

interface FilterBarProps {
  readonly path: readonly string[]
  readonly query: URLSearchParams
  readonly fields: readonly FilterField[]
}

export function FilterBar({ path, query, fields }: FilterBarProps): ReactNode {
  const set = (form: HTMLFormElement): void => {
    const given = new FormData(form)
    const text = (name: string): string => {
      const value = given.get(name)
      return typeof value === 'string' ? value.trim() : ''
    }
    go(href(path, Object.fromEntries(fields.map(({ name }) => [name, text(name)]))))
  }
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    set(event.currentTarget)
  }
  const isSet = fields.some(({ name }) => query.has(name))
  return (
    // What was typed elsewhere, by a link or by going back, begins anew.
    <form key={query.toString()} className="filters" onSubmit={submit} role="search" aria-label="Filters">
      {fields.map(({ name, label, options, hint }) => (
        <label key={name}>
          {label}
          {options === undefined ? (
            <input name={name} defaultValue={query.get(name) ?? ''} placeholder={hint} spellCheck={false} />
          ) : (
            <select
              name={name}
              defaultValue={query.get(name) ?? ''}
              onChange={({ target }) => target.form !== null && set(target.form)}
            >
              <option value="">all</option>
              {options.map((option) => (
                <option key={option}>{option}</option>
              ))}
            </select>
          )}
        </label>
      ))}
      <button type="submit">Show</button>
      {isSet ? <a href={href(path)}>without filters</a> : null}
    </form>
  )
}

/** Those of these fields that the address has. */
export function filterOf(query: URLSearchParams, names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = query.get(name)
      return value === null || value === '' ? [] : [[name, value]]
    }),
  )
}
