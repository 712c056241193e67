/// Columns side by side, as an inline SVG.
///
/// Across, everything is in parts of the width and so follows the page; letters keep their size on any screen.
struct ColumnChart {
  struct Column: Equatable {
    var label: String
    var title: String
    var count: Int
    /// Whether it is told from the others, by a pattern of its outline too.
    var isStriking: Bool
  }

  private let columns: [Column]
  private let label: String
  private static let plotHeight = 120
  private static let top = 20

  init(_ columns: [Column], label: String) {
    self.columns = columns
    self.label = label
  }

  /// Labels stand so far apart that they have room on a phone.
  private var labelled: [Int] {
    stride(from: 0, to: max(1, columns.count - 2), by: 3).map { $0 }
  }

  func write(_ page: inout HTMLWriter) {
    let bottom = ColumnChart.top + ColumnChart.plotHeight
    page.element(
      .svg,
      [
        .class("chart"), HTMLAttribute(.role, "img"), .label(label), HTMLAttribute(.width, "100%"),
        HTMLAttribute(.height, "\(bottom + 24)"),
      ]
    ) { page in
      for (index, column) in columns.enumerated() { writeColumn(column, at: index, &page) }
      page.element(
        .line,
        [
          .class("axis"), HTMLAttribute(.x1, "0"), HTMLAttribute(.x2, "100%"),
          HTMLAttribute(.y1, "\(bottom)"),
          HTMLAttribute(.y2, "\(bottom)"),
        ])
      for index in labelled {
        page.element(
          .text,
          [
            .class("label"), HTMLAttribute(.x, left(index)), HTMLAttribute(.y, "\(bottom + 18)"),
          ], columns[index].label)
      }
    }
  }

  private func writeColumn(_ column: Column, at index: Int, _ page: inout HTMLWriter) {
    guard column.count > 0 else { return }
    let most = columns.map(\.count).max() ?? 1
    // The least is seen, whatever it is beside.
    let height = max(3, column.count * ColumnChart.plotHeight / max(1, most))
    let y = ColumnChart.top + ColumnChart.plotHeight - height
    page.element(
      .rect,
      [
        .class(column.isStriking ? "mark striking" : "mark"), HTMLAttribute(.x, left(index)),
        HTMLAttribute(.y, "\(y)"), HTMLAttribute(.width, percent(0.72 / Double(columns.count))),
        HTMLAttribute(.height, "\(height)"),
      ]
    ) { $0.element(.title, [], column.title) }
    page.element(
      .text,
      [.class("value middle"), HTMLAttribute(.x, middle(index)), HTMLAttribute(.y, "\(y - 5)")],
      column.count.grouped)
  }

  private func left(_ index: Int) -> String {
    percent((Double(index) + 0.14) / Double(columns.count))
  }

  private func middle(_ index: Int) -> String {
    percent((Double(index) + 0.5) / Double(columns.count))
  }
}
