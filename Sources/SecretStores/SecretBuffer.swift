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
