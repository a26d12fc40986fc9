// What a check finds. Codes never change their meaning; docs/reference/check.md lists them, and a test holds it to this
// table. What rests on something that was not seen, and may be there all the same, is told as a note.

/**
 * Every code, with what it is about. `fault`: something will go wrong. `note`: it may, or the check could not look further.
 */
export const FINDINGS = {
  'part-unfit': { level: 'fault', about: 'The parts of the application do not fit together: open refuses it.' },
  'event-unproduced': { level: 'fault', about: 'A flow waits for an event that no operation produces.' },
  'event-uncalled': { level: 'fault', about: 'A flow waits for an event whose operation no reaction calls.' },
  'event-unanswered': { level: 'fault', about: 'A flow goes on after an event to which nobody reacts.' },
  'event-impossible': { level: 'fault', about: 'The rules of a flow leave no place for an event of its pattern.' },
  'answer-missing': { level: 'fault', about: 'Who reacts to an event calls nothing that the flow waits for.' },
  'answer-doubled': { level: 'note', about: 'Two reactions seem to bring the same event, and the flow has it once.' },
  'outcome-unknown': { level: 'fault', about: 'An operation can answer with an event that the flow does not have.' },
  'outcome-misplaced': { level: 'fault', about: 'An operation can answer with an event that can not come any more.' },
  'ending-impossible': { level: 'fault', about: 'The rules of a flow leave no way to an ending that it names.' },
  'reaction-unheard': { level: 'fault', about: 'A reaction waits for an event that nobody produces.' },
  'reaction-threw': { level: 'fault', about: 'A reaction throws for data that the schema of its event accepts.' },
  'reaction-answer': { level: 'fault', about: 'A reaction gives something else than a call or null.' },
  'reaction-unknown': { level: 'note', about: 'What a reaction calls could not be seen; it can be declared.' },
  'call-unknown': { level: 'fault', about: 'A reaction calls an operation or workflow that the application lacks.' },
  'input-unfit': { level: 'fault', about: 'A reaction makes an input that the operation refuses.' },
  'key-lost': { level: 'fault', about: 'A reaction does not hand on the key, so that the flow cannot go on.' },
  'key-unfit': {
    level: 'fault',
    about: 'The key of a workflow, or of an event, is no field of its input, or data, that is always a string.',
  },
  'cycle-endless': { level: 'note', about: 'Reactions seem to answer each other without a way out.' },
  'limit-pointless': { level: 'fault', about: 'A limit never decides anything.' },
  'limit-by-nothing': { level: 'fault', about: 'A service is limited by a field that no input has.' },
  'undo-missing': { level: 'fault', about: 'A path takes something back, and not all that was done before.' },
  'schema-breaking': { level: 'fault', about: 'A schema changed so that somebody who relies on it breaks.' },
  'schema-changed': { level: 'note', about: 'A schema changed so that nobody breaks.' },
  'schema-new': { level: 'note', about: 'A schema is not in the snapshot yet.' },
  'schema-unseen': { level: 'note', about: 'A schema cannot be read as JSON Schema.' },
} as const

/** What `ballet check` may find; docs/reference/check.md says what each means. */
export type FindingCode = keyof typeof FINDINGS

/** Something that a check found: what, where, and the line that would mend it. */
export interface Finding {
  readonly code: FindingCode
  readonly level: 'fault' | 'note'
  /** `choreography "fulfilment", event "payment.approved"`. */
  readonly place: string
  readonly problem: string
  /** What to write, as code or as a sentence. */
  readonly mend: string
}

export function finding(code: FindingCode, place: string, problem: string, mend: string): Finding {
  return { code, level: FINDINGS[code].level, place, problem, mend }
}

/** The same where something that would speak against it may be there unseen. */
export function noteOf(one: Finding): Finding {
  return { ...one, level: 'note' }
}

/** `order.created` as the name under which code has it: `OrderCreated`. A guess that is right in most code. */
export function variableOf(type: string): string {
  return type
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('')
}
