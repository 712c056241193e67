/// A table with borders, as influxctl prints its own: scripts that cut it apart find the columns where they were.
struct BorderedTable {
  private let rows: [[String]]

  /// Cells are safe for a terminal already.
  init(_ header: [String], _ rows: [[String]]) {
    self.rows = [header] + rows
  }

  var lines: [String] {
    let widths = rows[0].indices.map { column in
      rows.map { $0[column].displayWidth }.max() ?? 0
    }
    let border = "+" + widths.map { String(repeating: "-", count: $0 + 2) + "+" }.joined()
    let lines = rows.map { row in
      "|"
        + zip(row, widths).map { cell, width in
          " \(cell)\(String(repeating: " ", count: width - cell.displayWidth)) |"
        }.joined()
    }
    return [border, lines[0], border] + lines.dropFirst() + (lines.count > 1 ? [border] : [])
  }
}
