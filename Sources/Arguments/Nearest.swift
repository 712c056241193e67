/// The candidate that was probably meant: at most a third of its letters wrong, swapped, missing or too many.
func nearest(to text: String, among candidates: some Sequence<String>) -> String? {
  // Longer than any name: not a slip of the finger.
  guard !text.isEmpty, text.utf8.count <= 64 else { return nil }
  var best: (name: String, distance: Int)?
  for candidate in candidates {
    let distance = editDistance(Array(text.utf8), Array(candidate.utf8))
    guard distance <= max(1, candidate.utf8.count / 3), distance < candidate.utf8.count else { continue }
    if best.map({ distance < $0.distance }) ?? true { best = (candidate, distance) }
  }
  return best?.name
}

/// Insertions, deletions, substitutions and swaps of neighbours, each counting one (optimal string alignment).
private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
  var twoAbove: [Int] = []
  var above = Array(0...right.count)
  for row in left.indices {
    var current = [row + 1]
    for column in right.indices {
      let substitution = above[column] + (left[row] == right[column] ? 0 : 1)
      var least = min(substitution, above[column + 1] + 1, current[column] + 1)
      if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
        least = min(least, twoAbove[column - 1] + 1)
      }
      current.append(least)
    }
    twoAbove = above
    above = current
  }
  return above[right.count]
}
