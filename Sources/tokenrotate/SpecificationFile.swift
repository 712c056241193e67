import JobFiles
import RotationModel
import RotationPorts

/// A job's CSV as the runner's specification.
struct SpecificationFile: Specification {
  let reader: SpecificationReader
  let job: String
  let isOneOff: Bool
  /// The expiry of a token whose row names none; nil: it never expires.
  let expiresIn: Duration?

  func enqueueRows(
    batchSize: Int, _ receive: ([QueuedRow]) async throws -> Void
  ) async throws {
    do {
      _ = try reader.validate()
      var position: Int64 = 0
      var cursor: SpecificationReader.Cursor?
      repeat {
        let batch = try reader.rows(from: cursor, limit: batchSize)
        cursor = batch.next
        let rows = batch.rows.map { row in
          position += 1
          return QueuedRow(
            name: row.name, position: position - 1, byteOffset: Int64(row.byteOffset),
            byteLength: Int64(row.byteLength), digest: row.digest.description, isOneOff: isOneOff)
        }
        try await receive(rows)
      } while cursor != nil
    } catch let errors as JobFileErrors {
      throw Problem(errors)
    }
  }

  func row(_ queued: QueuedRow) throws(RowError) -> DesiredToken {
    guard let digest = RowDigest(queued.digest) else {
      throw RowError(message: "the ledger's digest of row \(queued.name) cannot be read", hint: nil)
    }
    do throws(JobFileErrors) {
      let row = try reader.row(
        atByteOffset: Int(queued.byteOffset), length: Int(queued.byteLength), digest: digest)
      return desired(row)
    } catch {
      let first = error.errors.first
      throw RowError(message: first?.message ?? "the CSV cannot be read again", hint: first?.hint)
    }
  }

  func unknownDatabases(
    known: Set<String>, _ receive: ([UnknownDatabase]) async throws -> Bool
  ) async throws {
    do {
      var cursor: SpecificationReader.Cursor?
      repeat {
        let batch = try reader.unknownDatabases(among: known, from: cursor, limit: 100)
        cursor = batch.next
        let cells = batch.cells.map { UnknownDatabase(row: $0.row, message: $0.error.oneLine) }
        if !cells.isEmpty, try await !receive(cells) { return }
      } while cursor != nil
    } catch let errors as JobFileErrors {
      throw Problem(errors)
    }
  }

  private func desired(_ row: SpecificationRow) -> DesiredToken {
    let expiry: DesiredToken.Expiry =
      switch row.expiry {
      case .none: expiresIn.map { .after($0) } ?? .never
      case .at(let instant): .at(instant)
      case .after(let span): .after(span)
      }
    var desired = DesiredToken(
      name: row.name, description: row.description, permissions: row.permissions, expiry: expiry,
      place: StorePlace(
        job: job, name: row.name, secret: row.secret, owner: row.owner, group: row.group,
        mode: row.mode.map { UInt32($0.rawValue) }),
      rotateEvery: row.rotateEvery, replaces: row.replaces)
    for label in row.labels { desired.labels[label.key] = label.value }
    return desired
  }
}

extension JobFileError {
  /// `tokens.csv:17:23: message (hint)`: one line an error, so that a list of them stays readable.
  var oneLine: String {
    "\(file):\(line):\(column): \(message)\(hint.map { " (\($0))" } ?? "")"
  }
}

extension Problem {
  /// All errors of a file in one problem, a line each.
  init(_ errors: JobFileErrors) {
    self.init(
      code: Problem.badFile, message: errors.errors.map(\.oneLine).joined(separator: "\n"))
  }

  init(_ error: FileError) {
    self.init(code: "file_\(error.code.rawValue)", message: error.message, hint: error.hint)
  }
}
