import Testing

@testable import Sandbox

@Suite struct JSONTests {
  func read(_ text: String) -> JSONValue? { JSONReader.read(Array(text.utf8)) }

  @Test func readsEveryKindOfValue() {
    #expect(
      read(#" {"a" : [true,false,null,-1.5e+3,0], "b":{}} "#)
        == .object([("a", .array([.bool(true), .bool(false), .null, .number, .number])), ("b", .object([]))]))
    #expect(read(#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é""#) == .string("\"\\/\u{8}\u{c}\n\r\té😀é"))
  }

  @Test(arguments: [
    "", "{", "[1,]", "{\"a\"}", "{'a':1}", "01", "1.", "1e", "-", "tru", "\"a", "\"\\x\"", "\"\\ud83d\"",
    "\"\\u12g4\"", "\"a\nb\"", "[1] 2", "\u{feff}[]", String(repeating: "[", count: 100),
  ])
  func refusesWhatIsNotJSON(text: String) {
    #expect(read(text) == nil)
  }

  @Test func refusesBytesThatAreNotUTF8() {
    #expect(JSONReader.read([0x22, 0xC3, 0x28, 0x22]) == nil)
    #expect(JSONReader.read([0x22, 0x5C, 0x6E, 0xFF, 0x22]) == nil)
  }

  @Test func whatIsWrittenReadsBack() {
    let text = "quote \" slash \\ tab \t line \n bell \u{7} é 😀"
    let answer = HTTPAnswer.json(200) {
      $0.array {
        $0.string(text); $0.integer(1); $0.string("")
      }
    }
    #expect(JSONReader.read(answer.body) == .array([.string(text), .number, .string("")]))
  }
}
