internal import FileSystem
internal import RotationPorts

/// Where a file store keeps what. Names of our own begin with a dot, which no token's name does.
struct FileStorePaths {
  static let pending = "/.pending"
  static let previous = "/.previous"
  static let owner = "/.owner"
  /// What a new current file is called until it is renamed.
  static let newPrefix = ".new."
  /// What a new record is called until it is renamed, and what room reserved for one is called.
  static let newSuffix = ".new"
  static let reservedSuffix = ".reserved"
  /// Leaves room for our affixes within the 255 bytes that a name may have.
  static let maximumKeyBytes = 200

  var directory: String

  var lock: String { directory + "/.lock" }
  var installation: String { directory + "/.installation" }
  var folders: [String] {
    [FileStorePaths.pending, FileStorePaths.previous, FileStorePaths.owner].map { directory + $0 }
  }

  /// The files of one place.
  struct Files {
    /// A folder of records with the record's name in it.
    struct Record {
      var folder: String
      var path: String
      var temporary: String
    }

    var directory: String
    var current: String
    var newCurrent: String
    var pending: Record
    var reserved: String
    var previous: Record
    var owner: Record
  }

  func files(of place: StorePlace, format: FileStoreFormat) throws(StoreError) -> Files {
    let key = place.secret ?? place.name
    guard !key.isEmpty, key.utf8.count <= FileStorePaths.maximumKeyBytes, !key.hasPrefix("."),
      !key.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 < 0x20 })
    else {
      throw StoreError(
        .misconfigured, message: "a file in \(directory) cannot be called \(key.debugDescription)",
        hint: "Use one path component that does not begin with a dot.")
    }
    func record(_ folder: String) -> Files.Record {
      Files.Record(
        folder: directory + folder, path: "\(directory)\(folder)/\(key)",
        temporary: "\(directory)\(folder)/.\(key)\(FileStorePaths.newSuffix)")
    }
    return Files(
      directory: directory, current: "\(directory)/\(key)\(format.suffix)",
      newCurrent: "\(directory)/\(FileStorePaths.newPrefix)\(key)", pending: record(FileStorePaths.pending),
      reserved: "\(directory)\(FileStorePaths.pending)/.\(key)\(FileStorePaths.reservedSuffix)",
      previous: record(FileStorePaths.previous), owner: record(FileStorePaths.owner))
  }
}
