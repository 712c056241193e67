internal import RotationPorts

/// The bytes of an answer while they arrive.
///
/// The answer to a creation holds a token's string. An array that grows by itself leaves its old, smaller
/// storage on the heap as it is; this one wipes it first, and wipes what nobody took.
struct ResponseBody {
  /// More than any answer to a creation, so that growing is the exception.
  private static let initialCapacity = 4096

  /// Whether what is given up is wiped.
  let isSecret: Bool
  private var bytes: [UInt8] = []

  init(isSecret: Bool) { self.isSecret = isSecret }

  var count: Int { bytes.count }

  /// Adds `more` at the end. `outgrown` is for tests: it sees the old storage just before it is freed.
  mutating func append(
    _ more: UnsafeRawBufferPointer, outgrown: (UnsafeRawBufferPointer) -> Void = { _ in }
  ) {
    if isSecret, bytes.capacity - bytes.count < more.count {
      var larger: [UInt8] = []
      larger.reserveCapacity(
        max(ResponseBody.initialCapacity, bytes.capacity * 2, bytes.count + more.count))
      larger.append(contentsOf: bytes)
      wipe()
      bytes.withUnsafeBytes(outgrown)
      bytes = larger
    }
    bytes.append(contentsOf: more)
  }

  /// Hands the bytes over; wiping them is the taker's business from now on.
  mutating func take() -> [UInt8] {
    defer { bytes = [] }
    return bytes
  }

  /// Overwrites what has gathered, if it is secret.
  mutating func wipe() {
    guard isSecret else { return }
    bytes.withUnsafeMutableBytes { Secret.wipe($0) }
  }
}
