import Digests
import Testing

@Suite struct DigestTests {
  /// The examples of FIPS 180-2, appendix B.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func knownAnswers(text: String, hex: String) throws {
    #expect(try SHA256.digest(of: text).hex == hex)
  }

  @Test func piecesGiveTheSameDigestAsTheWhole() throws {
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
    let hash = try SHA256()
    for start in stride(from: 0, to: 1000, by: 7) {
      try hash.update(Array(bytes[start..<min(start + 7, 1000)]))
    }
    let digest = try hash.finish()
    #expect(digest == (try SHA256.digest(of: bytes)))
    #expect(digest.bytes.count == 32)
  }

  @Test func aFinishedDigestRefusesFurtherCalls() throws {
    let hash = try SHA256()
    try hash.update([1, 2, 3])
    _ = try hash.finish()
    #expect(throws: DigestError.self) { try hash.update([4]) }
    #expect(throws: DigestError.self) { try hash.finish() }
  }
}
