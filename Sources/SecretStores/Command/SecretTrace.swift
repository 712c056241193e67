internal import RotationPorts

/// Finds a part of a secret in what somebody has said: eight bytes in a row, as they are or as hexadecimal or base64
/// would write them.
struct SecretTrace {
  private static let length = 8
  /// What all strings of a kind begin with is no part of one.
  private static let prefix = Array("apiv1_".utf8)
  private var forms: [[UInt8]]

  init(_ secret: Secret) {
    let bytes = secret.withUnsafeBytes { Array($0) }
    let own =
      bytes.starts(with: SecretTrace.prefix) ? Array(bytes.dropFirst(SecretTrace.prefix.count)) : bytes
    forms = [own, SecretTrace.hexadecimal(own)]
    // Where base64 begins to count is not known.
    for start in 0..<3 { forms.append(SecretTrace.base64(Array(bytes.dropFirst(start)))) }
  }

  func occurs(in text: [UInt8]) -> Bool {
    guard text.count >= SecretTrace.length else { return false }
    var windows = Set<ArraySlice<UInt8>>()
    for form in forms where form.count >= SecretTrace.length {
      for start in 0...(form.count - SecretTrace.length) {
        windows.insert(form[start..<start + SecretTrace.length])
      }
    }
    return (0...(text.count - SecretTrace.length)).contains {
      windows.contains(text[$0..<$0 + SecretTrace.length])
    }
  }

  private static func hexadecimal(_ bytes: [UInt8]) -> [UInt8] {
    bytes.flatMap { byte in Array((byte < 16 ? "0" : "").utf8) + Array(String(byte, radix: 16).utf8) }
  }

  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// Whole groups of three only.
  private static func base64(_ bytes: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count - bytes.count % 3, by: 3) {
      let group = Int(bytes[start]) << 16 | Int(bytes[start + 1]) << 8 | Int(bytes[start + 2])
      for shift in [18, 12, 6, 0] { text.append(alphabet[group >> shift & 63]) }
    }
    return text
  }
}
