// In which line of a JSON text a field stands, so that what a schema says of it can be shown there. Reads just enough of JSON to
// follow a path; a path that is not in the text leads to the innermost thing that is.

/** @param path `items.0.qty`, as a problem names it. The line counts from 1; undefined where nothing of the path is there. */
export function lineOfPath(text: string, path: string): number | undefined {
  const parts = path === 'the top' ? [] : path.split('.')
  let place = skip(text, 0)
  for (const part of parts) {
    const next = childOf(text, place, part)
    if (next === undefined) break
    place = next
  }
  return place >= text.length ? undefined : text.slice(0, place).split('\n').length
}

/** Where the value of a key or an index begins. */
function childOf(text: string, open: number, part: string): number | undefined {
  const isList = text[open] === '['
  if (!isList && text[open] !== '{') return undefined
  let at = skip(text, open + 1)
  for (let index = 0; at < text.length && text[at] !== '}' && text[at] !== ']'; index++) {
    const start = at
    let isMeant = isList && String(index) === part
    if (!isList) {
      const end = endOfValue(text, at)
      isMeant = JSON.parse(text.slice(at, end)) === part
      at = skip(text, skip(text, end) + 1)
    }
    if (isMeant) return isList ? start : at
    at = skip(text, endOfValue(text, at))
    if (text[at] === ',') at = skip(text, at + 1)
  }
  return undefined
}

const skip = (text: string, from: number): number => {
  let at = from
  while (/\s/.test(text[at] ?? '')) at++
  return at
}

/** Behind the value that begins here. */
function endOfValue(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const char = text.charAt(at)
    if (char === '"') {
      at = endOfText(text, at)
      if (depth === 0) return at + 1
    } else if (char === '{' || char === '[') depth++
    else if (char === '}' || char === ']') {
      if (depth === 0) return at
      depth--
      if (depth === 0) return at + 1
    } else if (depth === 0 && (char === ',' || char === ':' || /\s/.test(char))) return at
  }
  return text.length
}

/** The quote that ends the text which begins here. */
function endOfText(text: string, from: number): number {
  let at = from + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at
}
