internal import JSONText
internal import RotationPorts

/// Bytes under construction that may hold a token string. They are wiped when the last reference goes, and
/// so is every smaller buffer that was outgrown, which an array would leave behind.
final class SecretBuffer {
  private var storage: UnsafeMutableRawBufferPointer
  private(set) var count = 0

  init(capacity: Int = 1024) {
    storage = .allocate(byteCount: max(64, capacity), alignment: 1)
  }

  deinit {
    Secret.wipe(storage)
    storage.deallocate()
  }

  func append(_ byte: UInt8) {
    grow(by: 1)
    storage[count] = byte
    count += 1
  }

  func append(_ text: String) {
    var text = text
    text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  func append(_ secret: Secret) {
    secret.withUnsafeBytes { append($0) }
  }

  func append(_ other: SecretBuffer) {
    append(UnsafeRawBufferPointer(rebasing: other.storage[..<other.count]))
  }

  /// The text as a JSON string.
  func append(json text: String) {
    append("\"")
    if JSONEscaping.required.isPlain(text) {
      append(text)
    } else {
      JSONEscaping.required.escape(text) { append($0) }
    }
    append("\"")
  }

  /// The secret, which is UTF-8 or less, as a JSON string.
  func append(json secret: Secret) {
    append("\"")
    secret.withUnsafeBytes { bytes in
      for byte in bytes {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
          append(UInt8(ascii: "\\"))
          append(byte)
        case 0..<0x20: append("\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16))
        default: append(byte)
        }
      }
    }
    append("\"")
  }

  /// What was put together as a secret; nil when it is empty or holds another byte than these.
  func secret(where isAllowed: (UInt8) -> Bool) -> Secret? {
    guard count > 0, storage[..<count].allSatisfy(isAllowed) else { return nil }
    return Secret(copying: UnsafeRawBufferPointer(rebasing: storage[..<count]))
  }

  /// Lends the bytes for the length of `body`.
  func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    body(UnsafeRawBufferPointer(rebasing: storage[..<count]))
  }

  /// What was put together, as a JSON string within a larger text.
  func append(json other: SecretBuffer) {
    append("\"")
    for byte in other.storage[..<other.count] {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        append(UInt8(ascii: "\\"))
        append(byte)
      case 0..<0x20: append("\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16))
      default: append(byte)
      }
    }
    append("\"")
  }

  /// The bytes as an array, which is the caller's to wipe.
  func copied() -> [UInt8] { Array(storage[..<count]) }

  private func append(_ bytes: UnsafeRawBufferPointer) {
    grow(by: bytes.count)
    UnsafeMutableRawBufferPointer(rebasing: storage[count...]).copyMemory(from: bytes)
    count += bytes.count
  }

  private func grow(by more: Int) {
    guard count + more > storage.count else { return }
    let larger = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(storage.count * 2, count + more), alignment: 1)
    larger.copyMemory(from: UnsafeRawBufferPointer(storage))
    Secret.wipe(storage)
    storage.deallocate()
    storage = larger
  }

  /// Lends the bytes for the length of `body`.
  func withBytes<Failure: Error>(_ body: (RawSpan) throws(Failure) -> Void) throws(Failure) {
    try body(UnsafeRawBufferPointer(rebasing: storage[..<count]).bytes)
  }
}
