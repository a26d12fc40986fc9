// A field in which JSON is written. What is wrong with it is said at its place: a slip of the pen while it is typed, and what
// the schema of the server says at the line of the field that it names.
import { useId, useState, type ReactNode } from 'react'
import { Problem, Written } from './api.ts'
import { lineOfPath } from './line-of-path.ts'
import { printable } from './shown.ts'

interface JsonFieldProps {
  readonly name: string
  readonly label: string
  readonly start: string
  /** What the server said of it, if it was sent. */
  readonly error: Error | null
  /** Lines. */
  readonly rows?: number
}

export function JsonField({ name, label, start, error, rows = 6 }: JsonFieldProps): ReactNode {
  const [text, setText] = useState(start)
  // What was said of an earlier text is gone once the text is another.
  const [past, setPast] = useState<Error | null>(null)
  const said = useId()
  const slip = slipOf(text)
  const wrong = error === past ? null : wrongOf(error, text)
  const line = slip === null ? wrong?.line : undefined
  return (
    <label className="json">
      {label}
      <span className="editor">
        <span className="numbers" aria-hidden="true">
          {text.split('\n').map((_, index) => (
            <span key={index} className={index + 1 === line ? 'wrong' : ''}>
              {index + 1}
            </span>
          ))}
        </span>
        <textarea
          name={name}
          value={text}
          rows={Math.max(rows, text.split('\n').length)}
          spellCheck={false}
          autoCapitalize="off"
          aria-invalid={slip !== null || wrong !== null}
          aria-describedby={said}
          onChange={(event) => {
            event.target.setCustomValidity(slipOf(event.target.value) ?? '')
            setText(event.target.value)
            setPast(error)
          }}
        />
      </span>
      <span id={said} className="bad small" role="alert">
        {slip ?? (wrong === null ? '' : wrong.words)}
      </span>
    </label>
  )
}

/** What is no JSON, or null. */
function slipOf(text: string): string | null {
  try {
    JSON.parse(text)
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** What the schema says, and in which line. */
function wrongOf(
  error: Error | null,
  text: string,
): { readonly words: string; readonly line: number | undefined } | null {
  if (!(error instanceof Problem) || typeof error.details['path'] !== 'string') return null
  const { path, problem } = error.details
  const line = lineOfPath(text, path)
  const words = typeof problem === 'string' ? problem : error.message
  return { words: printable(`${path}${line === undefined ? '' : ` (line ${line})`}: ${words}`), line }
}

/** What was written, to be sent as it stands; undefined for nothing, as a field that is not required may be empty. */
export function written(text: string): Written | undefined {
  return text === '' ? undefined : new Written(text)
}
