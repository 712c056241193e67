import RotationModel

/// Reads the cells of one record and notes what is wrong with them.
struct CellReader {
  let record: CSVRecord
  let shownAs: String
  private(set) var errors: [JobFileError] = []

  init(record: CSVRecord, shownAs: String) {
    self.record = record
    self.shownAs = shownAs
  }

  mutating func note(_ message: String, atByte offset: Int, hint: String? = nil) {
    let (line, column) = record.place(ofByte: offset)
    errors.append(
      JobFileError(file: shownAs, line: line, column: column, message: message, hint: hint))
  }

  /// At a field, its opening quote if it has one.
  mutating func note(_ message: String, at field: Int, hint: String? = nil) {
    note(message, atByte: record.fields[field].start, hint: hint)
  }

  /// At a byte of a field's value.
  mutating func note(_ message: String, at field: Int, valueByte: Int, hint: String? = nil) {
    note(message, atByte: record.offset(ofValueByte: valueByte, in: field), hint: hint)
  }

  /// The cell of a column that neither names databases nor is a label.
  mutating func decode(
    _ column: SpecificationColumns.Column, _ index: Int, into row: inout SpecificationRow, now: Instant
  ) {
    switch column {
    case .name: row.name = name(index, "name") ?? ""
    case .secret: row.secret = name(index, "secret")
    case .description: row.description = description(index) ?? ""
    case .expiresAt: expiresAt(index, now: now, into: &row)
    case .expiresIn: expiresIn(index, into: &row)
    case .rotateEvery: row.rotateEvery = duration(index, "rotate_every", in: RotationDecoder.ages)
    case .replaces: row.replaces = tokenID(index)
    case .owner: row.owner = account(index, "user")
    case .group: row.group = account(index, "group")
    case .mode:
      row.mode = FileMode(text: string(index))
      if row.mode == nil {
        note("mode must be 0600 or 0640, not \(Shown.text(string(index)))", at: index)
      }
    case .readDatabase, .writeDatabase, .label, .unknown: break
    }
  }

  private func string(_ index: Int) -> String { String(decoding: record.value(index), as: UTF8.self) }

  private mutating func name(_ index: Int, _ column: String) -> String? {
    let text = string(index)
    if Name.isValid(text) { return text }
    let hint = "1 to 128 of A-Z a-z 0-9 . _ -, the first a letter or a digit"
    if text.utf8.count > 128, Name.isValid(text.prefix(128)) {
      note("the \(column) is longer than 128 characters", at: index, hint: hint)
      return nil
    }
    var offset = 0
    for scalar in text.unicodeScalars {
      // A letter in front, because a name may not start with every character that it may hold.
      guard Name.isValid(offset == 0 ? "\(scalar)" : "a\(scalar)") else {
        let what = offset == 0 ? "may not start with" : "may not hold"
        note(
          "the \(column) \(Shown.text(text)) \(what) \(CellReader.shown(scalar))", at: index,
          valueByte: offset,
          hint: hint)
        return nil
      }
      offset += String(scalar).utf8.count
    }
    note("the \(column) is longer than 128 characters", at: index, hint: hint)
    return nil
  }

  private static func shown(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case " ": "a space"
    case "\t": "a tab"
    case "\n", "\r": "a line break"
    default: Shown.text(String(scalar))
    }
  }

  /// A cell's text; control characters other than those allowed are noted.
  mutating func text(_ index: Int, allowing allowed: Set<Unicode.Scalar>) -> String? {
    let bytes = record.value(index)
    let text = String(decoding: bytes, as: UTF8.self)
    // 0xC2 starts the control characters from U+0080 to U+009F.
    guard bytes.contains(where: { $0 < 0x20 || $0 == 0x7F || $0 == 0xC2 }) else { return text }
    var offset = 0
    for scalar in text.unicodeScalars {
      if scalar.properties.generalCategory == .control, !allowed.contains(scalar) {
        let code = String(scalar.value, radix: 16, uppercase: true)
        let padded = String(repeating: "0", count: max(0, 4 - code.utf8.count)) + code
        note("a control character (U+\(padded))", at: index, valueByte: offset)
        return nil
      }
      offset += UTF8.width(scalar)
    }
    return text
  }

  private mutating func description(_ index: Int) -> String? {
    guard let text = text(index, allowing: []) else { return nil }
    if let offset = CellReader.offset(of: Marker.opening, in: record.value(index)) {
      note(
        "the description may not hold \(Shown.text(Marker.opening))", at: index, valueByte: offset,
        hint: "tokenrotate puts its own marker behind the description")
      return nil
    }
    let count = text.utf8.count <= RowDecoder.maximumDescriptionScalars ? 0 : text.unicodeScalars.count
    guard count <= RowDecoder.maximumDescriptionScalars else {
      note(
        "the description has \(count) characters, more than \(RowDecoder.maximumDescriptionScalars)",
        at: index)
      return nil
    }
    return text
  }

  private static func offset(of needle: String, in bytes: ArraySlice<UInt8>) -> Int? {
    let needle = Array(needle.utf8)
    guard bytes.count >= needle.count, bytes.contains(needle[0]) else { return nil }
    return (0...(bytes.count - needle.count)).first {
      bytes[(bytes.startIndex + $0)...].starts(with: needle)
    }
  }

  private mutating func duration(_ index: Int, _ column: String, in range: ClosedRange<Duration>) -> Duration?
  {
    let text = string(index)
    guard let duration = DurationText.parse(text) else {
      note(
        "\(column): \(Shown.text(text)) is not a duration", at: index,
        hint: "a whole number and a unit: 90s, 10m, 24h, 30d, 2w")
      return nil
    }
    guard range.contains(duration) else {
      let lowest = DurationText.format(range.lowerBound)
      let highest = DurationText.format(range.upperBound)
      note("\(column) must be from \(lowest) to \(highest), not \(text)", at: index)
      return nil
    }
    return duration
  }

  private mutating func expiresAt(_ index: Int, now: Instant, into row: inout SpecificationRow) {
    let text = string(index)
    guard let instant = Instant(rfc3339: text) else {
      note(
        "expires_at: \(Shown.text(text)) is not a time with a time zone", at: index,
        hint: "RFC 3339: 2027-01-31T00:00:00Z or 2027-01-31T00:00:00+01:00")
      return
    }
    guard instant > now else {
      note("expires_at: \(text) is in the past", at: index)
      return
    }
    take(.at(instant), index, into: &row)
  }

  private mutating func expiresIn(_ index: Int, into row: inout SpecificationRow) {
    let years: Duration = .seconds(100 * 366 * 86_400)
    guard let duration = duration(index, "expires_in", in: .seconds(60)...years) else { return }
    take(.after(duration), index, into: &row)
  }

  private mutating func take(
    _ expiry: SpecificationRow.Expiry, _ index: Int, into row: inout SpecificationRow
  ) {
    guard row.expiry == .none else {
      note("both expires_at and expires_in", at: index, hint: "leave one of them empty")
      return
    }
    row.expiry = expiry
  }

  private mutating func account(_ index: Int, _ what: String) -> String? {
    let text = string(index)
    guard AccountName.isValid(text) else {
      note("\(Shown.text(text)) is not the name of a \(what)", at: index)
      return nil
    }
    return text
  }

  /// The ids of tokens are UUIDs (Cloud Dedicated Management API, `DatabaseTokenId`).
  private mutating func tokenID(_ index: Int) -> String? {
    let text = string(index)
    guard UUIDText.isValid(text) else {
      note("replaces: \(Shown.text(text)) is not the id of a token", at: index, hint: "a UUID")
      return nil
    }
    return text.lowercased()
  }

  /// A cell of database names separated by `;`.
  mutating func databases(
    _ index: Int, _ action: Permission.Action, policy: PolicySettings?, known: KnownDatabases?,
    into permissions: inout [Permission]
  ) {
    let value = record.value(index)
    var start = value.startIndex
    while true {
      let end = value[start...].firstIndex(of: UInt8(ascii: ";")) ?? value.endIndex
      let name = String(decoding: value[start..<end], as: UTF8.self)
      if let problem = CellReader.problem(with: name, policy: policy) ?? known?.problem(with: name) {
        note(
          problem.message, at: index, valueByte: start - value.startIndex + problem.offset, hint: problem.hint
        )
      } else {
        permissions.append(Permission(action, name))
      }
      guard end < value.endIndex else { return }
      start = end + 1
    }
  }

  private static func problem(
    with name: String, policy: PolicySettings?
  ) -> (message: String, offset: Int, hint: String?)? {
    if name == Permission.everyDatabase {
      guard let policy, !policy.allowsWildcard else { return nil }
      return ("[policy] does not allow \"*\"", 0, "set allow_wildcard = true in [policy], or name databases")
    }
    if name.isEmpty { return ("an empty database name", 0, "between two ; stands a name") }
    guard DatabaseName.isValid(name) else { return invalid(name) }
    guard let policy, !policy.allows(database: name) else { return nil }
    let patterns = (policy.databases ?? []).joined(separator: ", ")
    return ("[policy] does not allow the database \(Shown.text(name))", 0, "allowed: \(patterns)")
  }

  private static func invalid(_ name: String) -> (message: String, offset: Int, hint: String?) {
    let hint = "1 to 64 of A-Z a-z 0-9 _ - /"
    var offset = 0
    for scalar in name.unicodeScalars {
      guard DatabaseName.isValid(String(scalar)) else {
        return ("the database name \(Shown.text(name)) may not hold \(shown(scalar))", offset, hint)
      }
      offset += UTF8.width(scalar)
    }
    return ("the database name \(Shown.text(name)) is longer than 64 characters", 0, hint)
  }
}
