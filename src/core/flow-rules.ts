// The rules that hold beside the pattern of a flow, as small machines: one number for each rule, which an event changes
// or which it breaks. A response with a limit counts from the first cause that is not answered yet.
import { typesOfRule, type FlowRule } from './flow-pattern.ts'

/** How far each rule is, in the order of the rules: 0, or 1 once its first event has come (for a response: is unanswered). */
export type RuleMarks = readonly number[]

/** What is told of an event that a rule forbids. */
export interface RuleBroken {
  readonly rule: FlowRule
}

/** The marks after an event, or the rule that it breaks. */
export function stepRules(rules: readonly FlowRule[], marks: RuleMarks, type: string): RuleMarks | RuleBroken {
  const next = [...marks]
  for (const [index, rule] of rules.entries()) {
    if (!typesOfRule(rule).includes(type)) continue
    const seen = marks[index] === 1
    switch (rule.kind) {
      case 'never':
        return { rule }
      case 'after':
        if (seen && type === rule.second) return { rule }
        if (type === rule.first) next[index] = 1
        break
      case 'precedence':
        if (!seen && type === rule.second) return { rule }
        if (type === rule.first) next[index] = 1
        break
      case 'response':
        next[index] = type === rule.cause ? 1 : 0
        break
    }
  }
  return next
}

/** A response that has no answer yet. */
export interface OpenRule {
  readonly index: number
  readonly rule: FlowRule & { readonly kind: 'response' }
}

/** The rules that keep a flow from ending. */
export function openRules(rules: readonly FlowRule[], marks: RuleMarks): readonly OpenRule[] {
  return rules.flatMap((rule, index) => (rule.kind === 'response' && marks[index] === 1 ? { index, rule } : []))
}

/** What a rule says, for people. */
export function showRule(rule: FlowRule): string {
  switch (rule.kind) {
    case 'never':
      return `${rule.event} must not come`
    case 'after':
      return `${rule.second} must not come after ${rule.first}`
    case 'precedence':
      return `${rule.second} must not come before ${rule.first}`
    case 'response':
      return `${rule.cause} must be answered by ${rule.answer}`
  }
}
