/// One thing that is wrong in a job file, a defaults file or a CSV, and where.
public struct JobFileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file as the user named it.
  public var file: String
  /// Physical line, from 1.
  public var line: Int
  /// In Unicode scalars, from 1.
  public var column: Int
  public var message: String
  /// What to do about it.
  public var hint: String?

  public init(file: String, line: Int, column: Int, message: String, hint: String? = nil) {
    self.file = file
    self.line = line
    self.column = column
    self.message = message
    self.hint = hint
  }

  /// `job.toml:12:3: message`, and the hint on a line of its own.
  public var description: String {
    let place = "\(file):\(line):\(column): \(message)"
    return hint.map { "\(place)\n  hint: \($0)" } ?? place
  }
}

/// Everything that is wrong with a job, in the order of the files; never empty.
public struct JobFileErrors: Error, Equatable, Sendable, CustomStringConvertible {
  public var errors: [JobFileError]

  public init(_ errors: [JobFileError]) {
    self.errors = errors
  }

  public var description: String {
    errors.map(\.description).joined(separator: "\n")
  }
}
