import Foundation

extension Workspace {
  /// A sandbox that a profile of influxctl's is about, where influxctl looks for it, and the options with which the
  /// profile is enough: influxctl's file has no keys for a console of one's own and a host without TLS.
  func startProfiledSandbox(_ options: [String] = []) async throws -> (SandboxProcess, String) {
    try FileManager.default.createDirectory(
      atPath: root + "/home/.config/influxctl", withIntermediateDirectories: true)
    let sandbox = try await startSandbox(
      options: [
        "--write-profile", "../home/.config/influxctl/config.toml", "--activation-delay", "500ms",
        "--activation-spread", "0s", "--database", "DATABASE_NAME", "--database", "DATABASE2_NAME",
      ] + options)
    return (sandbox, "--state state --management-url \(sandbox.url)/api/v0 --host \(sandbox.url)")
  }

  /// A job on the same cluster.
  static let tokenJob = """
    name = "plant"
    specification = "tokens.csv"
    [activation]
    settle = "0s"
    timeout = "2s"
    [[store]]
    kind = "file"
    directory = "tokens"
    """
}
