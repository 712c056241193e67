import Arguments
import Foundation
import Testing

enum ManualFormatters {
  static let areInstalled = ["man", "mandoc", "col"].allSatisfy { access("/usr/bin/\($0)", X_OK) == 0 }
}

/// The manual page, as formatters read and show it.
@Suite(
  .fewAtATime,
  .enabled(
    if: ManualFormatters.areInstalled || CompletionShell.isRequired,
    "man, mandoc or col is missing: apt-get install man-db mandoc bsdextrautils"))
struct ManualPageTests {
  static let table = CommandTable.tokenrotate

  /// A workspace with the page in it.
  private func workspace() async throws -> Workspace {
    let workspace = try Workspace()
    let outcome = try await workspace.shell("tokenrotate completions man > tokenrotate.1")
    #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.everything)")
    return workspace
  }

  @Test func formattersHaveNothingToComplainOf() async throws {
    let workspace = try await workspace()
    let groff = try await workspace.shell("man --warnings -E UTF-8 -l tokenrotate.1 >/dev/null")
    #expect(groff.code == 0 && groff.errors.isEmpty, "\(groff.everything)")
    // A page that is made from the program has the program's version for a date.
    let mandoc = try await workspace.shell("mandoc -T lint -W warning tokenrotate.1 | grep -v 'missing date'")
    #expect(mandoc.output.isEmpty && mandoc.errors.isEmpty, "\(mandoc.everything)")
  }

  @Test func everythingOfTheTableIsShown() async throws {
    let workspace = try await workspace()
    let outcome = try await workspace.shell(
      "man -E UTF-8 -l tokenrotate.1 | col -bx", ["MANWIDTH": "200", "LC_ALL": "C.UTF-8"])
    let lines = outcome.output.components(separatedBy: "\n")
    for command in Self.table.commands {
      #expect(lines.contains { $0.hasPrefix("   tokenrotate \(command.name.rawValue) [OPTION...]") })
      for example in command.examples { #expect(lines.contains("       \(example)")) }
    }
    for option in Self.table.commonOptions + Self.table.commands.flatMap(\.options) {
      let value = option.value.placeholder.map { " \($0)" } ?? ""
      let form = "       " + (option.short.map { "-\($0), " } ?? "") + option.name.text + value
      #expect(lines.contains { $0 == form || $0.hasPrefix(form + " ") }, "\(form)")
    }
    let sections = lines.filter {
      $0.first?.isUppercase == true && $0.allSatisfy { $0.isUppercase || $0 == " " }
    }
    #expect(
      sections == [
        "NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "OPTIONS", "EXIT STATUS", "FILES", "ENVIRONMENT",
        "EXAMPLES", "SEE ALSO",
      ])
    #expect(outcome.output.contains("tokenrotate 0.2.0"))
    for code in Set(Self.table.commands.flatMap { $0.exitStatuses.map(\.code) }) {
      #expect(lines.contains { $0.hasPrefix("       \(code) ") })
    }
  }

  /// whatis and apropos find the page by its first section.
  @Test func thePageHasAName() async throws {
    let outcome = try await workspace().shell("lexgrog tokenrotate.1")
    #expect(
      outcome.output == "tokenrotate.1: \"tokenrotate - \(Self.table.summary)\"\n", "\(outcome.everything)")
  }
}
