/// Text cut to the columns of a terminal.
extension String {
  /// Lines of at most `columns`, broken at spaces; a word that is longer is broken inside.
  func wrapped(columns: Int) -> [String] {
    let columns = Swift.max(2, columns)
    var lines: [String] = []
    var line = ""
    var width = 0
    for word in split(separator: " ") {
      let wordWidth = word.displayWidth
      if !line.isEmpty, width + 1 + wordWidth <= columns {
        line += " \(word)"
        width += 1 + wordWidth
        continue
      }
      if !line.isEmpty { lines.append(line) }
      (line, width) = (String(word), wordWidth)
      while width > columns {
        let head = line.prefix(columns: columns)
        lines.append(head)
        line.removeFirst(head.count)
        width -= head.displayWidth
      }
    }
    if !line.isEmpty { lines.append(line) }
    return lines
  }

  /// As many whole characters as fit.
  func prefix(columns: Int) -> String {
    var width = 0
    return String(
      prefix { character in
        width += character.displayWidth
        return width <= columns
      })
  }

  /// The whole text, or its beginning with an ellipsis, where there is room for that.
  func cut(columns: Int) -> String {
    guard displayWidth > columns else { return self }
    return columns < 2 ? prefix(columns: columns) : prefix(columns: columns - 1) + "…"
  }
}
