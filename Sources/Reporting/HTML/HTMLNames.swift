/// The elements that the report is built from, those of SVG included.
enum HTMLElement: String {
  case html, head, meta, title, style, body
  case header, main, nav, section, footer, div, span, p, h1, h2, h3
  case strong, code, small, time, a, ul, li, dl, dt, dd
  case table, caption, thead, tbody, tr, th, td
  case details, summary
  case svg, rect, line, circle, path, text

  /// Whether it has neither content nor an end tag.
  var isVoid: Bool { self == .meta }
}

/// One attribute of an element. The value is escaped where it is written.
struct HTMLAttribute {
  enum Name: String {
    case aria = "aria-label"
    case ariaHidden = "aria-hidden"
    case charset, `class`, content
    case dateTime = "datetime"
    case href
    case httpEquiv = "http-equiv"
    case id, lang, name, open, role, scope
    case tabIndex = "tabindex"
    case x, y, width, height, x1, x2, y1, y2, cx, cy, r, d
    case viewBox
  }

  let name: Name
  let value: String

  init(_ name: Name, _ value: String) {
    self.name = name
    self.value = value
  }

  static func `class`(_ value: String) -> HTMLAttribute { HTMLAttribute(.class, value) }
  static func label(_ value: String) -> HTMLAttribute { HTMLAttribute(.aria, value) }
  static let column = HTMLAttribute(.scope, "col")
  static let row = HTMLAttribute(.scope, "row")
  /// For what only repeats in a picture what stands beside it in words.
  static let decoration = HTMLAttribute(.ariaHidden, "true")
}
