// The words of a command line that say which application it is about. A command that is printed to be copied repeats
// them: without them it would go to another store, or to none.
import type { Given } from './command.ts'
import { shellWord } from './why-waiting.ts'

/** ` --store file:other.db` or ` --url http://...` as it was given, ready to stand behind a command; else nothing. */
export function placeWords(given: Pick<Given, 'text'>): string {
  return ['store', 'url']
    .flatMap((name) => {
      const value = given.text(name)
      return value === undefined ? [] : [` --${name} ${shellWord(value)}`]
    })
    .join('')
}
