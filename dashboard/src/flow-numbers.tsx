// How many flows of a choreography stand how, each a link to those: on the overview, and on the pages of the choreographies.
import type { ReactNode } from 'react'
import { State } from './pieces.tsx'
import { FLOWS_COUNTED, useFlowCount } from './queries.ts'
import { href } from './router.ts'
import type { FlowView } from './shown.ts'

/** What wants to be looked at comes first. */
export const FLOW_STATES = [
  'overdue',
  'broken',
  'on track',
  'may end',
  'complete',
] as const satisfies readonly FlowView['state'][]

export function FlowNumbers({ name }: { readonly name: string }): ReactNode {
  return (
    <div className="numbers-row small">
      {FLOW_STATES.map((state) => (
        <FlowNumber key={state} name={name} state={state} />
      ))}
    </div>
  )
}

function FlowNumber({ name, state }: { readonly name: string; readonly state: FlowView['state'] }): ReactNode {
  const { data, error } = useFlowCount(name, state)
  const count = data === undefined || error !== null ? '–' : data.more ? `${FLOWS_COUNTED}+` : `${data.flows.length}`
  return (
    <a className={`number ${count === '0' ? 'quiet' : ''}`} href={href(['flows', name], { state })}>
      <strong>{count}</strong> <State of={state} />
    </a>
  )
}
