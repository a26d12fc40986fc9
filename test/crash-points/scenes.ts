// What a shop does while it is killed: it is made anew, with its first order of each style; or, on a copy of a shop that
// was made, it carries one reference order through, from the first request until it has closed.
import { planOrder, referenceKinds, styles, type PlannedOrder } from '../chaos/orders.ts'

export interface Scene {
  readonly name: string
  /** The shop begins with nothing. */
  readonly isNew: boolean
  readonly orders: readonly PlannedOrder[]
}

const fresh: Scene = {
  name: 'a new shop',
  isNew: true,
  // These the shop places itself as well; whoever comes first, each is one order.
  orders: styles.map((style) => planOrder(referenceKinds.well, style, `first-${style}`)),
}

export const scenes: readonly Scene[] = [
  fresh,
  ...styles.flatMap((style) =>
    Object.entries(referenceKinds)
      // In a choreography nobody is in charge whose run the shop could cancel.
      .filter(([name]) => style === 'orchestrated' || name !== 'cancelled by the shop')
      .map(([name, kind]): Scene => ({
        name: `${style}, ${name}`,
        isNew: false,
        orders: [planOrder(kind, style, 'reference')],
      })),
  ),
]
