// Colours for people: a handful of ANSI codes, switched off as a whole where nobody looks (a pipe, NO_COLOR, a dumb
// terminal). Colour never carries meaning alone; the words beside it do.

export interface Paint {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly red: (text: string) => string
  readonly green: (text: string) => string
  readonly yellow: (text: string) => string
  readonly cyan: (text: string) => string
}

const as = (open: number, close: number) => (text: string) =>
  text === '' ? '' : `\u001b[${open}m${text}\u001b[${close}m`
const plainly = (text: string): string => text

const coloured: Paint = {
  bold: as(1, 22),
  dim: as(2, 22),
  red: as(31, 39),
  green: as(32, 39),
  yellow: as(33, 39),
  cyan: as(36, 39),
}

/** The paint that changes nothing. */
export const plain: Paint = {
  bold: plainly,
  dim: plainly,
  red: plainly,
  green: plainly,
  yellow: plainly,
  cyan: plainly,
}

/** The paint for a stream: no-color.org, then FORCE_COLOR, then whether somebody looks. */
export function paintFor(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): Paint {
  const { NO_COLOR: off, FORCE_COLOR: on, TERM: term } = env
  if (off !== undefined && off !== '') return plain
  if (on !== undefined && on !== '' && on !== '0') return coloured
  return isTerminal && term !== 'dumb' ? coloured : plain
}
