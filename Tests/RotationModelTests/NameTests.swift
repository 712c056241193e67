import RotationModel
import Testing

struct NameTests {
  @Test(arguments: ["a", "9", "plant-1", "A.b_c-d", String(repeating: "x", count: 128)])
  func namesThatNeedNoEscapingAreValid(name: String) {
    #expect(Name.isValid(name))
  }

  @Test(arguments: [
    "", ".", "..", ".hidden", "-flag", "_x", "a/b", "a b", "a\n", "a\0", "a]", "a#b", "é", "e\u{301}",
    "a\u{202E}", "ａ", "a\\b", String(repeating: "x", count: 129),
  ])
  func allOthersAreNot(name: String) {
    #expect(!Name.isValid(name))
  }

  @Test(arguments: ["a", "_internal", "db/rp", "A-1_b", String(repeating: "d", count: 64)])
  func databaseNames(name: String) {
    #expect(DatabaseName.isValid(name))
  }

  @Test(arguments: ["", "*", "a b", "a.b", "a;b", "ä", "a\n", String(repeating: "d", count: 65)])
  func noDatabaseNames(name: String) {
    #expect(!DatabaseName.isValid(name))
  }

  /// All of ASCII, so that no range in the two rules is off by one.
  @Test func eachCharacterIsJudgedAsTheInterfaceSays() {
    for byte in UInt8(0)..<128 {
      let character = Character(UnicodeScalar(byte))
      let isLetterOrDigit = character.isLetter || character.isNumber
      #expect(Name.isValid("a\(character)") == (isLetterOrDigit || "._-".contains(character)))
      #expect(Name.isValid("\(character)a") == isLetterOrDigit)
      #expect(DatabaseName.isValid("\(character)") == (isLetterOrDigit || "_-/".contains(character)))
    }
  }
}

struct PermissionTests {
  @Test func aSetKeepsEachPermissionOnceAndInOrder() {
    let set = PermissionSet([
      Permission(.write, "b"), Permission(.read, "a"), Permission(.write, "b"), Permission(.read, "b"),
      Permission(.write, "*"),
    ])
    #expect(
      set.permissions == [
        Permission(.write, "b"), Permission(.read, "a"), Permission(.read, "b"), Permission(.write, "*"),
      ])
    #expect(set.databases == ["b", "a"])
    #expect(!set.isEmpty && PermissionSet([]).isEmpty)
  }

  @Test func equalityIgnoresOrderAndNothingElse() {
    let one = PermissionSet([Permission(.read, "a"), Permission(.write, "b")])
    #expect(one == PermissionSet([Permission(.write, "b"), Permission(.read, "a")]))
    #expect(one != PermissionSet([Permission(.read, "b"), Permission(.write, "a")]))
    #expect(one != PermissionSet([Permission(.read, "a")]))
    #expect(one != PermissionSet([Permission(.read, "a"), Permission(.write, "B")]))
  }

  @Test(arguments: [
    (PermissionSet([]), ""),
    (PermissionSet([Permission(.read, "a")]), "read:a"),
    (
      PermissionSet([Permission(.write, "db/rp"), Permission(.read, "*"), Permission(.read, "a-b_C")]),
      "write:db/rp,read:*,read:a-b_C"
    ),
  ])
  func aSetIsWrittenAndReadBackInItsOrder(set: PermissionSet, text: String) {
    #expect(set.text == text)
    #expect(PermissionSet(text: text).permissions == set.permissions)
  }

  @Test(arguments: ["x", "read", "read:", ":a", "admin:a", "READ:a", ",", ",,", " read:a"])
  func whatIsNoPermissionIsLeftOut(text: String) {
    #expect(PermissionSet(text: text).isEmpty)
    #expect(PermissionSet(text: "write:b,\(text),read:a").text == "write:b,read:a")
  }

  @Test func onlyWhatTheServiceTakesCanBeGranted() {
    #expect(PermissionSet([Permission(.read, "*"), Permission(.write, "a/b")]).canBeGranted)
    #expect(!PermissionSet([Permission(.read, "a"), Permission(.write, "a b")]).canBeGranted)
    #expect(!PermissionSet([Permission(.read, "")]).canBeGranted)
  }

  @Test func onlyTheStarIsAWildcard() {
    #expect(Permission(.read, "*").isWildcard)
    #expect(!Permission(.read, "**").isWildcard)
    #expect(Permission(.read, "z") < Permission(.write, "a"))
    #expect(Permission(.read, "a") < Permission(.read, "b"))
  }
}
