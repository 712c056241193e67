/// Lines in aligned columns, of which few are shown wholly and many only where they matter.
///
/// The first 50 are held back so that their columns can be aligned and it is known whether they are few.
/// When there are more, the lines that do not matter are left out, the others are handed on as they come.
struct AlignedLines {
  static let few = 50

  private let showsAll: Bool
  private var held: [(cells: [String], matters: Bool)] = []
  private var widths: [Int] = []
  private var areMany = false

  init(showsAll: Bool) {
    self.showsAll = showsAll
  }

  /// Returns the lines to print now.
  mutating func add(_ cells: [String], matters: Bool) -> [String] {
    if areMany { return showsAll || matters ? [align(cells)] : [] }
    held.append((cells, matters))
    guard held.count > AlignedLines.few else { return [] }
    areMany = true
    return release(onlyThoseThatMatter: !showsAll)
  }

  /// Returns the lines that were held back.
  mutating func finish() -> [String] {
    release(onlyThoseThatMatter: false)
  }

  private mutating func release(onlyThoseThatMatter isShort: Bool) -> [String] {
    let shown = held.filter { $0.matters || !isShort }
    held = []
    for line in shown {
      for (column, cell) in line.cells.enumerated() {
        let width = cell.unicodeScalars.count
        if column < widths.count { widths[column] = max(widths[column], width) } else { widths.append(width) }
      }
    }
    return shown.map { align($0.cells) }
  }

  private func align(_ cells: [String]) -> String {
    var line = ""
    for (column, cell) in cells.enumerated() {
      if column > 0 { line += "  " }
      line += cell
      let width = column < widths.count ? widths[column] : 0
      line += String(repeating: " ", count: max(0, width - cell.unicodeScalars.count))
    }
    while line.last == " " { line.removeLast() }
    return line
  }
}
