// swift-tools-version: 6.2
import PackageDescription

/// Every target of ours: Swift 6 language mode, warnings are errors.
let strict: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

/// A library target. Imports run downwards only: see docs/architecture.md.
func layer(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// The test target of a layer. Tests may see everything below the command line.
func tests(
  _ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = [], exclude: [String] = []
) -> Target {
  .testTarget(
    name: name, dependencies: dependencies, exclude: exclude, resources: resources,
    swiftSettings: strict)
}

let package = Package(
  name: "tokenrotate",
  products: [
    .executable(name: "tokenrotate", targets: ["tokenrotate"])
  ],
  targets: [
    // C libraries: a module map and a shim each, imported by exactly one Swift target.
    .systemLibrary(
      name: "CCurl", path: "Sources/CLibraries/CCurl", pkgConfig: "libcurl",
      providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(
      name: "CSQLite", path: "Sources/CLibraries/CSQLite", pkgConfig: "sqlite3",
      providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(
      name: "CCSV", path: "Sources/CLibraries/CCSV", providers: [.apt(["libcsv-dev"])]),
    .systemLibrary(
      name: "CCrypto", path: "Sources/CLibraries/CCrypto", pkgConfig: "libcrypto",
      providers: [.apt(["libssl-dev"])]),
    .systemLibrary(
      name: "CMicroHTTPD", path: "Sources/CLibraries/CMicroHTTPD", pkgConfig: "libmicrohttpd",
      providers: [.apt(["libmicrohttpd-dev"])]),
    .target(name: "CTOML", path: "Sources/CLibraries/CTOML"),

    // JSON as text: one way to write it, one way to read it without keeping it.
    layer("JSONText"),

    // The pure model, and the ports it is acted out through.
    layer("RotationModel"),
    layer("RotationPorts", ["RotationModel"]),

    // One Swift wrapper for each library of the system.
    layer("Locks"),
    layer("FileSystem", ["Locks"]),
    layer("Digests", ["CCrypto"]),
    layer("Subprocesses", ["RotationModel", "RotationPorts", "Locks"]),
    layer("TOMLReader", ["CTOML"]),
    layer("HTTPClient", ["CCurl", "Locks", "RotationModel", "RotationPorts"]),

    // Adapters: each implements ports, none knows another.
    layer("JobFiles", ["RotationModel", "RotationPorts", "TOMLReader", "Subprocesses", "Digests", "CCSV"]),
    layer("InfluxAPI", ["RotationModel", "RotationPorts", "HTTPClient", "TOMLReader", "JSONText"]),
    layer(
      "SecretStores",
      [
        "RotationModel", "RotationPorts", "FileSystem", "HTTPClient", "Subprocesses", "Digests", "Locks",
        "JSONText",
      ]),
    layer("Ledgers", ["RotationModel", "RotationPorts", "CSQLite"]),
    layer("AuditLog", ["RotationModel", "RotationPorts", "FileSystem", "Digests", "JSONText"]),
    layer("CommandHooks", ["RotationModel", "RotationPorts", "Subprocesses", "JSONText"]),
    layer("Reporting", ["RotationModel", "RotationPorts", "Locks", "JSONText"]),

    // The command line's one table: knows words, not what they do.
    layer("Arguments"),

    // The flow, and the stand-in for a cluster.
    layer("RotationRunner", ["RotationModel", "RotationPorts"]),
    layer("Sandbox", ["RotationModel", "RotationPorts", "CMicroHTTPD", "Locks", "JSONText"]),

    .executableTarget(
      name: "tokenrotate",
      dependencies: [
        "RotationModel", "RotationPorts", "FileSystem", "Locks", "JSONText", "JobFiles", "HTTPClient",
        "InfluxAPI", "SecretStores", "Ledgers", "AuditLog", "RotationRunner", "Reporting",
        "CommandHooks", "Sandbox", "Arguments",
      ],
      swiftSettings: strict),

    .target(
      name: "RotationTestKit",
      dependencies: [
        "RotationModel", "RotationPorts", "FileSystem", "JobFiles", "HTTPClient", "InfluxAPI",
        "SecretStores", "Ledgers", "AuditLog", "RotationRunner", "Reporting", "Sandbox",
      ],
      path: "Tests/RotationTestKit", swiftSettings: strict),
    tests("JSONTextTests", ["JSONText"]),
    tests("RotationModelTests", ["RotationModel"]),
    tests("RotationPortsTests", ["RotationModel", "RotationPorts"]),
    tests("FileSystemTests", ["FileSystem", "RotationTestKit"]),
    tests("JobFilesTests", ["JobFiles", "TOMLReader", "RotationModel", "RotationPorts"]),
    tests("HTTPClientTests", ["HTTPClient", "RotationModel", "RotationPorts", "RotationTestKit"]),
    tests("InfluxAPITests", ["InfluxAPI", "RotationTestKit"]),
    tests("SecretStoresTests", ["SecretStores", "HTTPClient", "Digests", "RotationTestKit"]),
    tests("LedgersTests", ["Ledgers", "RotationTestKit"]),
    tests("AuditLogTests", ["AuditLog", "Digests", "RotationTestKit"]),
    tests("RotationRunnerTests", ["RotationRunner", "RotationTestKit"]),
    tests("ReportingTests", ["Reporting", "RotationTestKit"]),
    tests("ArgumentsTests", ["Arguments"]),
    tests("CommandHooksTests", ["CommandHooks", "Subprocesses", "RotationModel", "RotationPorts"]),
    tests("SandboxTests", ["Sandbox"]),
    .target(
      name: "Simulation",
      dependencies: [
        "RotationRunner", "RotationTestKit", "Sandbox", "SecretStores", "AuditLog", "Digests",
        "RotationModel",
        "RotationPorts", "FileSystem",
      ],
      path: "Tests/Simulation", swiftSettings: strict),
    .executableTarget(
      name: "simulate", dependencies: ["Simulation"], path: "Tests/Simulate", swiftSettings: strict),
    tests("SimulationTests", ["Simulation"]),
    tests(
      "CommandTests", ["RotationTestKit", "HTTPClient", "Arguments", "Reporting"], exclude: ["transcripts"]),
    tests(
      "KillTests", ["RotationTestKit", "RotationModel", "Sandbox", "HTTPClient"],
      exclude: ["shim"]),
    tests(
      "RotationKillTests",
      ["RotationTestKit", "RotationModel", "RotationPorts", "Sandbox", "HTTPClient"]),
    tests("ScaleTests", ["RotationTestKit", "Sandbox", "HTTPClient"]),
    tests("TidyTests", []),
  ],
  cxxLanguageStandard: .cxx17
)
