import TOMLReader
import Testing

@Suite struct TOMLDocumentTests {
  private func parse(_ text: String) throws -> TOMLTable {
    try TOMLDocument.parse(Array(text.utf8), file: "f.toml")
  }

  private func at(_ line: Int, _ column: Int) -> TOMLPosition {
    TOMLPosition(file: "f.toml", line: line, column: column)
  }

  @Test func everyKeyAndValueKnowsItsPlace() throws {
    let root = try parse(
      """
      z = 1
      "é" = "ü" # after
      a.b = [true, 1.5]

      [t.u]
        k = 2020-01-02T03:04:05Z
      [[s]]
      [[s]]
      i = { x = -3 }
      """)
    #expect(root.entries.map(\.key) == ["z", "é", "a", "t", "s"])
    #expect(root["z"]?.content == .integer(1))
    #expect(root["z"]?.position == at(1, 5))
    #expect(root.entry("é")?.keyPosition == at(2, 1))
    #expect(root["é"]?.content == .string("ü"))
    #expect(root["é"]?.position == at(2, 7))
    guard case .table(let a)? = root["a"]?.content, case .array(let b)? = a["b"]?.content else {
      Issue.record("a.b is not an array")
      return
    }
    #expect(b.map(\.content) == [.boolean(true), .float(1.5)])
    #expect(b.map(\.position) == [at(3, 8), at(3, 14)])
    #expect(a.entry("b")?.keyPosition == at(3, 3))
    guard case .table(let t)? = root["t"]?.content, case .table(let u)? = t["u"]?.content else {
      Issue.record("t.u is not a table")
      return
    }
    #expect(t["u"]?.position == at(5, 1))
    #expect(u["k"]?.content == .datetime("2020-01-02T03:04:05Z"))
    guard case .array(let s)? = root["s"]?.content else {
      Issue.record("s is not an array")
      return
    }
    #expect(s.map(\.position) == [at(7, 1), at(8, 1)])
    guard case .table(let last) = s[1].content, case .table(let i)? = last["i"]?.content else {
      Issue.record("i is not a table")
      return
    }
    #expect(i["x"]?.content == .integer(-3))
    #expect(i["x"]?.position == at(9, 11))
  }

  @Test func aStringMayHoldWhatSwiftStringsMay() throws {
    #expect(try parse("a = \"x\\u0000y\"")["a"]?.content == .string("x\0y"))
    #expect(try parse("a = ''")["a"]?.content == .string(""))
    #expect(try parse("") == TOMLTable())
    #expect(try parse("\u{FEFF}a = 1")["a"]?.position == at(1, 5))
  }

  @Test(arguments: [
    ("a = 1\na = 2\n", 2, "redefine"),
    ("[a]\n[a]\n", 2, "redefine"),
    ("a = \n", 1, "value"),
    ("= 1", 1, "expected keys"),
    ("[=]", 1, "key"),
    ("[é]", 1, "key"),
    ("[.]", 1, "key"),
    ("a = \"x\n", 1, "string"),
    ("x = 1\ny = 0640", 2, "zero"),
    ("x = 1\ny = [1,", 2, "end-of-file"),
    ("x = \u{1}", 1, "control"),
  ])
  func whatIsNotTOMLSaysWhere(text: String, line: Int, part: String) throws {
    let error = try #require(throws: TOMLSyntaxError.self) { try parse(text) }
    #expect(error.position.line == line)
    #expect(error.position.column >= 1)
    #expect(error.message.contains(part))
    #expect(error.description.hasPrefix("f.toml:\(line):"))
  }

  @Test func columnsCountScalars() throws {
    let error = try #require(throws: TOMLSyntaxError.self) { try parse("a = 'é\u{1}'") }
    #expect(error.position == at(1, 7))
  }

  @Test func bytesThatAreNoText() throws {
    let nul = try #require(throws: TOMLSyntaxError.self) { try parse("a = 1\né\0") }
    #expect(nul == TOMLSyntaxError("a NUL byte", at: at(2, 2)))
    let invalid = try #require(throws: TOMLSyntaxError.self) {
      try TOMLDocument.parse(Array("a = '".utf8) + [0xC3, 0x28], file: "f.toml")
    }
    #expect(invalid.message.lowercased().contains("utf-8"))
    #expect(invalid.position.line == 1)
  }

  @Test func boundsHold() throws {
    let deep = String(repeating: "[", count: 100_000)
    #expect(throws: TOMLSyntaxError.self) { try parse("a = \(deep)") }
    let dots = String(repeating: "a.", count: 500_000)
    let error = try #require(throws: TOMLSyntaxError.self) { try parse("\(dots)a = 1") }
    #expect(error.message == "more than 200 dots on one line")
    // As deep as the bound lets anything be: it must not run out of stack.
    let keys = String(repeating: "a.", count: 199) + "a"
    let nested = (0..<15).map { _ in "{ \(keys) = [\n" }.joined()
    #expect(throws: TOMLSyntaxError.self) { try parse("x = \(nested)") }
    let long = [UInt8](repeating: UInt8(ascii: "#"), count: TOMLDocument.maximumBytes + 1)
    #expect(throws: TOMLSyntaxError.self) { try TOMLDocument.parse(long, file: "f.toml") }
  }

  /// Whatever the bytes are, reading ends with a value or an error.
  @Test func mutatedDocumentsNeverCrash() throws {
    let seed = Array("name = \"é\" # c\n[a.b]\nx = [1, 2.5, { y = 2020-01-01 }]\n[[s]]\n'k' = 0x1F\n".utf8)
    var random = SplitMix(state: 7)
    var refused = 0
    for _ in 0..<3000 {
      var bytes = seed
      for _ in 0..<Int(random.next() % 4 + 1) {
        let index = Int(random.next() % UInt64(bytes.count))
        switch random.next() % 3 {
        case 0: bytes[index] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes.remove(at: index)
        default: bytes.insert(Array("[]{}=.\"'#\n,é+-_0".utf8)[Int(random.next() % 16)], at: index)
        }
      }
      do { _ = try TOMLDocument.parse(bytes, file: "f") } catch { refused += 1 }
    }
    #expect(refused > 1000)
  }
}

/// Random numbers that are the same in every run.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
