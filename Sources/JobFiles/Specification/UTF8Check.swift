/// What may not be in a text file.
enum UTF8Check {
  /// The offset of the first byte that is not part of well-formed UTF-8 (Unicode, table 3-7); nil when
  /// there is none.
  static func firstInvalid(in bytes: UnsafeRawBufferPointer) -> Int? {
    var union: UInt8 = 0
    for byte in bytes { union |= byte }
    guard union >= 0x80 else { return nil }
    var index = 0
    while index < bytes.count {
      let length = sequenceLength(in: bytes, at: index)
      guard length > 0 else { return index }
      index += length
    }
    return nil
  }

  /// 0 when no well-formed sequence starts there.
  private static func sequenceLength(in bytes: UnsafeRawBufferPointer, at index: Int) -> Int {
    let first = bytes[index]
    let length: Int
    var second: ClosedRange<UInt8> = 0x80...0xBF
    switch first {
    case 0x00...0x7F: return 1
    case 0xC2...0xDF: length = 2
    case 0xE0: (length, second) = (3, 0xA0...0xBF)
    case 0xED: (length, second) = (3, 0x80...0x9F)
    case 0xE1...0xEF: length = 3
    case 0xF0: (length, second) = (4, 0x90...0xBF)
    case 0xF1...0xF3: length = 4
    case 0xF4: (length, second) = (4, 0x80...0x8F)
    default: return 0
    }
    guard index + length <= bytes.count, second.contains(bytes[index + 1]) else { return 0 }
    for offset in 2..<max(2, length) where bytes[index + offset] & 0xC0 != 0x80 { return 0 }
    return length
  }
}
