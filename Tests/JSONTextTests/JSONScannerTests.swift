import Foundation
import Testing

import JSONText

@Suite struct JSONScannerTests {
  private static let document = #"""
    {"id":"11111111-1111-4111-8111-111111111111","description":"x \"y\" \u00e9\ud83c\udf89",
     "permissions":[{"action":"read","resource":"db1"}],"expiresAt":"2030-01-01T00:00:00Z",
     "more":[1,-2.5e+3,null,true,{}]}
    """#

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
    let body = Array(JSONScannerTests.document.utf8)
    #expect(accepts(body))
    #expect(accepts(body + Array(" \n".utf8)))
    for count in 0..<body.count { #expect(!accepts(Array(body[..<count]))) }
  }

  /// Foundation's reader is the judge: what it refuses, the scanner refuses too.
  @Test func whatIsAcceptedIsJSON() {
    let original = Array(JSONScannerTests.document.utf8)
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

@Suite struct JSONScannerValueTests {
  private enum Seen: Equatable {
    case text(String)
    case integer(Int)
    case texts([String])
    case null
  }

  /// The members of `text`; nil when it is malformed or a member is of no kind that is read here.
  private func read(_ text: String) -> [String: Seen]? {
    Array(text.utf8).withUnsafeBytes { bytes -> [String: Seen]? in
      var scanner = JSONScanner(bytes)
      var members: [String: Seen] = [:]
      do throws(JSONScanner.Malformed) {
        try scanner.document { (key, scanner) throws(JSONScanner.Malformed) in
          members[key] = try value(&scanner)
        }
        return members
      } catch {
        return nil
      }
    }
  }

  private func value(_ scanner: inout JSONScanner) throws(JSONScanner.Malformed) -> Seen {
    if let raw = try scanner.stringIfPresent() { return .text(try scanner.text(raw)) }
    if try scanner.acceptNull() { return .null }
    var texts: [String] = []
    let isArray = try scanner.arrayIfPresent { (scanner) throws(JSONScanner.Malformed) in
      guard let raw = try scanner.stringIfPresent() else { throw JSONScanner.Malformed() }
      texts.append(try scanner.text(raw))
    }
    return isArray ? .texts(texts) : .integer(try scanner.integer())
  }

  @Test func everyKindOfValueIsRead() {
    #expect(
      read(
        #" {"a" : "\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é", "b":-12,"c":[ "x" , "y" ],"d":[],"e":null, "f":0} "#)
        == [
          "a": .text("\"\\/\u{8}\u{c}\n\r\té😀é"), "b": .integer(-12), "c": .texts(["x", "y"]),
          "d": .texts([]),
          "e": .null, "f": .integer(0),
        ])
    #expect(read("{}") == [:])
  }

  @Test(arguments: [
    "", "[]", "{", #"{"a"}"#, #"{'a':1}"#, #"{"a":01}"#, #"{"a":1.}"#, #"{"a":1.5}"#, #"{"a":1e3}"#,
    #"{"a":-}"#,
    #"{"a":9223372036854775808}"#, #"{"a":["x",]}"#, #"{"a":["x""y"]}"#, #"{"a":["x"}"#, #"{"a":"\x"}"#,
    #"{"a":"\ud83d"}"#, #"{"a":"\udc00"}"#, #"{"a":"\u12g4"}"#, "{\"a\":\"b\n\"}", #"{"a":1} 2"#,
    #"{"a":1,}"#,
    "\u{feff}{}", #"{"a":nul}"#,
  ])
  func everythingElseIsMalformed(text: String) {
    #expect(read(text) == nil)
  }

  @Test func whatIsNestedTooDeepIsMalformed() {
    func nested(_ depth: Int) -> Bool {
      let text = #"{"a":"# + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + "}"
      return Array(text.utf8).withUnsafeBytes { bytes in
        var scanner = JSONScanner(bytes)
        do throws(JSONScanner.Malformed) {
          try scanner.document { (_, scanner) throws(JSONScanner.Malformed) in try scanner.skipValue() }
          return true
        } catch {
          return false
        }
      }
    }
    #expect(nested(64))
    #expect(!nested(65))
    #expect(!nested(100_000))
  }

  @Test func whatTheWriterWritesReadsBack() {
    let text = "quote \" slash \\ tab \t line \n bell \u{7} \u{202e} \u{e0041} é 😀"
    for escaping in [JSONEscaping.required, .visible] {
      var json = JSONWriter(escaping)
      json.object {
        $0.member(text, text)
        $0.member("count", .max)
        $0.key("list")
        $0.array { $0.string(text) }
      }
      #expect(read(json.take()) == [text: .text(text), "count": .integer(.max), "list": .texts([text])])
    }
  }
}
