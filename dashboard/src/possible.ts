// What a person can do to a run, and why not where it cannot be done. The choices of a stuck run come from the server; what can
// be done to any open run (stop it, send it a signal, try a call now that waits for its next attempt) is known here.
import type { Action, Scope, Session } from './api.ts'
import type { ApplicationView, RunView } from './shown.ts'

export type Deed = Action | 'signal'

export interface Target {
  /** The call or step; undefined: the run. */
  readonly op: string | undefined
  /** What must come first, in words. */
  readonly after: string | undefined
}

export interface Possible {
  readonly deed: Deed
  readonly targets: readonly Target[]
  /** Of the workflow. */
  readonly signals: readonly string[]
  /** Why it cannot be done; undefined: it can. */
  readonly not: string | undefined
}

const DEEDS: readonly Deed[] = ['retry', 'answer', 'fail', 'cancel', 'signal']

/** Why somebody can do nothing who may only look. */
export const ONLY_READS = 'you have signed in with a token that only reads'

/** Why whoever has signed in may not do what needs a scope; undefined: they may, or the server decides it when it is asked. */
export function lacking(session: Session | undefined, scope: Scope): string | undefined {
  if (session === undefined) return undefined
  if (session.scopes?.includes(scope) ?? session.mayWrite) return undefined
  return session.key == null ? ONLY_READS : `your API key ${session.key.name} lacks the scope ${scope}`
}

/** @param not why what needs a scope may not be done */
export function possible(
  run: RunView,
  app: ApplicationView | undefined,
  not: (scope: Scope) => string | undefined = () => undefined,
): readonly Possible[] {
  return DEEDS.map((deed) => {
    const signals = deed === 'signal' ? signalsOf(run, app) : []
    const targets = deed === 'signal' ? [] : targetsOf(run, deed)
    return {
      deed,
      targets,
      signals,
      not: notWords(run, deed, targets, signals) ?? not(deed === 'signal' ? 'signal' : 'act'),
    }
  })
}

/** A run that is a schedule itself. */
const isSchedule = ({ name }: RunView): boolean => name === '@schedule'

function targetsOf(run: RunView, deed: Action): readonly Target[] {
  if (run.ended !== null) return []
  const given = run.choices.filter(({ action }) => action === deed).map(({ op, after }) => ({ op, after }))
  if (deed === 'cancel' && given.length === 0 && run.phase !== 'cancelling' && run.failing !== true && !isSchedule(run))
    return [{ op: undefined, after: undefined }]
  if (deed !== 'retry') return given
  const known = new Set(given.map(({ op }) => op))
  const soon = run.waits
    .filter(({ op, attempt }) => attempt !== undefined && attempt.next !== null && !known.has(op))
    .map(({ op }) => ({ op, after: undefined }))
  return [...given, ...soon]
}

function signalsOf(run: RunView, app: ApplicationView | undefined): readonly string[] {
  return run.kind === 'workflow' ? (app?.workflows.find(({ name }) => name === run.name)?.signals ?? []) : []
}

function notWords(
  run: RunView,
  deed: Deed,
  targets: readonly Target[],
  signals: readonly string[],
): string | undefined {
  if (run.ended !== null) return 'it has ended'
  if (deed === 'signal') return signals.length > 0 ? undefined : 'it takes no signal'
  if (targets.length > 0) return undefined
  if (deed === 'cancel' && isSchedule(run)) return 'a schedule is paused, on the page of the schedules'
  if (deed === 'cancel' && run.failing === true) return 'it has failed, and ends so when it has taken back what it did'
  if (deed === 'cancel') return 'it was asked to stop already'
  return deed === 'retry' ? 'nothing of it is stuck or waits for its next attempt' : 'no call of it is stuck'
}
