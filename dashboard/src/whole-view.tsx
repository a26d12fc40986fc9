// A causal graph in one of its three forms, the same for a workflow, a flow and a key; and the tabs between the forms.
import type { ReactNode } from 'react'
import { serverNow } from './api.ts'
import { CausalGraph } from './causal-graph.tsx'
import type { Whole } from './queries.ts'
import { SequenceView } from './sequence-view.tsx'
import { causalTree } from './shown.ts'
import { TimelineView } from './timeline-view.tsx'

export type WholeForm = 'timeline' | 'graph' | 'sequence'

interface WholeProps {
  readonly whole: Whole
  readonly shown: WholeForm
  /** The run whose page this is. */
  readonly of?: string
}

export function WholeView({ whole, shown, of }: WholeProps): ReactNode {
  const here = of === undefined ? {} : { of }
  const graph = of === undefined ? {} : { of: `run:${of}` }
  return (
    <>
      {whole.isPart ? (
        <p className="note">There is more than is drawn here: the lists and the journals have all.</p>
      ) : null}
      {shown === 'timeline' ? (
        <TimelineView runs={whole.runs} journals={whole.journals} {...here} />
      ) : shown === 'graph' ? (
        <CausalGraph tree={causalTree(whole)} now={serverNow()} {...graph} />
      ) : (
        <SequenceView tree={causalTree(whole)} />
      )}
    </>
  )
}

interface TabsProps<Name extends string> {
  readonly names: readonly Name[]
  readonly shown: Name
  readonly to: (name: Name) => string
}

/** Links, so that a form has an address that can be sent to somebody. */
export function Tabs<Name extends string>({ names, shown, to }: TabsProps<Name>): ReactNode {
  return (
    <nav className="tabs" aria-label="Form">
      {names.map((name) => (
        <a key={name} href={to(name)} aria-current={name === shown ? 'true' : undefined}>
          {name}
        </a>
      ))}
    </nav>
  )
}
