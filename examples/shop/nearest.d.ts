/** ` Did you mean "tutu"?` for the candidate nearest to `word`, or an empty string when none is near. */
export declare function nearest(word: string, candidates: readonly string[]): string
