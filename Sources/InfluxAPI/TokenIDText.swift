/// The ids of tokens in one spelling, so that everything above can compare them byte by byte.
enum TokenIDText {
  private static let groups = [8, 4, 4, 4, 12]

  /// A UUID in lower case, whatever case the cluster wrote it in (RFC 9562, section 4: either is the same
  /// id). What is no UUID stays as it is.
  static func uniform(_ id: String) -> String {
    let parts = id.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
    let isUUID = parts.map(\.count) == groups && parts.allSatisfy { $0.allSatisfy(isHexadecimal) }
    return isUUID ? id.lowercased() : id
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
    default: false
    }
  }
}
