internal import Digests
public import FileSystem
public import RotationPorts

/// Checks audit files offline, of any size in bounded memory.
///
/// The chain alone cannot show that its newest lines were cut off or that the very last one was edited,
/// because no later line holds their hash: for that, give the ledger's state.
public struct AuditVerifier: Sendable {
  private let files: any FileSystem

  public init(files: any FileSystem) {
    self.files = files
  }

  /// Checks files given in the order in which they were written as one chain, up to the first break.
  ///
  /// - Parameter ledger: what the ledger knows about the last file; nil checks the chain alone.
  /// - Throws: `AuditError.unwritable` when a file cannot be read.
  public func verify(paths: [String], ledger: AuditState? = nil) throws(AuditError) -> AuditReport {
    try auditing {
      var check = ChainCheck(ledger: ledger)
      do {
        for (index, path) in paths.enumerated() {
          try read(path, isLast: index == paths.count - 1, into: &check)
        }
        try check.finish()
        if let ledger, let path = paths.last { try compareEnd(of: path, with: ledger, check) }
      } catch let found as AuditBreak {
        return check.report(found)
      }
      return check.report(nil)
    }
  }

  /// Half a line at the end is what a crash leaves only if the ledger has the whole one.
  private func compareEnd(of path: String, with ledger: AuditState, _ check: ChainCheck) throws {
    let file = try files.openFile(path, for: .readOnly)
    defer { file.close() }
    do {
      _ = try AuditTail.compare(file, with: ledger)
    } catch let error as AuditError where error.code == .tampered {
      throw AuditBreak(.inserted, path: path, line: check.physicalLine + 1, message: error.message)
    }
  }

  private func read(_ path: String, isLast: Bool, into check: inout ChainCheck) throws {
    let file = try files.openFile(path, for: .readOnly)
    defer { file.close() }
    var reader = AuditFileReader(file)
    try check.begin(path)
    while let piece = try reader.next() {
      switch piece {
      case .line(let bytes): try check.add(bytes)
      case .unterminated(let bytes):
        guard isLast else {
          throw AuditBreak(
            .truncated, path: path, line: check.physicalLine + 1,
            message: "the last line has no end although another file follows")
        }
        check.noteUnterminated(bytes.count)
      case .tooLong:
        try check.settle(next: nil)
        throw AuditBreak(
          .notJSON, path: path, line: check.physicalLine + 1,
          message: "longer than any line that tokenrotate writes")
      }
    }
  }
}
