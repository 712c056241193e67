/// A place in a file: line and column from 1, the column in Unicode scalars.
public struct TOMLPosition: Hashable, Sendable {
  public var file: String
  public var line: Int
  public var column: Int

  public init(file: String, line: Int, column: Int) {
    self.file = file
    self.line = line
    self.column = column
  }
}

/// A TOML value and where it stands.
public struct TOMLValue: Equatable, Sendable {
  public indirect enum Content: Equatable, Sendable {
    case table(TOMLTable)
    case array([TOMLValue])
    case string(String)
    case integer(Int64)
    case float(Double)
    case boolean(Bool)
    /// A date, a time or both, as TOML writes it.
    case datetime(String)
  }

  public var content: Content
  /// Of a table with a header: its opening bracket.
  public var position: TOMLPosition

  public init(_ content: Content, at position: TOMLPosition) {
    self.content = content
    self.position = position
  }

  /// What the value is, in words for an error message: `a string`, `a table`.
  public var kind: String {
    switch content {
    case .table: "a table"
    case .array: "an array"
    case .string: "a string"
    case .integer: "an integer"
    case .float: "a decimal number"
    case .boolean: "a boolean"
    case .datetime: "a date or time"
    }
  }
}

/// A table's entries in the order they were written.
public struct TOMLTable: Equatable, Sendable {
  public struct Entry: Equatable, Sendable {
    public var key: String
    public var keyPosition: TOMLPosition
    public var value: TOMLValue

    public init(key: String, keyPosition: TOMLPosition, value: TOMLValue) {
      self.key = key
      self.keyPosition = keyPosition
      self.value = value
    }
  }

  public var entries: [Entry]

  public init(_ entries: [Entry] = []) {
    self.entries = entries
  }

  /// The entry of `key`. TOML has each key once a table.
  public func entry(_ key: String) -> Entry? {
    entries.first { $0.key == key }
  }

  public subscript(_ key: String) -> TOMLValue? { entry(key)?.value }
}

/// Why a document could not be read, and where.
public struct TOMLSyntaxError: Error, Equatable, Sendable, CustomStringConvertible {
  public var position: TOMLPosition
  public var message: String

  public init(_ message: String, at position: TOMLPosition) {
    self.message = message
    self.position = position
  }

  /// `job.toml:12:3: message`
  public var description: String {
    "\(position.file):\(position.line):\(position.column): \(message)"
  }
}
