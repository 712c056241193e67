import Foundation
import JobFiles
import RotationModel
import Testing

@Suite struct SpecificationTests {
  static let uuid = "0d1c7c9a-1111-4222-8333-444455556666"

  @Test func everyColumnIsRead() throws {
    let text =
      "\u{FEFF}label_team,name,description,read_database,write_database,read_database,expires_in,secret,owner,group,mode,label_a\r\n"
      + "ops,line-1,Línea 1,plant_a;plant_b,plant_a,*,45d,line1,root,telegraf,0640,\r\n"
      + "\r\n"
      + "dev,line-2,,,plant_a,,,,,,,\"x\ny\"\r\n"
    let found = try rows(text)
    #expect(found.count == 2)
    let first = found[0]
    #expect(first.name == "line-1")
    #expect(first.description == "Línea 1")
    #expect(
      first.permissions
        == PermissionSet([
          Permission(.read, "plant_a"), Permission(.read, "plant_b"), Permission(.write, "plant_a"),
          Permission(.read, "*"),
        ]))
    #expect(first.expiry == .after(.seconds(45 * 86_400)))
    #expect(first.secret == "line1")
    #expect(first.place == "line1")
    #expect(first.owner == "root")
    #expect(first.group == "telegraf")
    #expect(first.mode == .groupMayRead)
    #expect(first.labels == [.init(key: "team", value: "ops")])
    #expect(first.line == 2)
    let second = found[1]
    #expect(second.description == "line-2")
    #expect(second.expiry == .none)
    #expect(second.mode == nil)
    #expect(second.line == 4)
    #expect(second.labels == [.init(key: "a", value: "x\ny"), .init(key: "team", value: "dev")])
  }

  @Test func expiresAtIsAnInstant() throws {
    let row = try #require(
      try rows("name,read_database,expires_at\na,db,2027-01-31T00:00:00+01:00\n").first)
    #expect(row.expiry == Instant(rfc3339: "2027-01-30T23:00:00Z").map { .at($0) })
  }

  @Test func aHeaderAloneIsAFileWithoutRows() throws {
    #expect(try rows("name\n") == [])
    #expect(try rows("name") == [])
    #expect(try rows("name\r\n\r\n\n") == [])
  }

  @Test func twiceTheSamePermissionIsOne() throws {
    #expect(try rows("name,read_database\na,db;db\n").first?.permissions.permissions.count == 1)
  }

  /// File, then the one error as `line:column message`.
  static let bad: [(String, String)] = [
    ("", "1:1 the file is empty"),
    ("\n\n", "1:1 the file is empty"),
    ("read_database\ndb\n", "1:1 there is no column name"),
    ("nmae,read_database\n", "1:1 unknown column \"nmae\""),
    ("name, read_database\n", "1:6 unknown column \" read_database\""),
    ("name,,read_database\n", "1:6 a column without a name"),
    ("name,label_é\n", "1:6 \"label_é\" is not a label"),
    ("name,read_database,name\n", "1:20 the column name is there twice"),
    ("name,label_a,label_a\n", "1:14 the column label_a is there twice"),
    ("name,read_database\n,db\n", "2:1 the name is missing"),
    ("name,read_database\nx y,db\n", "2:2 the name \"x y\" may not hold a space"),
    ("name,read_database\n x,db\n", "2:1 the name \" x\" may not start with a space"),
    ("name,read_database\nx ,db\n", "2:2 the name \"x \" may not hold a space"),
    ("name,read_database\n.x,db\n", "2:1 the name \".x\" may not start with \".\""),
    ("name,read_database\nxéy/,db\n", "2:2 the name \"xéy/\" may not hold \"é\""),
    ("name,read_database\n\"x\"\"y\",db\n", "2:3 the name \"x\"y\" may not hold \"\"\""),
    (
      "name,read_database\n\(String(repeating: "n", count: 129)),db\n",
      "2:1 the name is longer than 128 characters"
    ),
    ("name,read_database\na,\n", "2:3 no permission"),
    ("name\na\n", "2:1 no permission"),
    ("name,read_database\na,db 1\n", "2:5 the database name \"db 1\" may not hold a space"),
    ("name,read_database\na, db\n", "2:3 the database name \" db\" may not hold a space"),
    ("name,read_database\na,db; db\n", "2:6 the database name \" db\" may not hold a space"),
    ("name,read_database\na,db;;x\n", "2:6 an empty database name"),
    ("name,read_database\na,db;\n", "2:6 an empty database name"),
    ("name,read_database\na,é*\n", "2:3 the database name \"é*\" may not hold \"é\""),
    (
      "name,write_database\na,\(String(repeating: "d", count: 65))\n",
      "2:3 the database name \"\(String(repeating: "d", count: 65))\" is longer than 64 characters"
    ),
    ("name,read_database\na,db,x\n", "2:6 3 fields, where the header has 2"),
    ("name,read_database\né\n", "2:2 1 field, where the header has 2"),
    ("name,read_database\na,d\"b\n", "2:4 a quote inside a field that does not start with one"),
    (
      "name,read_database\n\"a\"b,db\n",
      "2:4 a closing quote must be followed by a comma or the end of the line"
    ),
    ("name,read_database\na,\"db\nb,db\n", "2:3 a quote that is never closed"),
    (
      "name,description,read_database\na,\"x\nyé\"z,db\n",
      "3:4 a closing quote must be followed by a comma or the end of the line"
    ),
    ("name,read_database\na\0,db\n", "2:2 a NUL byte"),
    ("name,read_database\na,d\rb\n", "2:4 the database name \"d\u{FFFD}b\" may not hold a line break"),
    (
      "name,description,read_database\na,[tokenrotate x],db\n",
      "2:3 the description may not hold \"[tokenrotate \""
    ),
    ("name,description,read_database\na,\"é\"\"\ty\",db\n", "2:7 a control character (U+0009)"),
    ("name,description,read_database\na,x\u{85},db\n", "2:4 a control character (U+0085)"),
    ("name,description,read_database\na,\"x\ny\",db\n", "2:5 a control character (U+000A)"),
    (
      "name,description,read_database\na,\(String(repeating: "é", count: 1001)),db\n",
      "2:3 the description has 1001 characters, more than 1000"
    ),
    ("name,read_database,label_x\na,db,\u{1B}[0m\n", "2:6 a control character (U+001B)"),
    (
      "name,read_database,expires_at\na,db,2027-01-31\n",
      "2:6 expires_at: \"2027-01-31\" is not a time with a time zone"
    ),
    (
      "name,read_database,expires_at\na,db,2026-11-24T03:00:00Z\n",
      "2:6 expires_at: 2026-11-24T03:00:00Z is in the past"
    ),
    ("name,read_database,expires_in\na,db,45\n", "2:6 expires_in: \"45\" is not a duration"),
    ("name,read_database,expires_in\na,db,1s\n", "2:6 expires_in must be from 1m to 36600d, not 1s"),
    (
      "name,read_database,expires_in,expires_at\na,db,45d,2027-01-31T00:00:00Z\n",
      "2:10 both expires_at and expires_in"
    ),
    ("name,read_database,secret\na,db,x/y\n", "2:7 the secret \"x/y\" may not hold \"/\""),
    ("name,read_database,secret\na,db,.pending\n", "2:6 the secret \".pending\" may not start with \".\""),
    ("name,read_database,secret\na,db,s\nb,db,s\n", "3:6 two tokens in one place of the store: \"s\""),
    ("name,read_database,secret\na,db,\nb,db,a\n", "3:6 two tokens in one place of the store: \"a\""),
    ("name,read_database,secret\na,db,b\nb,db,\n", "3:1 two tokens in one place of the store: \"b\""),
    ("name,read_database\na,db\nb,db\na,db\n", "4:1 the name \"a\" is used twice"),
    ("name,read_database,mode\na,db,0644\n", "2:6 mode must be 0600 or 0640, not \"0644\""),
    ("name,read_database,owner\na,db,ro ot\n", "2:6 \"ro ot\" is not the name of a user"),
    ("name,read_database,group\na,db,-g\n", "2:6 \"-g\" is not the name of a group"),
    ("name,read_database,rotate_every\na,db,30d\n", "2:6 rotate_every, where nothing is rotated"),
    ("name,replaces\na,\(uuid)0\n", "2:3 replaces: \"\(uuid)0\" is not the id of a token"),
  ]

  @Test(arguments: bad)
  func aBadFileSaysWhereAndWhat(file: String, expected: String) throws {
    #expect(try csvErrors(file.utf8).map(short) == [expected])
  }

  @Test func aReplacedTokenIsAnIDInSmallLetters() throws {
    let found = try rows("name,replaces,write_database\na,\(SpecificationTests.uuid.uppercased()),\nb,,db\n")
    #expect(found.map(\.replaces) == [SpecificationTests.uuid, nil])
    // Its permissions are those of the replaced one.
    #expect(found[0].permissions.isEmpty)
  }

  @Test func twoRowsCannotReplaceOneToken() throws {
    let (first, other) = (SpecificationTests.uuid, "0d1c7c9a-1111-4222-8333-444455556667")
    let text =
      "name,read_database,secret,replaces\na,db,,\(first)\nb,db,,\(other)\n\(first),db,,\nc,db,,\n"
      + "d,,,\(first.uppercased())\na,db,,\(first)\n"
    let found = try csvErrors(text.utf8)
    #expect(
      found.map(short) == [
        "6:5 the token \"\(first)\" is replaced twice", "7:1 the name \"a\" is used twice",
        "7:7 the token \"\(first)\" is replaced twice",
      ])
    #expect(found.allSatisfy { $0.hint == "first on line 2" })
  }

  @Test func anErrorPrintsAsAnEditorReadsIt() throws {
    let errors = try csvErrors("name,raed_database\na,db\n".utf8)
    #expect(
      errors.map(\.description) == [
        "tokens.csv:1:6: unknown column \"raed_database\"\n  hint: did you mean read_database?"
      ])
    #expect(try csvErrors("name,read_database\na,db\na,db\n".utf8).first?.hint == "first on line 2")
  }

  @Test func bytesThatAreNotUTF8() throws {
    let bytes = Array("name,description,read_database\na,é".utf8) + [0xFF] + Array(",db\n b,,db\n".utf8)
    #expect(
      try csvErrors(bytes).map(short) == [
        "2:4 not UTF-8", "3:1 the name \" b\" may not start with a space",
      ])
    for invalid: [UInt8] in [[0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82]] {
      let bytes = Array("name,label_x,read_database\na,".utf8) + invalid + Array(",db\n".utf8)
      #expect(try csvErrors(bytes).map(short) == ["2:3 not UTF-8"])
    }
    #expect(try csvErrors([0xFF, 0xFE, 0x6E, 0x00]).map(short) == ["1:1 not UTF-8"])
  }

  @Test func allErrorsAreFoundUpToAHundred() throws {
    let three = "name,read_database,mode\n x,db,1\na,d\"b,\n,,\nok,db,\nok,db,\n"
    #expect(
      try csvErrors(three.utf8).map(short) == [
        "2:1 the name \" x\" may not start with a space",
        "2:7 mode must be 0600 or 0640, not \"1\"",
        "3:4 a quote inside a field that does not start with one",
        "4:1 the name is missing",
        "6:1 the name \"ok\" is used twice",
      ])
    let many = "name,read_database\n" + String(repeating: ",db\n", count: 500)
    #expect(try csvErrors(many.utf8).count == 100)
    let repeated = "name,read_database\n" + String(repeating: "a,db\n", count: 500)
    #expect(try csvErrors(repeated.utf8).count == 100)
  }

  @Test func thePolicyIsCheckedAtTheCell() throws {
    let policy = PolicySettings(databases: ["plant_*", "x*y*z"], allowsWildcard: false)
    let text = "name,read_database,write_database\na,plant_1;other,*\nb,x1y2z,plant_\nc,xyx,\n"
    #expect(
      try csvErrors(text.utf8, policy: policy).map(short) == [
        "2:11 [policy] does not allow the database \"other\"", "2:17 [policy] does not allow \"*\"",
        "4:3 [policy] does not allow the database \"xyx\"",
      ])
    #expect(try rows(text, policy: PolicySettings(databases: nil, allowsWildcard: true)).count == 3)
  }

  @Test func unknownDatabasesAreFoundRowByRow() throws {
    let workspace = try Workspace()
    let text = "name,read_database,write_database\na,plant,\nb,plnt;air,plnt\nc,*,\nd,air,\ne,gone,\n"
    let reader = try reader(text.utf8, in: workspace)
    var found: [String] = []
    var batches: [Int] = []
    var cursor: SpecificationReader.Cursor?
    repeat {
      let batch = try reader.unknownDatabases(among: ["plant", "air"], from: cursor, limit: 1)
      found += batch.cells.map { "\($0.row) \($0.error.line):\($0.error.column) \($0.error.message)" }
      batches.append(batch.cells.count)
      cursor = batch.next
    } while cursor != nil
    // A row is never torn apart, and rows without a finding do not end a batch.
    #expect(batches == [2, 1, 0])
    #expect(
      found == [
        "b 3:3 the cluster has no database \"plnt\"", "b 3:12 the cluster has no database \"plnt\"",
        "e 6:3 the cluster has no database \"gone\"",
      ])
  }

  @Test func aRowIsReadAgainByItsPlace() throws {
    let workspace = try Workspace()
    let text = "name,description,read_database\r\na,\"q\"\"u\r\no\"\"te\",db\r\nb,,db\nc,,db"
      .replacingOccurrences(of: "\r\no", with: " o")
    let reader = try reader(text.utf8, in: workspace)
    var found: [SpecificationRow] = []
    try reader.forEachRow { found.append($0) }
    #expect(found.map(\.name) == ["a", "b", "c"])
    #expect(found[0].description == "q\"u o\"te")
    #expect(Set(found.map(\.digest)).count == 3)
    for var row in found {
      let again = try reader.row(
        atByteOffset: row.byteOffset, length: row.byteLength, digest: row.digest)
      #expect(RowDigest(row.digest.description) == row.digest)
      row.line = 0
      #expect(again == row)
    }
    // Written in place, as an editor may: the same inode, other bytes.
    let handle = try #require(FileHandle(forWritingAtPath: "\(workspace.path)/tokens.csv"))
    try handle.seek(toOffset: UInt64(found[1].byteOffset))
    try handle.write(contentsOf: Data("x".utf8))
    try handle.close()
    let error = try #require(throws: JobFileErrors.self) {
      try reader.row(
        atByteOffset: found[1].byteOffset, length: found[1].byteLength, digest: found[1].digest)
    }
    #expect(error.errors.first?.message.contains("changed while it was being used") == true)
    _ = try reader.row(
      atByteOffset: found[2].byteOffset, length: found[2].byteLength, digest: found[2].digest)
    #expect(throws: JobFileErrors.self) {
      try reader.row(atByteOffset: 10_000, length: 5, digest: found[2].digest)
    }
  }

  @Test func whatTheBodyThrowsComesThrough() throws {
    struct Stop: Error {}
    let workspace = try Workspace()
    let reader = try reader("name,read_database\na,db\nb,db\n".utf8, in: workspace)
    var seen = 0
    #expect(throws: Stop.self) {
      try reader.forEachRow { _ in
        seen += 1
        throw Stop()
      }
    }
    #expect(seen == 1)
  }

  @Test func aRecordHasABound() throws {
    let long = "name,read_database\na,\"" + String(repeating: "x\n", count: 600_000)
    #expect(try csvErrors(long.utf8).map(short) == ["2:1 a record longer than 1048576 bytes"])
    let line = "name,read_database\na," + String(repeating: "x", count: 1_100_000)
    #expect(try csvErrors(line.utf8).map(short) == ["2:1 a line longer than 1048576 bytes"])
  }

  @Test func aMissingFileSaysSo() throws {
    let error = try #require(throws: JobFileErrors.self) {
      try SpecificationReader(path: "/nonexistent/t.csv", now: testNow, trust: untrusting)
    }
    #expect(
      error.description
        == "/nonexistent/t.csv:1:1: cannot open /nonexistent/t.csv: No such file or directory")
  }

  /// What RFC 4180 can write is read back as it was.
  @Test(arguments: [UInt64(1), 2, 3, 4])
  func randomFilesAreReadBack(seed: UInt64) throws {
    var random = SplitMix(state: seed)
    let alphabet = Array("ab,\"é€😀; \n\r\t'").map(String.init)
    func text(_ random: inout SplitMix) -> String {
      (0..<Int(random.next() % 8)).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] }.joined()
    }
    func field(_ text: String, _ random: inout SplitMix) -> String {
      let mustQuote = text.unicodeScalars.contains { ",\"\n\r".unicodeScalars.contains($0) }
      guard mustQuote || random.next() % 3 == 0 else { return text }
      return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
    }
    let lineBreak = seed % 2 == 0 ? "\n" : "\r\n"
    var file = "label_x,name,description,read_database\(lineBreak)"
    var wanted: [(label: String, name: String, description: String, line: Int)] = []
    for index in 0..<500 {
      let label = text(&random)
      let description = text(&random).filter { !$0.isNewline && $0 != "\t" }
        .replacingOccurrences(of: "\r", with: "")
      let line = file.utf8.count { $0 == UInt8(ascii: "\n") } + 1
      wanted.append((label, "n\(index)", description, line))
      file += [field(label, &random), "n\(index)", field(description, &random), "db"].joined(separator: ",")
      if index < 499 || random.next() % 2 == 0 { file += lineBreak }
    }
    let found = try rows(file)
    #expect(found.count == wanted.count)
    for (row, want) in zip(found, wanted) {
      #expect(row.name == want.name)
      #expect(Array((row.labels.first?.value ?? "").utf8) == Array(want.label.utf8))
      #expect(row.description == (want.description.isEmpty ? want.name : want.description))
      #expect(row.line == want.line)
      let slice = Array(file.utf8)[row.byteOffset..<row.byteOffset + row.byteLength]
      #expect(String(decoding: slice, as: UTF8.self).contains(",\(want.name),"))
    }
  }

  @Test func manyRowsAreReadInOrder() throws {
    let workspace = try Workspace()
    var text = "name,read_database\n"
    for index in 0..<50_000 { text += "token-\(index),db\n" }
    let reader = try reader(text.utf8, in: workspace)
    var index = 0
    try reader.forEachRow { row in
      #expect(row.name == "token-\(index)")
      index += 1
    }
    #expect(index == 50_000)
  }
}
