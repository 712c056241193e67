import RotationModel

/// Turns records into rows, and says what is wrong with them.
struct RowDecoder {
  /// The most Unicode scalars of a description.
  static let maximumDescriptionScalars = 1000

  let columns: SpecificationColumns
  let policy: PolicySettings?
  /// Nil: these tokens are not rotated.
  let rotation: RotationBounds?
  let now: Instant
  let shownAs: String
  /// The digest of the header, which decides what a row means.
  let headerDigest: RowDigest
  /// What the cluster has; nil while nobody has asked it.
  var known: KnownDatabases?

  /// Nil when something was noted.
  func decode(_ record: CSVRecord, note: (JobFileError) -> Void) -> SpecificationRow? {
    var cells = CellReader(record: record, shownAs: shownAs)
    guard checkWidth(record, &cells) else {
      cells.errors.forEach(note)
      return nil
    }
    var row = SpecificationRow(
      name: "", description: "", permissions: PermissionSet([]), line: record.line,
      byteOffset: record.byteOffset, byteLength: record.bytes.count,
      digest: RowDigest(of: record.bytes, after: headerDigest))
    var permissions: [Permission] = []
    for (index, column) in columns.columns.enumerated() {
      let value = record.value(index)
      if value.isEmpty {
        if column == .name { cells.note("the name is missing", at: index) }
        continue
      }
      switch column {
      case .readDatabase: cells.databases(index, .read, policy: policy, known: known, into: &permissions)
      case .writeDatabase: cells.databases(index, .write, policy: policy, known: known, into: &permissions)
      default: cells.decode(column, index, into: &row, now: now)
      }
    }
    for index in columns.labels {
      guard let key = SpecificationColumns.key(columns.columns[index]),
        let value = cells.text(index, allowing: ["\t", "\n", "\r"]), !value.isEmpty
      else { continue }
      row.labels.append(SpecificationRow.Label(key: key, value: value))
    }
    if row.description.isEmpty { row.description = row.name }
    row.permissions = PermissionSet(permissions)
    checkWhole(row, &cells)
    checkRotation(row, &cells)
    cells.errors.forEach(note)
    return cells.errors.isEmpty ? row : nil
  }

  private func checkWidth(_ record: CSVRecord, _ cells: inout CellReader) -> Bool {
    let wanted = columns.columns.count
    let found = record.fields.count
    if found == wanted { return true }
    let message = "\(found) field\(found == 1 ? "" : "s"), where the header has \(wanted)"
    if found > wanted {
      cells.note(message, at: wanted, hint: "put a field with a comma in it into quotes")
    } else {
      cells.note(message, atByte: record.fields.last?.end ?? 0, hint: "leave a field empty rather than out")
    }
    return false
  }

  private func checkWhole(_ row: SpecificationRow, _ cells: inout CellReader) {
    // A cell that was refused says more than that the permission is not there.
    guard cells.errors.isEmpty else { return }
    if row.permissions.isEmpty, row.replaces == nil, !columns.hasUnknown {
      let index = columns.columns.firstIndex { $0.mayRepeat }
      cells.note("no permission", at: index ?? 0, hint: "name a database in read_database or write_database")
    }
  }
}
