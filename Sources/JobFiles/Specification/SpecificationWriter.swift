import RotationModel

/// Writes rows as a CSV that `SpecificationReader` reads back as they were (RFC 4180).
public enum SpecificationWriter {
  public static let header = "name,description,read_database,write_database,expires_at,replaces\n"

  /// One row, with its line break.
  public static func line(_ row: ImportedRows.Row) -> String {
    func databases(_ action: Permission.Action) -> String {
      row.permissions.permissions.filter { $0.action == action }.map(\.database).joined(separator: ";")
    }
    let cells = [
      row.name, row.description == row.name ? "" : row.description, databases(.read), databases(.write),
      row.expiresAt?.rfc3339Seconds ?? "", row.replaces,
    ]
    return cells.map(quoted).joined(separator: ",") + "\n"
  }

  /// A cell with what would end it, or be lost, within quotes.
  private static func quoted(_ cell: String) -> String {
    let isPlain =
      !cell.utf8.contains { ",\"\r\n".utf8.contains($0) } && cell.first != " " && cell.last != " "
    return isPlain ? cell : "\"\(cell.replacing("\"", with: "\"\""))\""
  }
}
