// Finds the word that somebody may have meant.
/** ` Did you mean "tutu"?` for the candidate nearest to `word`, or an empty string when none is near. */
export function nearest(word, candidates) {
  // Longer words are like nothing that the shop knows, and comparing them costs time.
  const asked = word.slice(0, 64).toLowerCase()
  const limit = Math.max(2, Math.floor(asked.length / 3))
  const scored = candidates.map((candidate) => ({ candidate, distance: distance(asked, candidate.toLowerCase()) }))
  const best = scored.sort((left, right) => left.distance - right.distance)[0]
  return best === undefined || best.distance > limit ? '' : ` Did you mean "${best.candidate}"?`
}
/** Letters to insert, drop or exchange (Levenshtein), row by row of the table. */
function distance(left, right) {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let index = 0; index < left.length; index++) {
    const next = [index + 1]
    for (let column = 1; column <= right.length; column++) {
      const exchange = (row[column - 1] ?? 0) + (left[index] === right[column - 1] ? 0 : 1)
      next.push(Math.min(exchange, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[right.length] ?? 0
}
