internal import CCrypto

/// Why a digest could not be computed: libcrypto refused a call.
public struct DigestError: Error, Equatable, Sendable {
  /// The function of libcrypto that failed, or "finish" when a finished digest is used again.
  public var call: String
  public var message: String
  public var hint: String?

  init(call: String) {
    self.call = call
    message = "SHA-256 could not be computed: \(call) failed"
    hint = "check that libcrypto is installed whole and that its configuration offers SHA-256"
  }
}

/// A finished SHA-256.
public struct Digest: Hashable, Sendable {
  /// 32 bytes.
  public let bytes: [UInt8]

  /// 64 lower-case hexadecimal digits.
  public var hex: String {
    String(unsafeUninitializedCapacity: bytes.count * 2) { buffer in
      for (index, byte) in bytes.enumerated() {
        buffer[index * 2] = Digest.digit(byte >> 4)
        buffer[index * 2 + 1] = Digest.digit(byte & 15)
      }
      return bytes.count * 2
    }
  }

  private static func digit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
  }
}

/// SHA-256 of bytes that come in pieces. One object gives one digest.
///
/// libcrypto hashes nothing, silently, when a finished context is used again without a new start, so an
/// object that was finished refuses every further call.
public final class SHA256 {
  /// libcrypto looks an algorithm up by name at each use unless it is kept. Never freed, never written
  /// after it was made, and read-only for libcrypto.
  private nonisolated(unsafe) static let algorithm: OpaquePointer? = EVP_MD_fetch(nil, "SHA256", nil)

  private let context: OpaquePointer
  private var isFinished = false

  /// Starts a digest of nothing.
  public init() throws(DigestError) {
    guard let algorithm = SHA256.algorithm else { throw DigestError(call: "EVP_MD_fetch") }
    guard let context = EVP_MD_CTX_new() else { throw DigestError(call: "EVP_MD_CTX_new") }
    self.context = context
    guard EVP_DigestInit_ex2(context, algorithm, nil) == 1 else {
      throw DigestError(call: "EVP_DigestInit_ex2")
    }
  }

  deinit {
    EVP_MD_CTX_free(context)
  }

  /// Adds bytes. Throws when the digest is finished.
  public func update(_ bytes: UnsafeRawBufferPointer) throws(DigestError) {
    guard !isFinished else { throw DigestError(call: "finish") }
    guard let base = bytes.baseAddress, bytes.count > 0 else { return }
    guard EVP_DigestUpdate(context, base, bytes.count) == 1 else {
      throw DigestError(call: "EVP_DigestUpdate")
    }
  }

  /// Adds bytes. Throws when the digest is finished.
  public func update(_ bytes: [UInt8]) throws(DigestError) {
    try bytes.withUnsafeBufferPointer { (buffer) throws(DigestError) in
      try update(UnsafeRawBufferPointer(buffer))
    }
  }

  /// Ends the digest. Throws when that was done before.
  public func finish() throws(DigestError) -> Digest {
    guard !isFinished else { throw DigestError(call: "finish") }
    isFinished = true
    var bytes = [UInt8](repeating: 0, count: 32)
    var length: UInt32 = 0
    guard EVP_DigestFinal_ex(context, &bytes, &length) == 1, length == 32 else {
      throw DigestError(call: "EVP_DigestFinal_ex")
    }
    return Digest(bytes: bytes)
  }

  /// The digest of bytes that are all there.
  public static func digest(of bytes: UnsafeRawBufferPointer) throws(DigestError) -> Digest {
    let hash = try SHA256()
    try hash.update(bytes)
    return try hash.finish()
  }

  /// The digest of bytes that are all there.
  public static func digest(of bytes: [UInt8]) throws(DigestError) -> Digest {
    let hash = try SHA256()
    try hash.update(bytes)
    return try hash.finish()
  }

  /// The digest of a text's UTF-8.
  public static func digest(of text: String) throws(DigestError) -> Digest {
    try digest(of: Array(text.utf8))
  }
}
