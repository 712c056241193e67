import RotationPorts
import Testing

@testable import InfluxAPI

@Suite struct ServerMessageTests {
  private func text(_ body: String, hiding secrets: [Secret] = []) -> String? {
    ServerMessage.text(of: Array(body.utf8), hiding: secrets)
  }

  @Test func readsTheShapesOfErrors() {
    #expect(text(#"{"code":401,"message":"unauthorized"}"#) == "unauthorized")
    #expect(text(#"{"code":"unauthorized","message":"unauthorized access"}"#) == "unauthorized access")
    #expect(text(#"{"error":"user not found"}"#) == "user not found")
    #expect(text(#"{"message":7,"error":"still here"}"#) == "still here")
    #expect(text("upstream connect error") == "upstream connect error")
    for body in ["", "  ", "<html>x</html>", " [1]", #"{"message":"#, #"{"code":1}"#] {
      #expect(text(body) == nil)
    }
    #expect(ServerMessage.text(of: [0xFF, 0xFE], hiding: []) == nil)
  }

  @Test func isOneShortLine() {
    #expect(text("a\nb\r\u{1B}[31mc\u{0}\u{202E}d\u{2028}e") == "a b  [31mc  d e")
    let long = String(repeating: "ab ", count: 100)
    let cut = text(long)
    #expect(cut?.unicodeScalars.count == 201)
    #expect(cut?.hasSuffix("…") == true)
    #expect(text(String(repeating: "é ", count: 40_000)) == nil)
  }

  @Test(arguments: [
    ("token apiv1_x is wrong", "token (removed) is wrong"),
    ("token=apiv1_abc", "(removed)"),
    ("bearer M.V1.short", "bearer (removed)"),
    ("a 12345678901234567890123 b", "a 12345678901234567890123 b"),
    ("a 123456789012345678901234 b", "a (removed) b"),
    ("a AbC-_.~+/=%2F1234567890123 b", "a (removed) b"),
    ("x (apiv1_a) y \"apiv1_b\"", "x ((removed)) y \"(removed)\""),
  ])
  func whatLooksLikeATokenIsRemoved(_ words: String, _ expected: String) {
    #expect(ServerMessage.sanitized(words) == expected)
  }

  @Test func aTokenAtTheCutLeavesNoRest() throws {
    let token = "apiv1_" + String(repeating: "k", count: 90)
    for length in 150..<220 {
      let message = try #require(
        ServerMessage.sanitized(String(repeating: "ab ", count: length / 3) + token + " end"))
      #expect(!message.contains("kkkk"))
    }
    for length in 4000..<4100 {
      let padding = String(repeating: "apiv1_" + String(repeating: "q", count: 57) + " ", count: length / 64)
      let message = try #require(ServerMessage.sanitized(padding + token))
      #expect(!message.contains("kk") && !message.contains("qq"))
    }
  }

  @Test func partsOfOurOwnSecretsAreRemoved() {
    let secret = Secret("apiv1_QWERTYuiopASDFgh".utf8)
    #expect(text("you sent ertyQWERTYuiop?", hiding: [secret]) == "you sent (removed)?")
    #expect(text("you sent QWERTYu", hiding: [secret]) == "you sent QWERTYu")
    #expect(text("you sent QWERTYui", hiding: [secret]) == "you sent (removed)")
  }
}
