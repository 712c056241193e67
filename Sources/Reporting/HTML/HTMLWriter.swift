import RotationPorts

/// Writes HTML in which text cannot become markup.
///
/// Elements and attributes come from enumerations, everything else is text and is escaped. There is no way to hand in
/// a string as markup, but for what another writer has made.
struct HTMLWriter {
  private let receive: (String) -> Void
  private var buffer = ""

  private static let chunkBytes = 65_536

  /// `receive` takes what is written, in pieces; the last of them comes with `flush()`.
  init(_ receive: @escaping (String) -> Void) {
    self.receive = receive
  }

  /// The line that says which HTML this is.
  mutating func documentType() { buffer += "<!DOCTYPE html>\n" }

  mutating func element(
    _ element: HTMLElement, _ attributes: [HTMLAttribute] = [], _ content: (inout HTMLWriter) -> Void
  ) {
    open(element, attributes)
    content(&self)
    close(element)
  }

  /// An element without content, or with text only.
  mutating func element(_ element: HTMLElement, _ attributes: [HTMLAttribute] = [], _ text: String = "") {
    open(element, attributes)
    guard !element.isVoid else { return }
    self.text(text)
    close(element)
  }

  /// Text from anywhere: what cannot be seen is made visible, and what would be markup is shown as it is.
  mutating func text(_ text: some StringProtocol) {
    HTMLWriter.escape(VisibleText.line(text), into: &buffer)
  }

  /// Rules that are known when the program is built.
  mutating func style(_ rules: StaticString) {
    open(.style, [])
    buffer += "\n" + rules.description
    close(.style)
  }

  /// Breaks the line of the page's source.
  mutating func newline() { buffer += "\n" }

  mutating func flush() {
    guard !buffer.isEmpty else { return }
    receive(buffer)
    buffer = ""
  }

  // MARK: Tags

  private mutating func open(_ element: HTMLElement, _ attributes: [HTMLAttribute]) {
    if buffer.utf8.count >= HTMLWriter.chunkBytes { flush() }
    buffer += "<" + element.rawValue
    for attribute in attributes {
      buffer += " " + attribute.name.rawValue + "=\""
      HTMLWriter.escape(VisibleText.line(attribute.value), into: &buffer)
      buffer += "\""
    }
    buffer += ">"
  }

  private mutating func close(_ element: HTMLElement) {
    buffer += "</" + element.rawValue + ">"
  }

  private static func escape(_ text: String, into buffer: inout String) {
    let isPlain = text.utf8.allSatisfy { byte in
      byte != UInt8(ascii: "&") && byte != UInt8(ascii: "<") && byte != UInt8(ascii: ">")
        && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "'")
    }
    guard !isPlain else {
      buffer += text
      return
    }
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": buffer += "&amp;"
      case "<": buffer += "&lt;"
      case ">": buffer += "&gt;"
      case "\"": buffer += "&quot;"
      case "'": buffer += "&#39;"
      default: buffer.unicodeScalars.append(scalar)
      }
    }
  }

  fileprivate mutating func copy(_ spool: Spool, _ range: Range<Int>) {
    flush()
    spool.read(range, receive)
  }
}

/// A part of a page that waits in a temporary file until its place has come: what grows with the number of tokens is
/// not kept in memory.
final class HTMLSpool {
  private let spool: Spool

  init(of contents: String, directory: String) {
    spool = Spool(of: contents, directory: directory)
  }

  var problem: Problem? { spool.problem }

  /// Where the next part will begin.
  var end: Int { spool.end }

  func append(_ content: (inout HTMLWriter) -> Void) {
    var writer = HTMLWriter { [spool] in spool.append($0) }
    content(&writer)
    writer.flush()
  }

  /// Brings what was appended into the file, after which `problem` is final for it.
  func flush() { spool.flush() }

  /// Puts the part between two places into the page.
  func write(_ range: Range<Int>, into page: inout HTMLWriter) {
    spool.flush()
    page.copy(spool, range)
  }
}
