/// One pass over all rows: what is wrong so far, and the hashes of the names, places and replaced ids seen.
struct RowPass {
  var errors: [JobFileError]
  /// Hashes that came twice: names, places or ids that are likely to be used twice.
  var repeated: Set<UInt64> = []
  private var names = HashTable()
  private var places = HashTable()
  private var replaced = HashTable()

  init(errors: [JobFileError]) {
    self.errors = errors
  }

  /// - Returns: false when enough is wrong.
  mutating func take(
    _ record: CSVRecord, decoder: RowDecoder, _ body: (SpecificationRow) throws -> Void
  ) throws -> Bool {
    let row = decoder.decode(record) { errors.append($0) }
    if let row {
      let name = PlaceHash.of(row.name)
      if !names.insert(name) { repeated.insert(name) }
      if decoder.columns.hasSecret {
        let place = PlaceHash.of(row.place)
        if !places.insert(place) { repeated.insert(place) }
      }
      if let id = row.replaces.map(PlaceHash.of), !replaced.insert(id) { repeated.insert(id) }
      if errors.isEmpty, repeated.isEmpty { try body(row) }
    }
    return errors.count < SpecificationReader.maximumErrors
      && repeated.count < SpecificationReader.maximumErrors
  }
}

/// Hashes under a key of this process, so that nobody can prepare names that share one.
enum PlaceHash {
  static func of(_ text: String) -> UInt64 {
    var hasher = Hasher()
    hasher.combine(text)
    return UInt64(bitPattern: Int64(hasher.finalize()))
  }
}

/// The second pass: finds which of the rows with a repeated hash really share a name, a place or an id.
struct RepeatedPlaces {
  let hashes: Set<UInt64>
  let shownAs: String
  let columns: SpecificationColumns
  private(set) var errors: [JobFileError] = []
  /// The line of the first row of each name, place and replaced id.
  private var names: [String: Int] = [:]
  private var places: [String: Int] = [:]
  private var replaced: [String: Int] = [:]

  init(hashes: Set<UInt64>, shownAs: String, columns: SpecificationColumns) {
    self.hashes = hashes
    self.shownAs = shownAs
    self.columns = columns
  }

  mutating func take(_ record: CSVRecord) {
    guard record.fields.count == columns.columns.count,
      let nameIndex = columns.columns.firstIndex(of: .name)
    else { return }
    let name = String(decoding: record.value(nameIndex), as: UTF8.self)
    let secretIndex = columns.columns.firstIndex(of: .secret).flatMap { index in
      record.value(index).isEmpty ? nil : index
    }
    var cells = CellReader(record: record, shownAs: shownAs)
    if let first = RepeatedPlaces.first(name, record.line, &names, hashes) {
      cells.note(
        "the name \(Shown.text(name)) is used twice", at: nameIndex, hint: "first on line \(first)")
    } else if columns.hasSecret {
      let place = secretIndex.map { String(decoding: record.value($0), as: UTF8.self) } ?? name
      if let first = RepeatedPlaces.first(place, record.line, &places, hashes) {
        cells.note(
          "two tokens in one place of the store: \(Shown.text(place))", at: secretIndex ?? nameIndex,
          hint: "first on line \(first)")
      }
    }
    takeReplaced(record, &cells)
    errors += cells.errors
  }

  private mutating func takeReplaced(_ record: CSVRecord, _ cells: inout CellReader) {
    guard let index = columns.columns.firstIndex(of: .replaces) else { return }
    // As rows have it: the ids of two rows are one whatever their case.
    let id = String(decoding: record.value(index), as: UTF8.self).lowercased()
    if let first = RepeatedPlaces.first(id, record.line, &replaced, hashes) {
      cells.note(
        "the token \(Shown.text(id)) is replaced twice", at: index, hint: "first on line \(first)")
    }
  }

  /// The line that the text stood on before; nil when this is the first.
  private static func first(
    _ text: String, _ line: Int, _ lines: inout [String: Int], _ hashes: Set<UInt64>
  ) -> Int? {
    guard !text.isEmpty, hashes.contains(PlaceHash.of(text)) else { return nil }
    if let first = lines[text] { return first }
    lines[text] = line
    return nil
  }
}
