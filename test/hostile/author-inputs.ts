// Values that code of the application hands to the engine, in every place where it can. One that JSON can hold goes
// through, and comes back as what JSON makes of it; one that it cannot, or that is thrown, ends or parks the run that did
// it, as the documents say, and no other run notices.
import { judge, withFaults, type Input, type Outcome } from './input.ts'
import { placeNames } from './application.ts'
import { evil, keptNames, lostNames, thrownNames } from './evils.ts'
import { canonical } from './json-reference.ts'
import type { Target } from './target.ts'

type Status = 'completed' | 'failed' | 'stuck'

const THROWING: ReadonlySet<string> = new Set([
  'throw',
  'reject',
  'step that throws',
  'workflow that throws',
  'caught error',
])
/** Where nothing of the value is given back. */
const SILENT: ReadonlySet<string> = new Set(['log', 'operation log', 'event', 'caught error'])

/** Where the value stands within another, and JSON leaves a field out that it cannot hold. */
const WITHIN: ReadonlySet<string> = new Set(['event', 'outcome'])
const LEFT_OUT: ReadonlySet<string> = new Set(['a symbol', 'a function'])

/** How a run may end that did this. */
function endings(place: string, name: string): readonly Status[] {
  if (place === 'workflow that throws') return ['stuck', 'failed']
  if (place === 'caught error') return ['completed']
  if (THROWING.has(place)) return ['failed']
  const isKept = keptNames.includes(name) || (WITHIN.has(place) && LEFT_OUT.has(name))
  if (isKept || place === 'operation log') return ['completed']
  return ['stuck', 'failed']
}

function input(place: string, name: string): Input {
  return {
    place: `the author: ${place}`,
    name,
    isAlways: lostNames.includes(name) || name.includes('misread'),
    async attack({ target, tag }): Promise<Outcome> {
      const body = JSON.stringify({ call: 'wicked', id: tag, input: { place, name } })
      const started = judge(await target.ask({ target: '/api/runs', body }))
      if (started.verdict !== 'taken') return withFaults(started, ['the run was not taken'])
      const { status, text } = await settled(tag, target)
      const allowed = endings(place, name)
      const isReturned = status === 'completed' && !SILENT.has(place) && !THROWING.has(place)
      return withFaults(started, [
        allowed.includes(status as Status)
          ? undefined
          : `it is ${status}, not ${allowed.join(' or ')}: ${text.slice(0, 400)}`,
        isReturned ? changed(place, name, text) : undefined,
      ])
    },
  }
}

/** The run when it has ended or is parked; a wait is answered at the end alone. */
async function settled(id: string, target: Target): Promise<{ readonly status: string; readonly text: string }> {
  for (let round = 0; ; round++) {
    const { body } = await target.ask({ target: `/api/runs/${id}?wait=10ms` })
    const status = /"status":"(\w+)"/.exec(body)?.[1] ?? 'unknown'
    if (status !== 'running' || round === 1000) return { status, text: body }
  }
}

/** What is wrong with a value that came back. */
function changed(place: string, name: string, text: string): string | undefined {
  if (!keptNames.includes(name)) return undefined
  const came = canonical(text, place === 'state' ? 'state' : 'output')
  if (came === canonical(JSON.stringify(evil(name)))) return undefined
  return `it came back as another: ${String(came).slice(0, 300)}`
}

/** Every value in every place that takes it. */
export const authorInputs: readonly Input[] = placeNames.flatMap((place) =>
  (THROWING.has(place) ? thrownNames : [...keptNames, ...lostNames]).map((name) => input(place, name)),
)

/** What an own route throws is told as that, and nothing of it leaves. */
export const throwingRoutes: readonly Input[] = thrownNames
  .filter((name) => !/surrogate/.test(name))
  .map((name) => ({
    place: 'an own route that throws',
    name,
    async attack({ target }): Promise<Outcome> {
      const answer = await target.ask({ target: `/throw/${encodeURIComponent(name)}` })
      return judge(answer, ['ROUTE_THREW'])
    },
  }))
