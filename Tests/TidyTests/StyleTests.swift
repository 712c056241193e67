import Foundation
import Testing

/// The rules of style that a machine can check, over all Swift text.
struct StyleTests {
  private func offences(_ files: [Repository.File], _ pattern: String, inCode: Bool = true) throws -> [String]
  {
    let expression = try NSRegularExpression(pattern: pattern)
    return files.flatMap { file -> [String] in
      let text = inCode ? file.code : file.text
      return text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap {
        index, line in
        let line = String(line)
        let whole = NSRange(line.startIndex..., in: line)
        return expression.firstMatch(in: line, range: whole) == nil ? nil : "\(file.path):\(index + 1)"
      }
    }
  }

  @Test func thereIsSomethingToLookAt() {
    #expect(Repository.sources.count > 100 && Repository.tests.count > 40)
    #expect(Repository.sources.contains { $0.path == "Sources/RotationModel/Event.swift" })
  }

  /// Time is injected, errors are typed and handled, and results go through a reporter.
  @Test(arguments: [
    #"\bDate\(\)"#, #"\btry!"#, #"\bas!"#, #"\bfatalError\("#, #"(?<![.\w])print\("#,
  ])
  func sourcesKeepTo(rule: String) throws {
    #expect(try offences(Repository.sources, rule) == [])
  }

  /// In tests too a cast that traps hides what was wrong, and a wait for luck fails on a slow day.
  @Test(arguments: [#"\btry!"#, #"\bas!"#, #"(?<![.\w])print\("#, #"\.disabled\("#])
  func testsKeepTo(rule: String) throws {
    // The simulation's own program talks to whoever started it.
    let tests = Repository.tests.filter { $0.target != "Simulate" || !rule.contains("print") }
    #expect(try offences(tests, rule) == [])
  }

  @Test func nothingIsLeftToBeDone() throws {
    // Written apart, so that this line is no finding.
    let words = ["TO" + "DO", "FIX" + "ME", "X" + "XX"].joined(separator: "|")
    #expect(
      try offences(
        Repository.sources + Repository.tests + Repository.others, #"\b(\#(words))\b"#, inCode: false)
        == [])
  }

  @Test func noFileIsTooLongToBeRead() {
    let long = (Repository.sources + Repository.tests).filter { $0.lines.count > 401 }.map(\.path)
    #expect(long == [])
  }

  @Test func theMachinesSwitchesNameEveryCase() throws {
    let files = ["RotationMachine", "NextAction", "Evidence", "LineageStatus"].compactMap {
      Repository.file("Sources/RotationModel/\($0).swift")
    }
    #expect(files.count == 4)
    #expect(try offences(files, #"^\s*default\s*:"#) == [])
  }

  /// What belongs to one machine, and to nobody who reads this.
  @Test func noPathOrHostOfAWorkshopIsMentioned() throws {
    let places = [
      "/wo" + "rk/", "/tmp" + "/h\\b", "proxy\\.golang\\.org", "registry\\.npmjs", "files\\.pythonhosted",
    ]
    #expect(
      try offences(
        Repository.sources + Repository.tests + Repository.others, places.joined(separator: "|"),
        inCode: false)
        == [])
  }

  @Test func theCheckSeesCodeAndNothingElse() throws {
    let text = """
      let a = "print(1)" // print(2)
      /* print(3)
      print(4) */ print(5)
      let b = #"print(6) "quoted" "#; reporter.print(7)
      let c = "an escaped \\" print(8)"
      """
    let file = Repository.File(path: "sample", text: text)
    #expect(try offences([file], #"(?<![.\w])print\("#) == ["sample:3"])
    #expect(SwiftText.code(of: text).count == text.count)
  }
}
