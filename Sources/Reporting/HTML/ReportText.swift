import RotationModel

/// `1 token`, `3 tokens`, `20 000 tokens`.
func counted(_ count: Int, _ word: String) -> String {
  "\(count.grouped) \(word)\(count == 1 ? "" : "s")"
}

extension Int {
  /// With a narrow space between thousands.
  var grouped: String {
    let digits = String(magnitude)
    var shown = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { shown += "\u{202f}" }
      shown.append(digit)
    }
    return self < 0 ? "-\(shown)" : shown
  }
}

extension Instant {
  /// `2026-11-24`
  var dayText: String { String(rfc3339.prefix(10)) }

  /// `2026-11-24 03:01`
  var minuteText: String { "\(dayText) \(rfc3339.dropFirst(11).prefix(5))" }

  /// `24 Nov`, for the axes of pictures.
  var shortDayText: String {
    let parts = dayText.split(separator: "-").compactMap { Int($0) }
    guard parts.count == 3, (1...12).contains(parts[1]) else { return dayText }
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    return "\(parts[2]) \(months[parts[1] - 1])"
  }
}

extension Duration {
  /// `0.8 s`, `12 s`, `2m 5s`: as precise as people read it.
  var latencyText: String {
    let tenths = (milliseconds + 50) / 100
    if tenths < 100 { return "\(tenths / 10).\(tenths % 10)\u{a0}s" }
    let rounded = (milliseconds + 500) / 1000
    return rounded < 100 ? "\(rounded)\u{a0}s" : DurationText.rounded(.seconds(rounded))
  }

  /// `3d 4h`, `under 1m`: how long something has lasted.
  var ageText: String {
    self < .seconds(60) ? "under 1m" : DurationText.rounded(self)
  }
}

extension HTMLWriter {
  /// A sentence in which commands stand between backticks.
  mutating func prose(_ text: String) {
    let parts = text.split(separator: "`", omittingEmptySubsequences: false)
    guard parts.count % 2 == 1 else { return self.text(text) }
    for (index, part) in parts.enumerated() {
      if index % 2 == 1 { element(.code, [], String(part)) } else { self.text(part) }
    }
  }

  /// A name, and the job that it belongs to.
  mutating func nameCell(_ name: String, job: String) {
    element(.th, [.row]) { page in
      page.text(name)
      page.element(.small, [.class("muted")], "job \(job)")
    }
  }

  /// A point in time, for people and for programs.
  mutating func time(_ at: Instant, shown: String) {
    element(.time, [HTMLAttribute(.dateTime, at.rfc3339Seconds)], shown)
  }

  /// A word with a sign in front of it.
  mutating func badge(_ tone: Tone, _ word: String) {
    element(.span, [.class("badge \(tone.rawValue)")]) { page in
      page.element(.span, [.class("sign"), .decoration], tone.sign)
      page.text(word)
    }
  }

  /// A cell with a point in time, and how far it is from now.
  mutating func cell(_ at: Instant?, _ span: String?) {
    element(.td, [.class("when")]) { page in
      guard let at else { return page.text("–") }
      page.time(at, shown: at.minuteText)
      if let span { page.element(.small, [.class("muted")], span) }
    }
  }

  /// A cell with a number; nought is not worth ink.
  mutating func cell(_ count: Int) {
    element(.td, [.class("number")], count == 0 ? "–" : count.grouped)
  }

  /// A table that scrolls in its own box where it is wider than the page.
  mutating func table(
    _ caption: String, _ columns: [String], numbers: Set<Int> = [], isCaptionShown: Bool = false,
    _ rows: (inout HTMLWriter) -> Void
  ) {
    element(
      .div,
      [.class("scroll"), HTMLAttribute(.role, "region"), .label(caption), HTMLAttribute(.tabIndex, "0")]
    ) { page in
      page.element(.table) { page in
        page.element(.caption, isCaptionShown ? [] : [.class("hidden")], caption)
        page.element(.thead) { page in
          page.element(.tr) { page in
            for (index, column) in columns.enumerated() {
              page.element(.th, numbers.contains(index) ? [.column, .class("number")] : [.column], column)
            }
          }
        }
        page.element(.tbody, [], rows)
      }
    }
  }

  /// One of the page's parts, with its heading.
  mutating func section(_ id: String, _ title: String, _ content: (inout HTMLWriter) -> Void) {
    newline()
    element(.section, [HTMLAttribute(.id, id)]) { page in
      page.element(.h2, [], title)
      content(&page)
    }
  }

  /// What stands where there is nothing to show.
  mutating func nothing(_ words: String) {
    element(.p, [.class("nothing")], words)
  }
}
