/// One cell of a table: its text, made visible already, and how it looks.
struct Cell {
  var text: String
  var paint: Paint?
  /// What the text is, for where there is no header to say it.
  var label: String?

  init(_ text: String, _ paint: Paint? = nil, label: String? = nil) {
    self.text = text
    self.paint = paint
    self.label = label
  }
}

/// Puts the cells of a table's rows into lines. The last cell of a row is free text, of any length.
///
/// A pipe gets one line a row, whatever its length. A terminal gets lines that fit: columns that matter least are
/// left out, free text goes on under itself, or below the row where too little room is left for it; and where not even
/// the columns that matter fit, each row becomes a small block.
struct RowLayout {
  private static let gap = 2
  /// Free text beside the columns is readable from here on, if that is half of the width too.
  private static let readableColumns = 32
  /// A name of so many is not cut short.
  private static let ordinaryColumns = 32

  /// Columns that may be left out, the least important first.
  let dispensable: [Int]
  /// Of these, the ones that a block has too.
  let inBlocks: Set<Int>
  /// nil: as long as they are.
  let columns: Int?
  let hasColour: Bool
  /// Of all columns but the last.
  private var widths: [Int] = []

  init(dispensable: [Int] = [], inBlocks: Set<Int> = [], columns: Int?, hasColour: Bool) {
    self.dispensable = dispensable
    self.inBlocks = inBlocks
    self.columns = columns
    self.hasColour = hasColour
  }

  /// Makes the columns wide enough for a row, within reason: one long name is not to take all the room.
  mutating func fit(_ cells: [Cell]) {
    let most = columns.map { max($0 / 2, RowLayout.ordinaryColumns) } ?? .max
    for (column, cell) in cells.dropLast().enumerated() {
      if column == widths.count { widths.append(0) }
      widths[column] = max(widths[column], min(cell.text.displayWidth, most))
    }
  }

  /// Whether rows are lines with columns, which a header can stand above.
  var hasColumns: Bool { keptColumns != nil }

  func lines(_ cells: [Cell]) -> [String] {
    guard let columns else { return aligned(cells.indices.map { $0 }, cells) }
    guard let kept = keptColumns else { return block(cells, columns) }
    let isTooWide = kept.contains {
      cells[$0].text.displayWidth > max(widths[$0], columns - start(of: $0, in: kept))
    }
    if isTooWide { return block(cells, columns) }
    let offset = kept.reduce(0) { $0 + widths[$1] + RowLayout.gap }
    let room = columns - offset
    let note = cells[cells.count - 1]
    let all = kept + [cells.count - 1]
    if note.text.displayWidth <= room { return aligned(all, cells) }
    guard room >= max(RowLayout.readableColumns, columns / 2) else {
      return aligned(kept, cells) + below(note, columns)
    }
    let pieces = note.text.wrapped(columns: room)
    var first = cells
    first[cells.count - 1].text = pieces[0]
    let margin = String(repeating: " ", count: offset)
    return aligned(all, first) + pieces.dropFirst().map { margin + painted(Cell($0, note.paint)) }
  }

  /// Text that belongs to a row, under it.
  func below(_ note: Cell, _ columns: Int, margin: Int = 4) -> [String] {
    let margin = columns < 40 ? min(margin, 2) : margin
    return note.text.wrapped(columns: columns - margin).map {
      String(repeating: " ", count: margin) + painted(Cell($0, note.paint))
    }
  }

  /// What is left when columns are left out until the rest fits; nil: nothing that would do.
  private var keptColumns: [Int]? {
    guard let columns else { return Array(widths.indices) }
    var kept = Array(widths.indices)
    for column in dispensable + [-1] {
      let width = kept.reduce(-RowLayout.gap) { $0 + widths[$1] + RowLayout.gap }
      if width <= columns { return kept }
      kept.removeAll { $0 == column }
    }
    return nil
  }

  private func start(of column: Int, in kept: [Int]) -> Int {
    kept.prefix { $0 != column }.reduce(0) { $0 + widths[$1] + RowLayout.gap }
  }

  /// Cells side by side. After one that is wider than its column, a terminal gets the rest on the next line, where it
  /// belongs.
  private func aligned(_ kept: [Int], _ cells: [Cell]) -> [String] {
    var lines: [String] = []
    var line = ""
    var used = 0
    var offset = 0
    for column in kept {
      let text = cells[column].text
      if !text.isEmpty {
        if columns != nil, used > 0, used + RowLayout.gap > offset {
          lines.append(line)
          (line, used) = ("", 0)
        }
        // A later row of a pipe may be wider than those that the columns were made for.
        let start = line.isEmpty ? offset : max(offset, used + RowLayout.gap)
        line += String(repeating: " ", count: start - used) + painted(cells[column])
        used = start + text.displayWidth
      }
      let width = column < widths.count ? widths[column] : 0
      offset = (columns == nil ? max(offset + width, used) : offset + width) + RowLayout.gap
    }
    return lines + [line]
  }

  private func block(_ cells: [Cell], _ columns: Int) -> [String] {
    var lines = cells[0].text.wrapped(columns: columns).map { painted(Cell($0, cells[0].paint)) }
    let margin = columns < 24 ? 1 : 2
    var facts: [String] = []
    for (column, cell) in cells.enumerated().dropFirst().dropLast() where !["", "-"].contains(cell.text) {
      if dispensable.contains(column), !inBlocks.contains(column) { continue }
      if let label = cell.label {
        facts.append("\(label) \(cell.text)")
      } else {
        lines += below(cell, columns, margin: margin)
      }
    }
    for line in filled(facts, columns: columns - margin) {
      lines += below(Cell(line), columns, margin: margin)
    }
    return lines + below(cells[cells.count - 1], columns, margin: margin)
  }

  /// Facts one after the other, as many in a line as fit, none torn.
  private func filled(_ facts: [String], columns: Int) -> [String] {
    var lines: [String] = []
    for fact in facts {
      if let last = lines.last, last.displayWidth + 2 + fact.displayWidth <= columns {
        lines[lines.count - 1] = "\(last), \(fact)"
      } else {
        lines.append(fact)
      }
    }
    return lines
  }

  private func painted(_ cell: Cell) -> String {
    guard hasColour, let paint = cell.paint, !cell.text.isEmpty else { return cell.text }
    return paint.over(cell.text)
  }
}
