/// Lines in aligned columns, of which few are shown wholly and many only where they matter.
///
/// The first 50 are held back so that their columns can be aligned and it is known whether they are few.
/// When there are more, the lines that do not matter are left out, the others are handed on as they come. Of few, those
/// that tell of trouble come first.
struct AlignedLines {
  static let few = 50

  private let showsAll: Bool
  private var layout: RowLayout
  private var held: [(cells: [Cell], matters: Bool, isTrouble: Bool)] = []
  private var areMany = false

  init(showsAll: Bool, layout: RowLayout) {
    self.showsAll = showsAll
    self.layout = layout
  }

  /// Returns the lines to print now.
  mutating func add(_ cells: [Cell], matters: Bool, isTrouble: Bool = false) -> [String] {
    if areMany { return showsAll || matters ? layout.lines(cells) : [] }
    held.append((cells, matters, isTrouble))
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
    for line in shown { layout.fit(line.cells) }
    return (shown.filter(\.isTrouble) + shown.filter { !$0.isTrouble }).flatMap { layout.lines($0.cells) }
  }
}
