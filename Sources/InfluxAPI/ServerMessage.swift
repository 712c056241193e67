internal import FoundationEssentials
internal import RotationPorts

/// The words of a server, made fit for our errors, ledger and audit log: short, on one line, and without
/// anything that may be a credential.
enum ServerMessage {
  /// The longest text that is kept, in Unicode scalars.
  static let maximumLength = 200
  /// Beyond this a body is not read for its message.
  private static let maximumBodyBytes = 65_536
  /// More than `maximumLength`, because what is removed makes room.
  private static let maximumScannedLength = 4096

  /// `message` or `error` of a JSON body, or else a body of plain text; nil when there is neither.
  ///
  /// The Management API's errors have an integer `code` and a `message`, those of the data API a string
  /// `code`, and 1.x has `error` at the top (OpenAPI files of Cloud Dedicated; InfluxDB 1.x).
  static func text(of body: [UInt8], hiding secrets: [Secret]) -> String? {
    words(of: body).flatMap { sanitized($0, hiding: secrets) }
  }

  /// The server's words as they came: only to be looked at, never to be shown.
  static func words(of body: [UInt8]) -> String? {
    guard !body.isEmpty, body.count <= maximumBodyBytes else { return nil }
    if let decoded = try? JSONDecoder().decode(ErrorBody.self, from: Data(body)) {
      return decoded.message ?? decoded.error
    }
    guard let text = String(validating: body, as: UTF8.self) else { return nil }
    // A page of markup or broken JSON says nothing in its first 200 characters.
    let isMarkup = text.unicodeScalars.first { !$0.properties.isWhitespace }.map {
      "<{[".unicodeScalars.contains($0)
    }
    return isMarkup == false ? text : nil
  }

  private struct ErrorBody: Decodable {
    let message: String?
    let error: String?

    enum CodingKeys: CodingKey { case message, error }

    /// A member of another type is as good as none.
    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      message = try? container.decodeIfPresent(String.self, forKey: .message)
      error = try? container.decodeIfPresent(String.self, forKey: .error)
    }
  }

  /// `words` without control characters, token-like runs and every 8 bytes in a row of `secrets`, cut to
  /// 200 characters; nil when nothing is left.
  static func sanitized(_ words: some StringProtocol, hiding secrets: [Secret] = []) -> String? {
    var scalars = Array(words.unicodeScalars.prefix(maximumScannedLength)).map(printable)
    // A run that was cut here may be the rest of a token, too short to be recognized.
    if words.unicodeScalars.dropFirst(maximumScannedLength).first != nil {
      while let last = scalars.last, TokenShape.isPart(last) { scalars.removeLast() }
    }
    let cleaned = TokenShape.removed(from: scalars, hiding: secrets)
    var text = String(String.UnicodeScalarView(cleaned.prefix(maximumLength)))
    while text.last == " " { text.removeLast() }
    while text.first == " " { text.removeFirst() }
    guard !text.isEmpty else { return nil }
    return cleaned.count > maximumLength ? text + "…" : text
  }

  /// `text` with a space for each character that a terminal or log would act on. Not for what may hold a
  /// token.
  static func printable(_ text: some StringProtocol) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map(printable)))
  }

  /// Line ends would forge lines in a log, and controls of direction would turn text around.
  private static func printable(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: " "
    default: scalar
    }
  }
}

/// What a token looks like in a text.
enum TokenShape {
  static let replacement = "(removed)"
  /// No word of ordinary prose is as long.
  private static let shortestRun = 24
  /// So many bytes of a secret in a row give it away.
  private static let telltaleLength = 8
  private static let prefixes = ["apiv1_", "M.V1."]

  /// The characters of tokens (`[A-Za-z0-9._~+/=-]`), and the percent sign of an encoded one.
  static func isPart(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "A"..."Z", "a"..."z", "0"..."9", ".", "_", "~", "+", "/", "=", "-", "%": true
    default: false
    }
  }

  /// Replaces each run of token characters that is long, starts like a token somewhere inside, or holds a
  /// part of one of `secrets`.
  static func removed(from scalars: [Unicode.Scalar], hiding secrets: [Secret]) -> [Unicode.Scalar] {
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(scalars.count)
    var index = 0
    while index < scalars.count {
      let end = scalars[index...].firstIndex { !isPart($0) } ?? scalars.count
      let run = scalars[index..<end]
      if isTelling(run, secrets) {
        result.append(contentsOf: replacement.unicodeScalars)
      } else {
        result.append(contentsOf: run)
      }
      if end < scalars.count { result.append(scalars[end]) }
      index = end + 1
    }
    return result
  }

  private static func isTelling(_ run: ArraySlice<Unicode.Scalar>, _ secrets: [Secret]) -> Bool {
    if run.count >= shortestRun { return true }
    let text = String(String.UnicodeScalarView(run))
    if prefixes.contains(where: { text.contains($0) }) { return true }
    guard run.count >= telltaleLength else { return false }
    let bytes = Array(text.utf8)
    return secrets.contains { $0.sharesPart(with: bytes) }
  }
}

extension Secret {
  /// Whether 8 bytes in a row of `text` are in this secret.
  fileprivate func sharesPart(with text: [UInt8]) -> Bool {
    let length = 8
    guard text.count >= length, count >= length else { return false }
    return withUnsafeBytes { secret in
      (0...text.count - length).contains { start in
        let part = text[start..<start + length]
        return (0...secret.count - length).contains { secret[$0..<$0 + length].elementsEqual(part) }
      }
    }
  }
}
