public import RotationPorts

/// Files that hold one secret.
public enum SecretFile {
  /// The longest secret that is read: 16 KiB.
  public static let maximumBytes = 16_384

  /// Reads a secret, without the line breaks at its end.
  ///
  /// Its group may read it, because systemd and Kubernetes mount secrets so.
  ///
  /// - Throws: `FileError` when it cannot be read, is empty or too long, or is open to everybody; then the
  ///   hint is the command that mends it.
  public static func read(_ path: String) throws(FileError) -> Secret {
    let file = try OpenFile(path)
    try requireClosed(file, path)
    var bytes = try file.readAll(maximumBytes: maximumBytes)
    defer { bytes.wipe() }
    return try secret(of: bytes, from: path)
  }

  /// Makes sure that a file with a secret that somebody else reads, such as a client's key, is not open to everybody.
  ///
  /// - Throws: `FileError` when it is, or cannot be opened.
  public static func requireClosed(_ path: String) throws(FileError) {
    try requireClosed(try OpenFile(path), path)
  }

  private static func requireClosed(_ file: OpenFile, _ path: String) throws(FileError) {
    guard file.mode & 0o006 == 0 else {
      let verb = file.mode & 0o004 != 0 ? "read" : "written"
      throw FileError(
        .readableByOthers, "\(path) holds a secret and can be \(verb) by everybody",
        hint: "chmod o= \(PathText.quoted(path))")
    }
  }

  /// What is left of `bytes` without the line breaks at the end, however many an editor left there.
  static func secret(of bytes: [UInt8], from source: String) throws(FileError) -> Secret {
    var count = bytes.count
    while count > 0, [UInt8(ascii: "\n"), UInt8(ascii: "\r")].contains(bytes[count - 1]) { count -= 1 }
    guard count > 0 else { throw FileError(.empty, "\(source) is empty") }
    return bytes.withUnsafeBytes { Secret(copying: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
  }
}
