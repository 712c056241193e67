import Foundation
import JSONText
import Testing

@Suite struct JSONEscapingTests {
  private func escaped(_ text: String, _ escaping: JSONEscaping) -> String {
    var bytes: [UInt8] = []
    escaping.escape(text) { bytes.append($0) }
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test func whatJSONDemandsIsEscapedAndNothingElse() {
    let text = "a\"b\\c/\n\r\t\u{0}\u{8}\u{1b}\u{1f}\u{7f}\u{85}\u{2028}\u{202e}é漢🎉"
    #expect(
      escaped(text, .required)
        == #"a\"b\\c/\n\r\t\u0000\u0008\u001b\u001f"# + "\u{7f}\u{85}\u{2028}\u{202e}é漢🎉")
  }

  /// The audit log's bytes are hashed, so that these spellings may never change.
  @Test func whatMisleadsAReaderIsEscapedToo() {
    let text =
      "\n\r\t\u{1b}\u{7f}\u{80}\u{9b}\u{9f}\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202e}\u{2066}\u{2069}"
    #expect(
      escaped(text, .visible)
        == #"\n\r\t\u001b\u007f\u0080\u009b\u009f\u061c\u200e\u200f\u2028\u2029\u202e\u2066\u2069"#)
    #expect(
      escaped("\u{200b}\u{200d}\u{2060}\u{feff}\u{e0041}", .visible)
        == #"\u200b\u200d\u2060\ufeff\udb40\udc41"#)
    #expect(escaped("\u{a0}é漢🎉\u{2027}\u{202f}~", .visible) == "\u{a0}é漢🎉\u{2027}\u{202f}~")
  }

  /// Foundation's reader is the judge.
  @Test(arguments: [JSONEscaping.required, .visible])
  func everyCharacterReadsBack(escaping: JSONEscaping) throws {
    var text = String.UnicodeScalarView()
    for value in Array(0...0x3100) + Array(0xfe00...0xffff) + Array(0x1f300...0x1f320)
      + Array(0xe0000...0xe0080)
    {
      if let scalar = Unicode.Scalar(UInt32(value)) { text.append(scalar) }
    }
    let json = Data("[\"\(escaped(String(text), escaping))\"]".utf8)
    let read = try #require(try JSONSerialization.jsonObject(with: json) as? [String])
    #expect(read.first.map { Array($0.unicodeScalars) } == Array(text))
  }

  @Test func plainIsOnlyWhatStaysAsItIs() {
    for value in UInt32(0)...0x3100 {
      guard let scalar = Unicode.Scalar(value) else { continue }
      for escaping in [JSONEscaping.required, .visible] where escaping.isPlain(String(scalar)) {
        #expect(escaped(String(scalar), escaping) == String(scalar), "\(value)")
      }
    }
    #expect(JSONEscaping.visible.isPlain("a b~") && JSONEscaping.required.isPlain("é\u{7f}"))
    #expect(!JSONEscaping.visible.isPlain("\u{7f}") && !JSONEscaping.visible.isPlain("é"))
    for text in ["\"", "\\", "\n", "\u{1f}"] { #expect(!JSONEscaping.required.isPlain(text)) }
  }
}
