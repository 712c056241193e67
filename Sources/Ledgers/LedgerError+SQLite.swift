internal import CSQLite
internal import RotationPorts

extension LedgerError {
  /// What a failure of SQLite means to the runner. Nothing was recorded in any of these cases.
  init(_ error: SQLiteError, place: String) {
    let what = "the ledger \(place): \(error.message) (\(error.call), SQLite code \(error.extendedCode))"
    switch error.code {
    case SQLITE_FULL:
      self.init(.noRoom, message: what, hint: "make room on the file system of the state directory")
    case SQLITE_IOERR where error.extendedCode == csqlite_no_room_for_shared_memory:
      self.init(.noRoom, message: what, hint: "make room on the file system of the state directory")
    case SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_MISMATCH, SQLITE_CONSTRAINT, SQLITE_SCHEMA:
      self.init(
        .malformed, message: what,
        hint: "keep the file for inspection, restore a backup of the state directory or start with an"
          + " empty one and run `tokenrotate adopt`")
    case SQLITE_BUSY, SQLITE_LOCKED:
      self.init(
        .unavailable, message: what, hint: "end the other program that has the ledger's file open")
    case SQLITE_READONLY, SQLITE_PERM, SQLITE_AUTH:
      self.init(
        .unavailable, message: what, hint: "make the state directory writable for the user that runs this")
    default:
      self.init(
        .unavailable, message: what, hint: "check the disk and the permissions of the state directory")
    }
  }
}
