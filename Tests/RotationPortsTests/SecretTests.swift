import RotationPorts
import Testing

struct SecretTests {
  private static let string = "apiv1_kX9vQ2mT7pLw3ZrB"

  private struct Holder {
    var name = "holder"
    var secret: Secret
    var list: [Secret]
    var optional: Secret?
    var table: [String: Secret]
  }

  /// Every way in which Swift makes text of a value.
  private func texts(_ value: some Any) -> [String] {
    var dumped = ""
    dump(value, to: &dumped)
    var printed = ""
    debugPrint(value, to: &printed)
    return [
      String(describing: value), String(reflecting: value), "\(value)", dumped, printed,
      Mirror(reflecting: value).children.map { "\($0)" }.joined(), "\(Mirror(reflecting: value))",
    ]
  }

  @Test func noTextOfASecretShowsIt() {
    let secret = Secret(Array(SecretTests.string.utf8))
    let holder = Holder(secret: secret, list: [secret], optional: secret, table: ["a": secret])
    for text in texts(secret) + texts(holder) + texts([secret]) + texts(Optional(secret)) {
      #expect(!leaks(text), "\(text)")
    }
    #expect("\(secret)" == "(secret)" && Mirror(reflecting: secret).children.isEmpty)
  }

  @Test func noErrorThatHoldsOneShowsIt() {
    struct Failure: Error { var secret: Secret }
    let error = Failure(secret: Secret(Array(SecretTests.string.utf8)))
    for text in texts(error) + ["\(error as any Error)"] { #expect(!leaks(text)) }
  }

  /// The string, its bytes in decimal or hexadecimal, or any four characters of it.
  private func leaks(_ text: String) -> Bool {
    let bytes = Array(SecretTests.string.utf8)
    let parts = (0...(bytes.count - 4)).map { String(decoding: bytes[$0..<$0 + 4], as: UTF8.self) }
    let decimal = bytes[6..<10].map { "\($0)" }.joined(separator: ", ")
    let hexadecimal = bytes[6..<10].map { String($0, radix: 16) }.joined()
    return (parts + [decimal, hexadecimal]).contains { text.contains($0) }
  }

  @Test func theCheckItselfWouldNoticeALeak() {
    #expect(leaks("x \(SecretTests.string)"))
    #expect(leaks("\(Array(SecretTests.string.utf8))"))
  }

  @Test func equalityIsThatOfTheBytes() {
    let secret = Secret(Array("0123456789".utf8))
    #expect(secret == Secret(Array("0123456789".utf8)))
    for index in 0..<10 {
      var other = Array("0123456789".utf8)
      other[index] ^= 0x80
      #expect(secret != Secret(other))
    }
    #expect(secret != Secret(Array("012345678".utf8)))
    #expect(secret != Secret(Array("01234567890".utf8)))
    #expect(Secret([]) == Secret([]) && Secret([]) != secret)
  }

  @Test func theBytesAreACopy() {
    var bytes = Array("0123456789".utf8)
    let viaPointer = bytes.withUnsafeBytes { Secret(copying: $0) }
    let viaCollection = Secret(bytes)
    bytes.withUnsafeMutableBytes { Secret.wipe($0) }
    #expect(bytes == Array(repeating: 0, count: 10))
    for secret in [viaPointer, viaCollection] {
      #expect(secret.count == 10)
      #expect(secret.withUnsafeBytes { Array($0) } == Array("0123456789".utf8))
    }
    Secret.wipe(UnsafeMutableRawBufferPointer(start: nil, count: 0))
  }

  @Test func storedTokensDoNotShowTheirs() {
    let token = StoredToken(
      generation: 1, attempt: .init(bits: 1), tokenID: "id",
      accessToken: Secret(Array(SecretTests.string.utf8)), host: "https://h", databases: [], expiresAt: nil)
    for text in texts(token) { #expect(!leaks(text)) }
    let created = CreatedToken(
      id: "id", accessToken: Secret(Array(SecretTests.string.utf8)), expiresAt: nil)
    for text in texts(CreateAnswer.created(created)) { #expect(!leaks(text)) }
  }
}
