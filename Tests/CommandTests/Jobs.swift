import Foundation
import Testing

extension Workspace {
  /// Writes a job with fast activation and its CSV, `rows` after a header of name, read and write database.
  /// The cluster is that of the sandbox's defaults file unless `more` says otherwise.
  func writeJob(
    _ path: String = "job.toml", name: String = "plant", rows: [String], activation: String = "",
    more: String = ""
  ) throws {
    try write(
      path,
      """
      name = "\(name)"
      specification = "tokens.csv"
      [activation]
      settle = "1s"
      consecutive = 2
      \(activation)
      \(more)
      """)
    let folder = (path as NSString).deletingLastPathComponent
    try writeRows(rows, (folder as NSString).appendingPathComponent("tokens.csv"))
  }

  func writeRows(_ rows: [String], _ path: String = "tokens.csv") throws {
    try write(path, (["name,read_database,write_database"] + rows).map { $0 + "\n" }.joined())
  }

  /// Rows `line-1` and so on, each allowed to read one database.
  static func rows(_ numbers: ClosedRange<Int>) -> [String] { numbers.map { "line-\($0),plant," } }

  /// The names that the default store holds.
  func delivered(_ job: String = "plant") -> [String] { list("state/tokens/\(job)") }
}

extension SandboxProcess {
  /// Makes a token as somebody else would.
  func createToken(_ description: String, in workspace: Workspace) async throws {
    let body = #"{"description":"\#(description)","permissions":[{"action":"read","resource":"plant"}]}"#
    try workspace.write("body.json", body)
    let path =
      "api/v0/accounts/5a4db0c5-0000-4000-8000-000000000001/clusters/5a4db0c5-0000-4000-8000-000000000002"
    let outcome = try await workspace.shell(
      "curl -sf -o /dev/null -H 'Authorization: Bearer \(SandboxProcess.managementToken)'"
        + " -H 'Content-Type: application/json' --data-binary @body.json \(url)/\(path)/tokens")
    try #require(outcome.code == 0, "\(outcome.everything)")
  }
}
