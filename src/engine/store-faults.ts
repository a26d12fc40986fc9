// What a store fails with, as far as it says something of what was asked: of one that cannot be reached nobody has learned anything,
// and one that fails may do so for this alone (a damaged page).
import { isBalletError } from '../core/errors.ts'

/** Whether the store cannot be reached, so that whatever else is asked of it now fails as well, or may not in a moment. */
export const isOutOfReach = (error: unknown): boolean =>
  isBalletError(error) && (error.code === 'STORE_UNREACHABLE' || error.code === 'COMMIT_UNKNOWN')

/** Whether the store is at fault, or out of reach, and not what was asked. */
export const isOfStore = (error: unknown): boolean =>
  isOutOfReach(error) || (isBalletError(error) && error.code === 'STORE_FAILED')
