import Foundation
import JSONText
import Testing

@Suite struct JSONWriterTests {
  @Test func everyKindOfValueStandsInItsOrder() {
    var json = JSONWriter()
    json.object {
      $0.member("z", "text")
      $0.member("a", -7)
      $0.key("list")
      $0.array { list in
        list.bool(true)
        list.bool(false)
        list.null()
        list.object { _ in }
        list.array { _ in }
        list.thousandths(1.23456)
        list.thousandths(.nan)
        list.thousandths(1e15)
      }
      $0.key("none")
      $0.string(nil)
      $0.key("no number")
      $0.integer(nil)
    }
    #expect(
      json.take()
        == #"{"z":"text","a":-7,"list":[true,false,null,{},[],1.235,null,null],"none":null,"no number":null}"#
    )
  }

  @Test func whatIsTakenIsGoneAndTheCommasGoOn() {
    var json = JSONWriter()
    json.beginArray()
    json.integer(1)
    #expect(json.take() == "[1")
    json.integer(2)
    json.endArray()
    #expect(json.take() == ",2]")
    #expect(json.bytes.isEmpty)
  }

  @Test func whatIsShownIsVisibleUnlessAsked() {
    var shown = JSONWriter()
    shown.array { $0.string("\u{202e}\u{9b}") }
    #expect(shown.take() == #"["\u202e\u009b"]"#)
    var sent = JSONWriter(.required, capacity: 64)
    sent.array { $0.string("\u{202e}\n") }
    #expect(sent.take() == "[\"\u{202e}\\n\"]")
  }

  @Test(arguments: ["x", "é", "漢", "🎉", "\u{1}", "\""])
  func aBoundedStringIsCutBetweenCharacters(filler: String) throws {
    for limit in 10..<40 {
      var json = JSONWriter()
      json.array { $0.string(String(repeating: filler, count: 100), maximumBytes: limit) }
      let text = json.take()
      #expect(text.utf8.count - 4 <= limit)
      #expect(text.utf8.count - 4 > limit - 6 - 3)
      let read = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String]
      let value = try #require(read?.first)
      #expect(value.last == "…" && value.dropLast().allSatisfy { String($0) == filler })
    }
  }

  @Test func whatJustFitsIsWhole() {
    var json = JSONWriter()
    json.object {
      $0.key("\"bcd\"", maximumBytes: 7)
      $0.string("abcde", maximumBytes: 5)
      $0.member("k", "abcdef", maximumBytes: 5)
      $0.member("l", "abcdé", maximumBytes: 6)
    }
    #expect(json.take() == #"{"\"bcd\"":"abcde","k":"ab…","l":"abcdé"}"#)
  }
}
