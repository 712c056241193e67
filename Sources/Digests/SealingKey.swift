internal import CCrypto

/// A key that closes texts so that only who has it can read them, and sees whether they were changed: AES-256 in Galois
/// counter mode (NIST SP 800-38D).
public struct SealingKey: Sendable {
  public static let byteCount = 32
  private static let nonceCount = 12
  private static let tagCount = 16
  /// What a sealed text begins with.
  public static let mark = Array("TRSEAL1\n".utf8)

  private let key: [UInt8]

  /// nil unless there are 32 bytes.
  public init?(_ bytes: [UInt8]) {
    guard bytes.count == SealingKey.byteCount else { return nil }
    key = bytes
  }

  /// Mark, nonce, closed text and tag. `context` is not in it, and has to be the same when it is opened: a text that
  /// was moved elsewhere does not open.
  public func seal(_ text: [UInt8], context: [UInt8]) throws(DigestError) -> [UInt8] {
    var random = SystemRandomNumberGenerator()
    let nonce = (0..<SealingKey.nonceCount).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    let (closed, tag) = try run(text, nonce, context, tag: nil)
    return SealingKey.mark + nonce + closed + tag
  }

  /// The text; nil when it is none of this key's, or was changed.
  public func open(_ sealed: [UInt8], context: [UInt8]) throws(DigestError) -> [UInt8]? {
    let head = SealingKey.mark.count + SealingKey.nonceCount
    guard sealed.starts(with: SealingKey.mark), sealed.count >= head + SealingKey.tagCount else { return nil }
    let nonce = Array(sealed[SealingKey.mark.count..<head])
    let closed = Array(sealed[head..<(sealed.count - SealingKey.tagCount)])
    do {
      return try run(closed, nonce, context, tag: Array(sealed.suffix(SealingKey.tagCount))).text
    } catch {
      // The tag is judged last; before it nothing can be wrong with what was given.
      guard error.call == "EVP_CipherFinal_ex" else { throw error }
      return nil
    }
  }

  /// `tag`: nil to close the text, else what it has to be for the text to be opened.
  private func run(
    _ text: [UInt8], _ nonce: [UInt8], _ context: [UInt8], tag: [UInt8]?
  ) throws(DigestError) -> (text: [UInt8], tag: [UInt8]) {
    guard let cipher = EVP_CIPHER_CTX_new() else { throw DigestError(call: "EVP_CIPHER_CTX_new") }
    defer { EVP_CIPHER_CTX_free(cipher) }
    func check(_ result: Int32, _ call: String) throws(DigestError) {
      guard result == 1 else { throw DigestError(call: call) }
    }
    try check(
      EVP_CipherInit_ex(cipher, EVP_aes_256_gcm(), nil, key, nonce, tag == nil ? 1 : 0), "EVP_CipherInit_ex")
    var count: Int32 = 0
    try check(EVP_CipherUpdate(cipher, nil, &count, context, Int32(context.count)), "EVP_CipherUpdate")
    var output = [UInt8](repeating: 0, count: text.count + 16)
    try check(EVP_CipherUpdate(cipher, &output, &count, text, Int32(text.count)), "EVP_CipherUpdate")
    let written = Int(count)
    if var tag {
      try check(
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, Int32(tag.count), &tag), "EVP_CIPHER_CTX_ctrl")
    }
    var rest = [UInt8](repeating: 0, count: 16)
    try check(EVP_CipherFinal_ex(cipher, &rest, &count), "EVP_CipherFinal_ex")
    output.removeLast(output.count - written)
    var made = [UInt8](repeating: 0, count: SealingKey.tagCount)
    if tag == nil {
      try check(
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, Int32(made.count), &made), "EVP_CIPHER_CTX_ctrl")
    }
    return (output, made)
  }
}
