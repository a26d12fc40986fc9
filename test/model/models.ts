// All models, and what a check of one comes to: for the test, with small bounds, and for the command, with any.
import { check, type Model, type Verdict } from './checker.ts'
import { children } from './children.ts'
import { committer } from './committer.ts'
import { doors } from './doors.ts'
import { inbox } from './inbox.ts'
import { journal } from './journal.ts'
import { pipeline } from './pipeline.ts'
import { lease } from './lease.ts'
import { owners } from './owners.ts'
import { reactions } from './reactions.ts'
import { suspects } from './suspects.ts'
import { timer } from './timer.ts'
import { undo } from './undo.ts'

/** A model whose states nobody outside needs to know. */
export interface AnyModel extends Pick<Model<never>, 'name' | 'about' | 'code' | 'mutants'> {
  readonly check: (bound: number, mutant: string | null, maxStates?: number) => Verdict
}

function hide<S, Name extends string>(model: Model<S, Name>): AnyModel {
  const { name, about, code, mutants, build } = model
  return {
    name,
    about,
    code,
    mutants,
    check: (bound, mutant, maxStates) => check(build(bound, mutant as Name | null), maxStates),
  }
}

export const models: readonly AnyModel[] = [
  hide(journal),
  hide(pipeline),
  hide(inbox),
  hide(children),
  hide(committer),
  hide(lease),
  hide(owners),
  hide(undo),
  hide(timer),
  hide(doors),
  hide(reactions),
  hide(suspects),
]
