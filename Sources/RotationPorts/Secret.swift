internal import Glibc

/// Bytes that must not leak: a database token's string or a management token.
///
/// It cannot be printed, interpolated or encoded by accident: every description of it is a fixed word. The
/// bytes live outside Swift's String machinery, are wiped when the last reference goes, and are compared
/// in constant time.
public final class Secret: Sendable {
  /// Never written after `init`, so sharing it between threads is safe.
  private nonisolated(unsafe) let bytes: UnsafeMutableRawBufferPointer

  /// The number of bytes.
  public var count: Int { bytes.count }

  /// Copies `source`; the caller's copy stays the caller's to wipe.
  public init(copying source: UnsafeRawBufferPointer) {
    bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: 1)
    bytes.copyMemory(from: source)
  }

  /// Copies the bytes of `source`.
  public init(_ source: some Collection<UInt8>) {
    bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: 1)
    bytes.copyBytes(from: source)
  }

  deinit {
    Secret.wipe(bytes)
    bytes.deallocate()
  }

  /// Lends the bytes for the length of `body`. Do not keep the pointer, do not make a String of it.
  public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try body(UnsafeRawBufferPointer(bytes))
  }

  /// Overwrites a buffer in a way that the optimizer may not leave out.
  public static func wipe(_ buffer: UnsafeMutableRawBufferPointer) {
    if let base = buffer.baseAddress { explicit_bzero(base, buffer.count) }
  }
}

extension Secret: Equatable {
  /// Takes the same time wherever two secrets of one length differ.
  public static func == (left: Secret, right: Secret) -> Bool {
    guard left.count == right.count else { return false }
    var difference: UInt8 = 0
    for index in 0..<left.count { difference |= left.bytes[index] ^ right.bytes[index] }
    return difference == 0
  }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "(secret)" }
  public var debugDescription: String { "(secret)" }
  public var customMirror: Mirror { Mirror(self, children: []) }
}
