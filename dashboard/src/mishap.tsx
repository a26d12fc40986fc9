// A page that cannot be drawn says so in its place: the frame around it, with the way to every other page, stays.
import { Component, type ReactNode } from 'react'
import { Failure } from './pieces.tsx'

interface MishapProps {
  readonly children: ReactNode
}

interface Failed {
  readonly error: Error | null
}

export class Mishap extends Component<MishapProps, Failed> {
  override state: Failed = { error: null }

  static getDerivedStateFromError(error: unknown): Failed {
    return { error: error instanceof Error ? error : new Error('Something was thrown that is no error.') }
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children
    return (
      <>
        <h1>This page cannot be drawn</h1>
        <Failure of={this.state.error} />
        <p>That is a fault of the dashboard. The command and the API show the same.</p>
      </>
    )
  }
}
