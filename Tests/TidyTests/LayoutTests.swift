import Foundation
import Testing

/// Imports run downwards only. Both what Package.swift allows and what the files say is held against one
/// table, so that a dependency that nobody decided on is noticed.
struct LayoutTests {
  /// What each target may import beyond the standard library. The model imports nothing; the runner knows
  /// model and ports, never C, an adapter or the system.
  static let allowed: [String: Set<String>] = [
    "JSONText": [],
    "RotationModel": [],
    "RotationPorts": ["RotationModel", "Glibc"],
    "Locks": ["Glibc"],
    "FileSystem": ["Locks", "Glibc"],
    "Digests": ["CCrypto"],
    "TOMLReader": ["CTOML"],
    "Subprocesses": ["RotationModel", "RotationPorts", "Locks", "Glibc"],
    "CommandHooks": ["RotationModel", "RotationPorts", "Subprocesses", "JSONText"],
    "HTTPClient": ["CCurl", "Locks", "Glibc", "RotationModel", "RotationPorts"],
    "JobFiles": [
      "RotationModel", "RotationPorts", "TOMLReader", "Subprocesses", "Digests", "CCSV", "Glibc",
      "FoundationEssentials",
    ],
    "InfluxAPI": [
      "RotationModel", "RotationPorts", "HTTPClient", "TOMLReader", "JSONText", "Glibc",
      "FoundationEssentials",
    ],
    "SecretStores": [
      "RotationModel", "RotationPorts", "FileSystem", "HTTPClient", "Subprocesses", "Digests", "Locks",
      "JSONText",
      "Glibc", "FoundationEssentials",
    ],
    "Ledgers": ["RotationModel", "RotationPorts", "CSQLite", "Glibc"],
    "AuditLog": [
      "RotationModel", "RotationPorts", "FileSystem", "Digests", "JSONText", "FoundationEssentials",
    ],
    "Reporting": ["RotationModel", "RotationPorts", "Locks", "JSONText", "Glibc"],
    "Arguments": [],
    "RotationRunner": ["RotationModel", "RotationPorts"],
    "Sandbox": ["RotationModel", "RotationPorts", "CMicroHTTPD", "Locks", "JSONText", "Glibc"],
    "tokenrotate": [
      "RotationModel", "RotationPorts", "FileSystem", "JSONText", "Locks", "JobFiles", "HTTPClient",
      "InfluxAPI",
      "SecretStores", "Ledgers", "AuditLog", "RotationRunner", "CommandHooks",
      "Reporting", "Sandbox", "Arguments", "Glibc",
      "FoundationEssentials",
    ],
  ]

  /// From the lowest to the highest: each imports only what stands before it.
  static let order = [
    "JSONText", "RotationModel", "RotationPorts", "Locks", "FileSystem", "Digests", "TOMLReader",
    "Subprocesses", "HTTPClient",
    "JobFiles", "InfluxAPI", "SecretStores", "Ledgers", "AuditLog", "CommandHooks", "Reporting", "Arguments",
    "Sandbox",
    "RotationRunner", "tokenrotate",
  ]

  struct Import: Sendable {
    var file: String
    var target: String
    var module: String
    var access: String
  }

  static let imports = imports(of: Repository.sources)

  static func imports(of files: [Repository.File]) -> [Import] {
    files.flatMap { file in
      file.code.split(separator: "\n").compactMap { line -> Import? in
        let words = line.split(separator: " ").map(String.init)
        guard let index = words.firstIndex(of: "import"), index + 1 < words.count, index <= 2 else {
          return nil
        }
        return Import(
          file: file.path, target: file.target, module: words[index + 1],
          access: words[..<index].last ?? "internal")
      }
    }
  }

  @Test func everyTargetIsInTheTable() {
    #expect(Set(LayoutTests.imports.map(\.target)).isSubset(of: LayoutTests.allowed.keys))
    #expect(Set(Repository.sources.map(\.target)) == Set(LayoutTests.allowed.keys))
    #expect(Set(LayoutTests.order) == Set(LayoutTests.allowed.keys))
    #expect(LayoutTests.imports.count > 100)
  }

  @Test func importsRunDownwardsOnly() {
    for line in LayoutTests.imports {
      #expect(
        LayoutTests.allowed[line.target]?.contains(line.module) == true,
        "\(line.file) imports \(line.module)")
      guard let target = LayoutTests.order.firstIndex(of: line.target),
        let module = LayoutTests.order.firstIndex(of: line.module)
      else { continue }
      #expect(module < target, "\(line.file) imports \(line.module), which stands above it")
    }
  }

  /// The simulation is the runner in a world of its own: it knows what it stands in for and what it holds against
  /// the invariants, and neither C, HTTP, SQL nor the command line.
  @Test func theSimulationKnowsTheRunnerAndItsPortsOnly() {
    let allowed: [String: Set<String>] = [
      "Simulation": [
        "RotationModel", "RotationPorts", "RotationRunner", "RotationTestKit", "Sandbox", "SecretStores",
        "AuditLog",
        "Digests", "FileSystem", "Foundation",
      ],
      "Simulate": ["Simulation", "Foundation"],
    ]
    let imports = LayoutTests.imports(of: Repository.tests.filter { allowed[$0.target] != nil })
    #expect(Set(imports.map(\.target)) == Set(allowed.keys))
    for line in imports {
      #expect(allowed[line.target]?.contains(line.module) == true, "\(line.file) imports \(line.module)")
    }
  }

  @Test func foundationStaysOutside() {
    for line in LayoutTests.imports {
      #expect(line.module != "Foundation" && !line.module.hasPrefix("Foundation."), "\(line.file)")
    }
  }

  /// With the upcoming feature InternalImportsByDefault a plain `import` is internal; C modules say so in
  /// so many words all the same, so that the rule holds whatever the build's settings are.
  @Test func aCModuleIsImportedInOneTargetAndNeverShown() throws {
    let modules = try FileManager.default.contentsOfDirectory(
      atPath: Repository.root.appending(path: "Sources/CLibraries").path)
    #expect(modules.count >= 6)
    for module in modules {
      let importers = LayoutTests.imports.filter { $0.module == module }
      #expect(Set(importers.map(\.target)).count == 1, "\(module): \(importers.map(\.file))")
      #expect(importers.allSatisfy { $0.access == "internal" })
    }
    for line in LayoutTests.imports where line.module == "Glibc" {
      #expect(line.access == "internal", "\(line.file)")
    }
    for path in Repository.sources where LayoutTests.cImportWithoutAccess(path.text) {
      Issue.record("\(path.path): write `internal import` for a C module")
    }
  }

  private static func cImportWithoutAccess(_ text: String) -> Bool {
    text.split(separator: "\n").contains { line in
      ["CCurl", "CSQLite", "CPostgreSQL", "CTOML", "CCSV", "CCrypto", "CMicroHTTPD"].contains { module in
        line == "import \(module)"
      }
    }
  }

  /// What Package.swift gives a target and no file of it uses is a door left open. The command line wires
  /// everything, so it may.
  @Test func thePackageAllowsNoMoreThanTheTable() throws {
    let package = try #require(Repository.file("Package.swift"))
    #expect(package.text.contains("InternalImportsByDefault") && package.text.contains("treatAllWarnings"))
    let expression = try NSRegularExpression(pattern: #"layer\(\s*"(\w+)"(?:,\s*\[([^\]]*)\])?\)"#)
    let text = package.text
    var found = 0
    for match in expression.matches(in: text, range: NSRange(text.startIndex..., in: text)) {
      guard let name = Range(match.range(at: 1), in: text).map({ String(text[$0]) }) else { continue }
      let list = Range(match.range(at: 2), in: text).map { String(text[$0]) } ?? ""
      let dependencies = Set(
        list.split(whereSeparator: { ", \n".contains($0) }).map { $0.filter { $0 != "\"" } })
      found += 1
      #expect(dependencies.isSubset(of: LayoutTests.allowed[name] ?? []), "\(name): \(dependencies)")
    }
    #expect(found == LayoutTests.allowed.count - 1)
  }
}
