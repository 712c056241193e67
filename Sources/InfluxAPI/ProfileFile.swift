internal import Glibc

/// The bytes of a configuration file, and who may touch it.
struct ProfileFile {
  let path: String
  let bytes: [UInt8]
  /// The mode's permission bits.
  let permissions: mode_t

  private static let maximumBytes = 1 << 20

  static func read(_ path: String) throws(InfluxctlProfileError) -> ProfileFile {
    // Non-blocking, so that a FIFO is refused instead of waited for.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else { throw failure(path, errno) }
    defer { close(descriptor) }
    // Mode and bytes come from one open file, so that nobody can swap it in between.
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure(path, errno) }
    guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= maximumBytes else {
      throw InfluxctlProfileError(
        .unreadable, "\(path) is no regular file of at most 1 MiB", hint: "Name influxctl's config.toml")
    }
    return ProfileFile(
      path: path, bytes: try readAll(descriptor, path), permissions: status.st_mode & 0o7777)
  }

  private static func readAll(_ descriptor: Int32, _ path: String) throws(InfluxctlProfileError) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while bytes.count <= maximumBytes {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count == 0 { return bytes }
      if count < 0 {
        guard errno == EINTR else { throw failure(path, errno) }
        continue
      }
      bytes.append(contentsOf: chunk[..<count])
    }
    throw InfluxctlProfileError(
      .unreadable, "\(path) grew beyond 1 MiB while it was read", hint: "Name influxctl's config.toml")
  }

  private static func failure(_ path: String, _ number: Int32) -> InfluxctlProfileError {
    let reason = String(cString: strerror(number))
    guard number == ENOENT else {
      return InfluxctlProfileError(
        .unreadable, "\(path) cannot be read: \(reason)", hint: "Check the file's owner and mode")
    }
    return InfluxctlProfileError(
      .missing, "\(path) does not exist",
      hint:
        "Name influxctl's file with --config; or do without it: `token` and `import` take --job, a job its own [cluster]"
    )
  }

  /// `path` as one word of a shell.
  static func shellQuoted(_ path: String) -> String {
    let isPlain = path.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
      default: "/._-+".utf8.contains(byte)
      }
    }
    if isPlain { return path }
    let inner = path.map { $0 == "'" ? #"'\''"# : String($0) }.joined()
    return "'\(inner)'"
  }
}
