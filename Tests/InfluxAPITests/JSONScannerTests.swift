import Foundation
import Testing

@testable import InfluxAPI

@Suite struct JSONScannerTests {
  private func accepts(_ body: [UInt8]) -> Bool {
    body.withUnsafeBytes { bytes in
      var scanner = JSONScanner(bytes)
      do throws(JSONScanner.Malformed) {
        try scanner.document { (_, scanner) throws(JSONScanner.Malformed) in try scanner.skipValue() }
        return true
      } catch {
        return false
      }
    }
  }

  @Test func everyPrefixOfABodyIsMalformed() {
    let body = Array(CreationJudgingTests.good.utf8)
    #expect(accepts(body))
    #expect(accepts(body + Array(" \n".utf8)))
    for count in 0..<body.count { #expect(!accepts(Array(body[..<count]))) }
  }

  /// Foundation's reader is the judge: what it refuses, the scanner refuses too.
  @Test func whatIsAcceptedIsJSON() {
    let original = Array(CreationJudgingTests.good.utf8)
    let alphabet = Array(#"{}[]",:\u0e-+.1nt "#.utf8)
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    var accepted = 0
    for round in 0..<3000 {
      var body = original
      for _ in 0...random(3) { body[random(body.count)] = alphabet[random(alphabet.count)] }
      guard accepts(body) else { continue }
      accepted += 1
      let parsed = try? JSONSerialization.jsonObject(with: Data(body))
      #expect(parsed is [String: Any], "round \(round): \(String(decoding: body, as: UTF8.self))")
    }
    #expect(accepted > 100)
  }
}
