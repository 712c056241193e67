import RotationModel
import TOMLReader

/// Collects what is wrong, so that all of it is said at once.
final class ErrorLog {
  private(set) var errors: [JobFileError] = []

  func add(_ message: String, at position: TOMLPosition, hint: String? = nil) {
    errors.append(
      JobFileError(
        file: position.file, line: position.line, column: position.column, message: message, hint: hint))
  }

  func add(_ error: FileError, at position: TOMLPosition) {
    add(error.message, at: position, hint: error.hint)
  }
}

/// A value and where it stands.
struct Located<Value> {
  var value: Value
  var position: TOMLPosition
}

/// One table being read: every getter notes what is wrong and gives nil, so that reading goes on.
struct Section {
  let table: TOMLTable
  let position: TOMLPosition
  /// How error messages call it: `[cluster]`; empty for the file itself.
  let shown: String
  let log: ErrorLog

  /// Notes every key that is not in `keys`.
  init(_ table: TOMLTable, at position: TOMLPosition, shown: String, keys: [String], log: ErrorLog) {
    self.table = table
    self.position = position
    self.shown = shown
    self.log = log
    for entry in table.entries where !keys.contains(entry.key) {
      let place = shown.isEmpty ? "" : " in \(shown)"
      log.add(
        "unknown \(entry.value.isTable ? "table" : "key") `\(entry.key)`\(place)", at: entry.keyPosition,
        hint: Section.hint(for: entry.key, keys: keys))
    }
  }

  private static func hint(for key: String, keys: [String]) -> String {
    if let near = Suggestion.nearest(to: key, among: keys) { return "did you mean `\(near)`?" }
    return "known here: \(keys.joined(separator: ", "))"
  }

  func has(_ key: String) -> Bool { table.entry(key) != nil }

  func position(of key: String) -> TOMLPosition { table.entry(key)?.keyPosition ?? position }

  /// Notes that a required key is not there.
  func missing(_ key: String, hint: String? = nil) {
    log.add("`\(key)` is missing\(shown.isEmpty ? "" : " in \(shown)")", at: position, hint: hint)
  }

  private func mismatch(_ key: String, _ value: TOMLValue, wanted: String, hint: String? = nil) {
    log.add("`\(key)` must be \(wanted), not \(value.kind)", at: value.position, hint: hint)
  }

  /// A string that is not empty.
  func string(_ key: String, hint: String? = nil) -> Located<String>? {
    guard let value = table[key] else { return nil }
    guard case .string(let text) = value.content else {
      mismatch(key, value, wanted: "a string", hint: hint)
      return nil
    }
    guard !text.isEmpty, !text.utf8.contains(0) else {
      log.add("`\(key)` is \(text.isEmpty ? "empty" : "holding a NUL")", at: value.position, hint: hint)
      return nil
    }
    return Located(value: text, position: value.position)
  }

  func boolean(_ key: String) -> Bool? {
    guard let value = table[key] else { return nil }
    guard case .boolean(let truth) = value.content else {
      mismatch(key, value, wanted: "true or false")
      return nil
    }
    return truth
  }

  func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
    guard let value = table[key] else { return nil }
    guard case .integer(let number) = value.content else {
      mismatch(key, value, wanted: "an integer")
      return nil
    }
    guard number >= Int64(range.lowerBound), number <= Int64(range.upperBound) else {
      log.add(
        "`\(key)` must be from \(range.lowerBound) to \(range.upperBound), not \(number)", at: value.position)
      return nil
    }
    return Int(number)
  }

  func duration(_ key: String, in range: ClosedRange<Duration>) -> Duration? {
    let hint = "write a whole number and a unit: \"90s\", \"10m\", \"24h\", \"30d\", \"2w\""
    guard let text = string(key, hint: hint) else { return nil }
    guard let duration = DurationText.parse(text.value) else {
      log.add("`\(key)`: \"\(text.value)\" is not a duration", at: text.position, hint: hint)
      return nil
    }
    guard range.contains(duration) else {
      let lowest = DurationText.format(range.lowerBound)
      let highest = DurationText.format(range.upperBound)
      log.add("`\(key)` must be from \(lowest) to \(highest), not \(text.value)", at: text.position)
      return nil
    }
    return duration
  }

  /// One of the raw values of `Choice`.
  func choice<Choice>(_ key: String, _: Choice.Type) -> Located<Choice>?
  where Choice: RawRepresentable<String> & CaseIterable {
    let names = Choice.allCases.map(\.rawValue)
    let known = "known: \(names.map { "\"\($0)\"" }.joined(separator: ", "))"
    guard let text = string(key, hint: known) else { return nil }
    guard let choice = Choice(rawValue: text.value) else {
      let near = Suggestion.nearest(to: text.value, among: names)
      log.add(
        "`\(key)`: there is no \"\(text.value)\"", at: text.position,
        hint: near.map { "did you mean \"\($0)\"?" } ?? known)
      return nil
    }
    return Located(value: choice, position: text.position)
  }

  /// An array of strings, none of them empty.
  func strings(_ key: String, hint: String? = nil) -> [Located<String>]? {
    guard let value = table[key] else { return nil }
    guard case .array(let elements) = value.content else {
      mismatch(key, value, wanted: "an array of strings", hint: hint)
      return nil
    }
    var texts: [Located<String>] = []
    for element in elements {
      guard case .string(let text) = element.content, !text.utf8.contains(0) else {
        mismatch(key, element, wanted: "an array of strings", hint: hint)
        return nil
      }
      texts.append(Located(value: text, position: element.position))
    }
    return texts
  }

  /// A command as an array of a program and its arguments.
  func command(_ key: String) -> [Located<String>]? {
    let hint =
      "write the program and each argument as a string of its own: [\"systemctl\", \"reload\", \"x\"]"
    guard let words = strings(key, hint: hint) else { return nil }
    guard let first = words.first, !first.value.isEmpty else {
      log.add("`\(key)` names no program", at: position(of: key), hint: hint)
      return nil
    }
    return words
  }

  func section(_ key: String, shown: String, keys: [String]) -> Section? {
    guard let value = table[key] else { return nil }
    guard case .table(let inner) = value.content else {
      mismatch(key, value, wanted: "a table")
      return nil
    }
    return Section(inner, at: value.position, shown: shown, keys: keys, log: log)
  }

  /// The tables of an array of tables; nil when there is none.
  func sections(_ key: String, keys: [String]) -> [Section]? {
    guard let value = table[key] else { return nil }
    guard case .array(let elements) = value.content else {
      mismatch(key, value, wanted: "an array of tables", hint: "write [[\(key)]]")
      return nil
    }
    return elements.compactMap { element in
      guard case .table(let inner) = element.content else {
        mismatch(key, element, wanted: "an array of tables", hint: "write [[\(key)]]")
        return nil
      }
      return Section(inner, at: element.position, shown: "[[\(key)]]", keys: keys, log: log)
    }
  }

  /// Notes a key, or a value of a key, that this version does not support yet.
  func refuseUnsupported(_ path: String, at position: TOMLPosition) {
    guard let refusal = Unsupported.refusal(of: path) else { return }
    log.add(refusal.message, at: position, hint: refusal.hint)
  }
}

extension TOMLValue {
  var isTable: Bool {
    if case .table = content { return true }
    return false
  }
}
