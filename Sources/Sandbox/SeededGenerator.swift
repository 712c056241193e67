/// A small generator whose whole sequence follows from its seed, so that a failing run replays exactly.
///
/// SplitMix64 as Steele, Lea and Flood published it. It is not fit for real secrets; the sandbox's tokens
/// open nothing.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) {
    state = seed
  }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// A generator of its own for one purpose, so that what one purpose draws does not move another.
  func fork(_ purpose: UInt64) -> SeededGenerator {
    var copy = SeededGenerator(seed: state ^ (purpose &* 0xD1B5_4A32_D192_ED03))
    return SeededGenerator(seed: copy.next())
  }
}

/// The ids and strings that a cluster hands out.
enum TokenText {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
  private static let hexadecimal = Array("0123456789abcdef".utf8)

  /// What every access token of Cloud Dedicated starts with (Management API, `DatabaseTokenAccessToken`).
  static let prefix = "apiv1_"

  /// The prefix and 88 characters of the URL-safe base 64 alphabet.
  static func accessToken(_ generator: inout SeededGenerator) -> String {
    var bytes = Array(prefix.utf8)
    bytes.reserveCapacity(prefix.utf8.count + 88)
    var bits: UInt64 = 0
    for index in 0..<88 {
      if index % 10 == 0 { bits = generator.next() }
      bytes.append(alphabet[Int(bits & 63)])
      bits >>= 6
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// A version 4 UUID in lower case (Management API, `UuidV4`).
  static func uuid(_ generator: inout SeededGenerator) -> String {
    let high = (generator.next() & ~0xF000) | 0x4000
    let low = (generator.next() & ~(0b11 << 62)) | (0b10 << 62)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(36)
    for index in 0..<32 {
      if index == 8 || index == 12 || index == 16 || index == 20 { bytes.append(UInt8(ascii: "-")) }
      let word = index < 16 ? high : low
      bytes.append(hexadecimal[Int((word >> UInt64(60 - index % 16 * 4)) & 15)])
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Whether `text` is a UUID of version 4, in either case.
  static func isUUIDv4(_ text: some StringProtocol) -> Bool {
    let bytes = Array(text.utf8)
    guard bytes.count == 36, bytes[14] == UInt8(ascii: "4") else { return false }
    guard "89abAB".utf8.contains(bytes[19]) else { return false }
    return bytes.indices.allSatisfy { index in
      switch index {
      case 8, 13, 18, 23: bytes[index] == UInt8(ascii: "-")
      default: hexadecimal.contains(bytes[index] | 0x20)
      }
    }
  }
}
