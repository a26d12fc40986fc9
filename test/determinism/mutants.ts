// Machines with one rule of giving up and taking back broken on purpose. A campaign that does not find them out would not
// find the same fault in core.
import { WatchedMachine } from './scene.ts'
import type { Pending } from '../../src/core/pending.ts'

type GiveUp = Parameters<WatchedMachine['giveUp']>

const meant = (machine: WatchedMachine, [isMeant]: GiveUp): readonly Pending[] =>
  [...machine.pending.values()].filter((pending) => !pending.givenUp && isMeant(pending))

/** Gives up in the reverse order of the ids. */
export class ReversedMachine extends WatchedMachine {
  override giveUp(...given: GiveUp): void {
    const backwards = [...meant(this, given)].sort((a, b) => (a.op < b.op ? 1 : -1))
    for (const one of backwards) super.giveUp((pending) => pending === one, given[1])
  }
}

/** Takes back what was given up without waiting until it has settled. */
export class HastyMachine extends WatchedMachine {
  override giveUp(...given: GiveUp): void {
    const open = meant(this, given)
    super.giveUp(...given)
    for (const { settles } of open) settles?.(undefined)
  }
}

/** Takes nothing back of what was given up and settled before the run ended. */
export class ForgetfulMachine extends WatchedMachine {
  constructor(...made: ConstructorParameters<typeof WatchedMachine>) {
    super(...made)
    this.undos.lose = () => {}
  }
}
