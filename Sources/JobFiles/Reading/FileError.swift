/// Why a file could not be read or is not to be trusted. No part of what it holds is in it.
public struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable {
    case missing
    case unreadable
    case notAFile
    case tooLong
    case empty
    case readableByOthers
    case writableByOthers
    case malformed
    case commandFailed
    case notSet
  }

  public var code: Code
  /// What happened and to which file, in one line.
  public var message: String
  /// What to do about it; a command where one mends it.
  public var hint: String?

  public init(_ code: Code, _ message: String, hint: String? = nil) {
    self.code = code
    self.message = message
    self.hint = hint
  }

  public var description: String {
    hint.map { "\(message)\n  hint: \($0)" } ?? message
  }
}
