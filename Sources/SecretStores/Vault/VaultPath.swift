internal import RotationPorts

/// Paths of the HTTP API, percent-encoded component by component.
enum VaultPath {
  /// A path of several components.
  static func encoded(_ path: String) -> String {
    path.split(separator: "/").map(component).joined(separator: "/")
  }

  private static func component(_ text: Substring) -> String {
    var encoded = ""
    for byte in text.utf8 {
      let character = Character(Unicode.Scalar(byte))
      if byte < 0x80, character.isLetter || character.isNumber || "-._~".contains(character) {
        encoded.append(character)
      } else {
        encoded += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }
    return encoded
  }

  /// Whether a path is one that the engine keeps as it is: no empty component, nor one that moves about.
  static func isUsable(_ path: String) -> Bool {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    return parts.allSatisfy { part in
      !part.isEmpty && part != "." && part != ".."
        && part.utf8.allSatisfy { (0x20..<0x7F).contains($0) || $0 > 0x7F }
    }
  }
}
