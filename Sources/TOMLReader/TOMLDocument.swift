internal import CTOML

/// Reads TOML 1.0 through toml++.
public enum TOMLDocument {
  /// The longest document that is read: 10 MB.
  public static let maximumBytes = 10_000_000

  /// The most dots on one line. Dotted keys nest a table a dot, and toml++ 3.3 frees nested tables
  /// recursively, so a line of dots would otherwise be a stack overflow.
  static let maximumDotsPerLine = 200

  /// Reads one document into its root table.
  ///
  /// - Parameters:
  ///   - bytes: UTF-8; a byte order mark is allowed.
  ///   - file: the name that positions carry.
  /// - Throws: `TOMLSyntaxError` for anything that is not TOML, a NUL, bytes that are not UTF-8, more than
  ///   10 MB, or values nested too deep.
  public static func parse(_ bytes: [UInt8], file: String) throws(TOMLSyntaxError) -> TOMLTable {
    try checkBounds(bytes, file: file)
    let document = bytes.withUnsafeBufferPointer { buffer in
      buffer.withMemoryRebound(to: CChar.self) { ctoml_parse($0.baseAddress, $0.count) }
    }
    guard let document else {
      throw TOMLSyntaxError("not enough memory to read it", at: TOMLPosition(file: file, line: 1, column: 1))
    }
    defer { ctoml_free(document) }
    if let message = ctoml_error_message(document) {
      let position = TOMLPosition(
        file: file, line: max(1, Int(ctoml_error_line(document))),
        column: max(1, Int(ctoml_error_column(document))))
      throw TOMLSyntaxError(String(cString: message), at: position)
    }
    let nodes = UnsafeBufferPointer(start: ctoml_nodes(document), count: ctoml_node_count(document))
    var builder = TreeBuilder(nodes: nodes, file: file)
    guard case .table(let root) = builder.next(inside: nil).content else { return TOMLTable() }
    return root
  }

  private static func checkBounds(_ bytes: [UInt8], file: String) throws(TOMLSyntaxError) {
    guard bytes.count <= maximumBytes else {
      throw TOMLSyntaxError(
        "longer than \(maximumBytes) bytes", at: TOMLPosition(file: file, line: 1, column: 1))
    }
    var line = 1
    var column = 0
    var dots = 0
    for byte in bytes {
      // A continuation byte belongs to the scalar before it.
      if byte & 0xC0 != 0x80 { column += 1 }
      switch byte {
      case 0:
        throw TOMLSyntaxError("a NUL byte", at: TOMLPosition(file: file, line: line, column: column))
      case UInt8(ascii: "\n"):
        line += 1
        column = 0
        dots = 0
      case UInt8(ascii: "."):
        dots += 1
        guard dots <= maximumDotsPerLine else {
          throw TOMLSyntaxError(
            "more than \(maximumDotsPerLine) dots on one line",
            at: TOMLPosition(file: file, line: line, column: column))
        }
      default: break
      }
    }
  }
}

/// Folds the flat list of nodes back into a tree. Its depth was bounded when the list was made.
private struct TreeBuilder {
  let nodes: UnsafeBufferPointer<ctoml_node>
  let file: String
  var index = 0

  /// - Parameter parent: the position to use for a node without one, such as a table that only a longer
  ///   header implies.
  mutating func next(inside parent: TOMLPosition?) -> TOMLValue {
    let node = nodes[index]
    index += 1
    let position = place(node.line, node.column, else: keyPosition(of: node) ?? parent)
    switch node.kind {
    case CTOML_TABLE:
      return TOMLValue(.table(table(childCount: node.child_count, at: position)), at: position)
    case CTOML_ARRAY:
      let elements = (0..<node.child_count).map { _ in next(inside: position) }
      return TOMLValue(.array(elements), at: position)
    case CTOML_INTEGER: return TOMLValue(.integer(node.integer), at: position)
    case CTOML_FLOAT: return TOMLValue(.float(node.number), at: position)
    case CTOML_BOOLEAN: return TOMLValue(.boolean(node.integer != 0), at: position)
    case CTOML_DATETIME: return TOMLValue(.datetime(text(node.text, node.text_length)), at: position)
    default: return TOMLValue(.string(text(node.text, node.text_length)), at: position)
    }
  }

  private mutating func table(childCount: Int, at position: TOMLPosition) -> TOMLTable {
    var entries: [TOMLTable.Entry] = []
    entries.reserveCapacity(childCount)
    for _ in 0..<childCount {
      let node = nodes[index]
      let value = next(inside: position)
      entries.append(
        TOMLTable.Entry(
          key: text(node.key, node.key_length), keyPosition: keyPosition(of: node) ?? value.position,
          value: value))
    }
    return TOMLTable(entries)
  }

  private func keyPosition(of node: ctoml_node) -> TOMLPosition? {
    guard node.key_line > 0 else { return nil }
    return TOMLPosition(file: file, line: Int(node.key_line), column: Int(node.key_column))
  }

  private func place(_ line: UInt32, _ column: UInt32, else fallback: TOMLPosition?) -> TOMLPosition {
    guard line > 0 else { return fallback ?? TOMLPosition(file: file, line: 1, column: 1) }
    return TOMLPosition(file: file, line: Int(line), column: Int(column))
  }

  private func text(_ start: UnsafePointer<CChar>?, _ length: Int) -> String {
    guard let start else { return "" }
    return start.withMemoryRebound(to: UInt8.self, capacity: length) {
      String(decoding: UnsafeBufferPointer(start: $0, count: length), as: UTF8.self)
    }
  }
}
