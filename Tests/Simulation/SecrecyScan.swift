import Digests
import Foundation

/// Looks for parts of token strings, and for what is made from them, in everything that is written.
struct SecrecyScan {
  /// 8 characters in a row, as numbers; and 16 of what is hexadecimal, where 8 would meet by chance.
  private var parts = Set<UInt64>()
  private var hexParts = Set<[UInt8]>()
  private var hexHeads = Set<UInt64>()
  private var texts: [String] = []
  private var auditOffset = 0

  mutating func add(_ text: String) { texts.append(text) }

  mutating func guardString(_ string: String) {
    let secret = Array(string.utf8.dropFirst("apiv1_".utf8.count))
    SecrecyScan.windows(secret) { window, _ in parts.insert(window) }
    // Base64 shows other characters at each of three alignments.
    for padding in 0..<3 {
      let encoded = Array(Data(repeatElement(0, count: padding) + secret).base64EncodedString().utf8)
      SecrecyScan.windows(encoded.dropFirst(4).dropLast(4)) { window, _ in parts.insert(window) }
    }
    for text in [secret, Array(string.utf8)] {
      guardHex(text)
      guard let digest = try? SHA256.digest(of: text) else { continue }
      guardHex(digest.bytes)
      SecrecyScan.windows(Array(Data(digest.bytes).base64EncodedString().utf8)) { window, _ in
        parts.insert(window)
      }
    }
  }

  private mutating func guardHex(_ bytes: [UInt8]) {
    let hex = bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    for text in [hex, hex.uppercased()] {
      let digits = Array(text.utf8)
      for start in stride(from: 0, to: digits.count - 15, by: 2) {
        hexParts.insert(Array(digits[start..<start + 16]))
      }
      SecrecyScan.windows(digits) { window, _ in hexHeads.insert(window) }
    }
  }

  /// Whether anything new in the audit file, the ledger's events or the reports holds a part of a string.
  mutating func finds(in audit: [UInt8], reports: [String]) -> Bool {
    auditOffset = min(auditOffset, audit.count)
    var found = holds(audit[max(0, auditOffset - 64)...])
    for text in texts + reports { found = holds(ArraySlice(text.utf8)) || found }
    auditOffset = audit.count
    texts = []
    return found
  }

  private func holds(_ text: ArraySlice<UInt8>) -> Bool {
    var found = false
    SecrecyScan.windows(text) { window, end in
      if parts.contains(window) { found = true }
      if hexHeads.contains(window), end + 9 <= text.endIndex, end >= text.startIndex + 7,
        hexParts.contains(Array(text[(end - 7)..<(end + 9)]))
      {
        found = true
      }
    }
    return found
  }

  /// Each 8 bytes in a row, with the index of the last one.
  private static func windows(_ bytes: some Collection<UInt8>, _ body: (UInt64, Int) -> Void) {
    let start = (bytes as? ArraySlice<UInt8>)?.startIndex ?? 0
    let copy = Array(bytes)
    copy.withUnsafeBufferPointer { buffer in
      var window: UInt64 = 0
      var index = 0
      while index < buffer.count {
        window = window << 8 | UInt64(buffer[index])
        if index >= 7 { body(window, start + index) }
        index += 1
      }
    }
  }
}
