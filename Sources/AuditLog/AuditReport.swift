public import RotationPorts

/// What a check of the audit log found.
public struct AuditReport: Equatable, Sendable {
  /// Whole lines read, over all files.
  public var lines: Int64
  /// The end of the chain as the files show it; nil when they hold no line. `offset` counts within the
  /// last file.
  public var head: AuditHead?
  /// The first place at which the chain does not hold; nil when it does.
  public var firstBreak: AuditBreak?
  /// What a person may want to know and need not act upon.
  public var notes: [String]

  /// Whether the chain holds from end to end.
  public var isIntact: Bool { firstBreak == nil }

  public init(lines: Int64, head: AuditHead?, firstBreak: AuditBreak?, notes: [String]) {
    self.lines = lines
    self.head = head
    self.firstBreak = firstBreak
    self.notes = notes
  }
}

/// The first place at which a chain does not hold.
public struct AuditBreak: Error, Equatable, Sendable {
  public enum Kind: String, Sendable, CaseIterable {
    /// A line's bytes are not those that the next line, or the ledger, holds the hash of.
    case edited
    /// One line or several are gone from the middle.
    case removed
    /// A line that does not belong, or beyond the ledger's last one.
    case inserted
    /// Two neighbours changed places.
    case swapped
    /// Lines that the ledger saw are gone from the end.
    case truncated
    case firstLineMissing = "first_line_missing"
    case notJSON = "not_json"
    case wrongChain = "wrong_chain"
    case badSequence = "bad_sequence"
  }

  public var kind: Kind
  public var path: String
  /// The physical line in that file, from 1.
  public var line: Int64
  public var message: String

  public init(_ kind: Kind, path: String, line: Int64, message: String) {
    self.kind = kind
    self.path = path
    self.line = line
    self.message = message
  }
}
