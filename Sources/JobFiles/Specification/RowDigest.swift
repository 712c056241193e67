/// 128 bits that tell whether a row, or the header above it, has changed since they were taken.
///
/// It is SipHash-2-4 with 128 bits of output (Aumasson and Bernstein) under a fixed key, so that it is the
/// same in every process. It notices changes; it is no defence against somebody who chooses both rows,
/// who could write what they like into the CSV anyway.
public struct RowDigest: Hashable, Sendable, CustomStringConvertible {
  public var low: UInt64
  public var high: UInt64

  public init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }

  /// The digest of `bytes`, continued from another one.
  init(of bytes: some Sequence<UInt8>, after previous: RowDigest = RowDigest(low: 0, high: 0)) {
    var hash = SipHash128(
      key: (0x746f_6b65_6e72_6f74 ^ previous.low, 0x6174_652d_726f_7721 ^ previous.high))
    for byte in bytes { hash.append(byte) }
    (low, high) = hash.finish()
  }

  /// 32 lower-case hexadecimal digits.
  public var description: String {
    [high, low].map { half in
      let digits = String(half, radix: 16)
      return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }.joined()
  }

  /// Reads `description` back; nil for anything else.
  public init?(_ text: some StringProtocol) {
    let lowerHex = text.utf8.allSatisfy { byte in
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
    guard lowerHex, text.utf8.count == 32, let high = UInt64(text.prefix(16), radix: 16),
      let low = UInt64(text.suffix(16), radix: 16)
    else { return nil }
    self.init(low: low, high: high)
  }
}

/// SipHash-2-4 with 128 bits of output, a byte at a time.
struct SipHash128 {
  private var v0: UInt64
  private var v1: UInt64
  private var v2: UInt64
  private var v3: UInt64
  private var tail: UInt64 = 0
  private var count: UInt64 = 0

  init(key: (UInt64, UInt64)) {
    v0 = key.0 ^ 0x736f_6d65_7073_6575
    v1 = key.1 ^ 0x646f_7261_6e64_6f6d ^ 0xee
    v2 = key.0 ^ 0x6c79_6765_6e65_7261
    v3 = key.1 ^ 0x7465_6462_7974_6573
  }

  @inline(__always)
  mutating func append(_ byte: UInt8) {
    tail |= UInt64(byte) << (8 * (count & 7))
    count &+= 1
    guard count & 7 == 0 else { return }
    compress(tail)
    tail = 0
  }

  mutating func finish() -> (low: UInt64, high: UInt64) {
    compress(tail | (count & 0xFF) << 56)
    v2 ^= 0xee
    for _ in 0..<4 { round() }
    let low = v0 ^ v1 ^ v2 ^ v3
    v1 ^= 0xdd
    for _ in 0..<4 { round() }
    return (low, v0 ^ v1 ^ v2 ^ v3)
  }

  private mutating func compress(_ word: UInt64) {
    v3 ^= word
    round()
    round()
    v0 ^= word
  }

  @inline(__always)
  private mutating func round() {
    v0 = v0 &+ v1
    v1 = (v1 << 13 | v1 >> 51) ^ v0
    v0 = v0 << 32 | v0 >> 32
    v2 = v2 &+ v3
    v3 = (v3 << 16 | v3 >> 48) ^ v2
    v0 = v0 &+ v3
    v3 = (v3 << 21 | v3 >> 43) ^ v0
    v2 = v2 &+ v1
    v1 = (v1 << 17 | v1 >> 47) ^ v2
    v2 = v2 << 32 | v2 >> 32
  }
}
