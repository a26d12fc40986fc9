// What the dashboard shares with the command: the words for a run, a flow and a journal, the tree of causes, the sequence, and
// where the boxes of a picture stand. Both say the same of the same order because both ask here. Everything that this door
// leads to is pure and runs in a browser: no `node:*`, no clock, no terminal. It is of the repository, not of the package.
export type { AsideAction, AsideActed, AsideItemView, AsideWholeView } from '../core/aside-views.ts'
export type { FailingPage, FailingView } from '../core/failing-views.ts'
export type { NodesView } from '../core/node-views.ts'
export type {
  ApplicationView,
  ChoiceView,
  CountView,
  CountsView,
  DrawingView,
  ErrorView,
  EventView,
  FlowView,
  JournalView,
  KeyView,
  Page,
  Related,
  RunView,
  ScheduleView,
  StepView,
  UnreadableView,
  WaitView,
} from '../core/views.ts'
export { showMs } from '../core/duration.ts'
export { isRecord, type Json } from '../core/json.ts'
export { layout } from '../define/draw/layers.ts'
export { causalTree, type CausalNode, type Causes } from './causal-tree.ts'
export type { Acted, ActedAll } from '../define/application.ts'
export type { AsidesPage } from '../define/asides.ts'
export { actedAllWords, actedWords } from './acted-words.ts'
export { asideActedWords, asideAgainWords, asideCauseWords, asideKindWords, lostWords } from './aside-words.ts'
export { anewLines, choiceLines } from './choices.ts'
export { flowWords } from './flow-words.ts'
export {
  answerWords,
  commandWords,
  deliveredWords,
  failureWords,
  noteWords,
  part,
  word,
  type Part,
} from './journal-words.ts'
export { printable, printableView } from './printable.ts'
export { OUTSIDE, sequenceLines, type Arrow, type Sequence, type SequenceLine } from './sequence.ts'
export { between, inTime, offset, shownTime } from './times.ts'
export { stuckBelow } from './stuck-below.ts'
export {
  errorWords,
  fetchingWords,
  isStuckAt,
  lengthWords,
  placesOf,
  shellWord,
  stuckWords,
  waitingLine,
  waitWords,
} from './why-waiting.ts'
