/// What a person would see on a terminal that was sent this: lines that wrap at its width, a cursor that goes back.
///
/// Knows what the program may use, and nothing more: anything else is a finding.
struct TerminalScreen {
  let columns: Int
  /// How often a line went on in the next row because it was too long.
  private(set) var wrapCount = 0
  /// Escape sequences other than colours and erasing the rest of a row.
  private(set) var unknownSequences: [String] = []
  private(set) var hasSeenColour = false
  /// The rows at each moment at which something was complete: a row was ended, or its rest erased.
  private(set) var moments: [[String]] = []

  private var grid: [[Character]] = [[]]
  private var row = 0
  private var column = 0

  init(columns: Int) { self.columns = columns }

  /// Without what only blanks hold.
  var rows: [String] {
    var rows = grid.map { row in
      var row = row
      while row.last == " " { row.removeLast() }
      return String(row)
    }
    while rows.last == "" { rows.removeLast() }
    return rows
  }

  mutating func show(_ text: String) {
    // A character of its own each: `\r\n` is one grapheme, and not what a terminal sees.
    var rest = text.unicodeScalars.map(Character.init)[...]
    while let character = rest.popFirst() {
      switch character {
      case "\r": column = 0
      case "\n": lineFeed()
      case "\u{1b}": obey(TerminalScreen.takeSequence(&rest))
      default: put(character)
      }
    }
  }

  private mutating func put(_ character: Character) {
    if column == columns {
      wrapCount += 1
      lineFeed()
      column = 0
    }
    while grid[row].count <= column { grid[row].append(" ") }
    grid[row][column] = character
    column += 1
  }

  private mutating func lineFeed() {
    row += 1
    if row == grid.count { grid.append([]) }
    moments.append(rows)
  }

  private mutating func obey(_ sequence: String) {
    switch sequence.last {
    case "m" where sequence.first == "[": hasSeenColour = true
    case "K" where sequence == "[K":
      grid[row].removeSubrange(min(column, grid[row].count)...)
      moments.append(rows)
    default: unknownSequences.append(sequence)
    }
  }

  /// `[`, its numbers and the letter that ends it.
  private static func takeSequence(_ rest: inout ArraySlice<Character>) -> String {
    var sequence = ""
    while let character = rest.popFirst() {
      sequence.append(character)
      if character.isLetter { break }
    }
    return sequence
  }
}
